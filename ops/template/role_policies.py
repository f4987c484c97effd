"""Spreads the catalog's roles over the inline policy and managed policies of a function's role, within IAM's limits.

The vending function may assume them, the revoker may change their inline policies.

Each role prefers the policies in an order of its own, made of hashes, and goes into the first that has room. So a
change of the catalog changes few policies, and those that stay as they are need no deployment.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, cast

from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.configuration.role_entry import MAXIMUM_MANAGED_POLICIES
from chalicelib.errors import ConfigError
from ops.documents.json_object import Json
from ops.iam.by_name import are_by_name, by_name, names_in_accounts
from ops.iam.function_policy import ASSUME_SID, iam_policy
from ops.iam.policy_size import MAXIMUM_INLINE, MAXIMUM_MANAGED, characters
from ops.iam.revoker_policy import WRITE_SID, revoker_policy
from ops.stages.names import FUNCTION_ROLE, REVOKER_ROLE

# While there may be more policies, they are filled to this share only, so that a new role finds room where it prefers.
_FILLED: Final = 0.85
_BETWEEN: Final = len(",")


def spread(template: Json, catalog: WrittenCatalog) -> list[str]:
    """Move roles that do not fit into the inline policy of a function's role into managed policies, in place.

    Where they do not fit into these either, those of many accounts are named once for all of them (iam/by_name.py).

    They are attached by the role, not the other way round: CloudFormation then changes them before the role and the
    function, and no role is taken out of the inline policy, or vended, before it is in another one.

    Returns:
        What whoever deploys it should know: a line for each function whose policies are wider than the catalog.

    Raises:
        ConfigError: they do not fit into all that may be attached.
    """
    resources = cast(dict[str, Json], template["Resources"])
    told = [_spread(resources, catalog, grant) for grant in _GRANTS if grant.role in resources]
    return [line for line in told if line is not None]


def _spread(resources: dict[str, Json], catalog: WrittenCatalog, grant: "_Grant") -> str | None:
    role = cast(Json, resources[grant.role]["Properties"])
    (inline,) = (cast(Json, policy["PolicyDocument"]) for policy in cast(list[Json], role["Policies"]))
    if characters(inline) <= MAXIMUM_INLINE:
        return None
    attached = cast(list[object], role.get("ManagedPolicyArns", []))
    try:
        statement, (own, *others) = _placed(inline, catalog, len(attached), grant)
    except _DoesNotFit:
        inline["Statement"] = [by_name(one, names_in_accounts(catalog)) for one in _statements(inline)]
        if characters(inline) <= MAXIMUM_INLINE:
            return _told(inline, grant)
        statement, (own, *others) = _placed(inline, catalog, len(attached), grant)
    told = _told(inline, grant)
    _grant(inline, statement, own)
    for room in others:
        document: Json = {"Version": "2012-10-17", "Statement": [statement | {"Resource": sorted(room.granted)}]}
        resources[room.name] = _managed_policy(room.name, document, grant)
    role["ManagedPolicyArns"] = [*attached, *({"Ref": room.name} for room in others)]
    return told


def _told(inline: Json, grant: "_Grant") -> str | None:
    if not are_by_name(_statements(inline)):
        return None
    return (
        f"roles.yaml: the roles of many accounts are {grant.granted} by their names, in any of the catalog's accounts, "
        f"for one by one they do not fit into the IAM policies of the {grant.whose}: see docs/catalog.md."
    )


def _placed(inline: Json, catalog: WrittenCatalog, attached: int, grant: "_Grant") -> tuple[Json, list["_Room"]]:
    """The statement whose roles are spread, and where they go."""
    statement = next(one for one in _statements(inline) if one.get("Sid") == grant.sid)
    granted = cast(list[str], statement["Resource"])
    return statement, _place(granted, _rooms(inline, statement, grant), catalog, attached, grant)


def check_fit(catalog: WrittenCatalog, operator_role: str | None) -> list[str]:
    """Refuse a catalog before anything is packaged that `spread` would refuse afterwards; and say what that would say.

    Raises:
        ConfigError: its roles do not fit into all that may be attached.
    """
    documents = {FUNCTION_ROLE: iam_policy(catalog), REVOKER_ROLE: revoker_policy(catalog, operator_role)}
    resources = {role: {"Properties": {"Policies": [{"PolicyDocument": one}]}} for role, one in documents.items()}
    return spread(cast(Json, {"Resources": resources}), catalog)


class _DoesNotFit(ConfigError):
    """Into all that may be attached."""


@dataclass(frozen=True, slots=True)
class _Grant:
    """What is spread.

    Attributes:
        role: the function's, by its logical id; whose: the function, in messages; granted: what may be done to roles.
        sid: of the statement whose resources they are.
        resource, name: what managed policies are called, before their number: in the template, and in IAM.
        description: stays as it is for good, as the name does: CloudFormation would replace the policy.
    """

    role: str
    whose: str
    granted: str
    sid: str
    resource: str
    name: str
    description: str


_GRANTS: Final = (
    _Grant(
        FUNCTION_ROLE, "function", "assumable", ASSUME_SID, "CatalogRoles", "roles", "Roles that credvend may assume."
    ),
    _Grant(
        *(REVOKER_ROLE, "revoker", "revocable", WRITE_SID, "RevocableRoles", "revocable-roles"),
        "Roles whose sessions credvend may revoke.",
    ),
)


@dataclass(slots=True)
class _Room:
    """A policy that is being filled.

    Attributes:
        left: characters that it has room for.
    """

    name: str
    left: int
    granted: list[str] = field(default_factory=list)


def _rooms(inline: Json, statement: Json, grant: _Grant) -> list[_Room]:
    """The inline policy, and as many managed ones as AWS lets a role have at most, all empty."""
    nothing = statement | {"Resource": []}
    kept = characters(inline | {"Statement": [nothing if one is statement else one for one in _statements(inline)]})
    alone = characters({"Version": "2012-10-17", "Statement": [nothing]})
    # The first of a list has no comma before it.
    free = MAXIMUM_MANAGED - alone + _BETWEEN
    managed = [_Room(f"{grant.resource}{number + 1}", free) for number in range(MAXIMUM_MANAGED_POLICIES)]
    return [_Room("inline", MAXIMUM_INLINE - kept + _BETWEEN), *managed]


def _place(
    granted: list[str], rooms: list[_Room], catalog: WrittenCatalog, attached: int, grant: _Grant
) -> list[_Room]:
    """The rooms that are needed, filled. The first is the inline policy."""
    most = max(catalog.managed_policies - attached, 0)
    needed = sum(map(_length, granted))
    for count in range(1, most + 1):
        some = [replace(room, granted=[]) for room in rooms[: count + 1]]
        share = _FILLED if count < most else 1
        # Of what stays in the inline policy, there may be too much for it already.
        fits = rooms[0].left >= 0 and needed <= share * sum(room.left for room in some)
        if fits and _fill(some, granted):
            return some
    raise _DoesNotFit([_refusal(granted, rooms[: most + 1], catalog, needed, attached, grant)])


def _fill(rooms: list[_Room], granted: Iterable[str]) -> bool:
    """Put all of them somewhere, the longest first: what is short fits into what they leave."""
    for arn in sorted(granted, key=lambda arn: (-len(arn), arn)):
        preferred = sorted(rooms, key=lambda room: _preference(arn, room.name))
        room = next((room for room in preferred if room.left >= _length(arn)), None)
        if room is None:
            return False
        room.granted.append(arn)
        room.left -= _length(arn)
    return True


def _preference(arn: str, room: str) -> bytes:
    return hashlib.sha256(f"{room} {arn}".encode()).digest()


def _length(arn: str) -> int:
    return len(json.dumps(arn)) + _BETWEEN


def _refusal(
    granted: list[str], rooms: list[_Room], catalog: WrittenCatalog, needed: int, attached: int, grant: _Grant
) -> str:
    room = sum(room.left for room in rooms)
    taken = f" ({attached} more are attached already)" if attached else ""
    count = f"{len(catalog.roles):,} roles" if catalog.role_path is None else f"{len(granted):,} ARNs and paths"
    ways = ["have fewer roles, or shorter names and paths"]
    if any(f"role{catalog.role_path}*" not in arn for arn in granted):
        below = "a path of their own" if catalog.role_path is None else catalog.role_path
        ways.insert(0, f"put the target roles below {below}, and name it in roles.yaml: role_path: /credvend/ (say)")
    if catalog.managed_policies < MAXIMUM_MANAGED_POLICIES:
        quota = f'"Managed policies attached to an IAM role" raised to {MAXIMUM_MANAGED_POLICIES}'
        ways.append(f"have the quota {quota}, and write `managed_policies: {MAXIMUM_MANAGED_POLICIES}` in roles.yaml")
    return (
        f"roles.yaml: {count} do not fit into the IAM policies of the {grant.whose}'s role: they need {needed:,} "
        f"characters, and {room:,} are free, in its inline policy and {len(rooms) - 1} managed ones{taken}; "
        f"about {len(granted) * room // needed:,} would fit. Ways out: {'; '.join(ways)}. See docs/catalog.md."
    )


def _managed_policy(name: str, document: Json, grant: _Grant) -> Json:
    number = name.removeprefix(grant.resource)
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "ManagedPolicyName": {"Fn::Sub": f"${{AWS::StackName}}-${{AWS::Region}}-{grant.name}-{number}"},
            "Description": grant.description,
            "PolicyDocument": document,
        },
    }


def _grant(inline: Json, statement: Json, own: _Room) -> None:
    kept = [one for one in _statements(inline) if one is not statement]
    # IAM takes no empty list of resources.
    inline["Statement"] = ([statement | {"Resource": sorted(own.granted)}] if own.granted else []) + kept


def _statements(document: Json) -> list[Json]:
    return cast(list[Json], document["Statement"])
