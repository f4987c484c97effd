"""Who can have a role, from the policies alone: each permit that may apply to it, and the forbids that cut it.

Conditions are followed through all that can be asked, as the checks of a configuration do it
(chalicelib/configuration/policy_conditions.py): what is left out certainly never applies; what is there, may.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from chalicelib.callers.kinds import KINDS
from chalicelib.configuration.policy_conditions import Case, Conditions
from chalicelib.configuration.policy_files import WrittenPolicy
from chalicelib.configuration.policy_parts import Part, parts_of
from chalicelib.configuration.policy_text import text_of
from chalicelib.configuration.possible_requests import PossibleRequests
from chalicelib.configuration.source import WrittenConfiguration
from chalicelib.decisions.entities import role_json
from chalicelib.decisions.scope_keys import demanded_key, keys_of
from chalicelib.roles.role import Role
from ops.deciding.written_policies import is_forbid

_EVERYBODY: Final = "everybody"


class Cut(NamedTuple):
    """A forbid that takes from what a permit gives.

    Attributes:
        callers: of whom its scope speaks, in words.
        always: it takes all of it.
    """

    name: str
    file: str
    line: int
    callers: str
    always: bool
    conditions: tuple[str, ...]


class Way(NamedTuple):
    """A permit, and whom it lets have the role.

    Attributes:
        callers: of whom its scope speaks, in words.
        kinds: of callers that it can apply to.
        issuers: whose tokens they can bring.
        conditions: in Cedar, with `when` or `unless` before each.
        cuts: forbids that may apply to the same requests.
    """

    name: str
    file: str
    line: int
    callers: str
    kinds: tuple[str, ...]
    issuers: tuple[str, ...]
    conditions: tuple[str, ...]
    cuts: tuple[Cut, ...]

    @property
    def is_closed(self) -> bool:
        """Whether nobody gets in by it."""
        return any(cut.always for cut in self.cuts)


def who_can(written: WrittenConfiguration, role: Role) -> list[Way]:
    """The permits by which somebody may have a role, in the order of the files."""
    catalog = written.configuration.catalog
    conditions = Conditions(PossibleRequests(KINDS, written.issuers, catalog), maxima=True)
    place = next(place for place, one in enumerate(catalog.roles) if one.name == role.name)
    everything = [conditions.everything._replace(roles=frozenset({place}))]
    keys = frozenset(keys_of(role_json(role)))
    about = [policy for policy in written.policies.enforced if demanded_key(policy.json["resource"]) in keys]
    forbids = [policy for policy in about if is_forbid(policy)]
    ways: list[Way] = []
    for policy in about:
        cases = [] if is_forbid(policy) else _left(conditions, parts_of(policy.json), everything)
        if cases:
            ways.append(_way(policy, cases, list(_cuts(conditions, forbids, cases))))
    return ways


def _left(conditions: Conditions, parts: Iterable[Part], cases: list[Case]) -> list[Case]:
    for part in parts:
        cases = conditions.where(part.expression, part.wanted, cases)
        if not cases:
            break
    return cases


def _cuts(conditions: Conditions, forbids: Sequence[WrittenPolicy], cases: list[Case]) -> Iterable[Cut]:
    for forbid in forbids:
        parts = parts_of(forbid.json)
        if _left(conditions, parts, cases):
            # Nothing is left of the requests for which one of its parts is not as it has to be.
            always = not any(conditions.where(part.expression, not part.wanted, cases) for part in parts)
            callers = callers_in_words(forbid.json["principal"])
            yield Cut(forbid.name, forbid.file, forbid.lines.first, callers, always, conditions_text(forbid))


def _way(policy: WrittenPolicy, cases: Sequence[Case], cuts: Sequence[Cut]) -> Way:
    shapes = [shape for case in cases for shape in case.shapes]
    of_issuers = [shape.fixed["issuer"] for shape in shapes if "issuer" in shape.fixed]
    return Way(
        name=policy.name,
        file=policy.file,
        line=policy.lines.first,
        callers=callers_in_words(policy.json["principal"]),
        kinds=tuple(kind.kind for kind in KINDS if any(shape.kind == kind.kind for shape in shapes)),
        issuers=tuple(dict.fromkeys(of_issuers)),
        conditions=conditions_text(policy),
        cuts=tuple(cuts),
    )


def conditions_text(policy: WrittenPolicy) -> tuple[str, ...]:
    """The conditions of a policy in Cedar: `when ...`, `unless ...`."""
    return tuple(f"{part.place} {text_of(part.expression)}" for part in parts_of(policy.json) if part.place != "scope")


def callers_in_words(scope: object) -> str:
    """Of whom the scope of a policy speaks, given its part `principal` in Cedar's JSON."""
    match scope:
        case {"op": "==", "entity": {"type": str(kind), "id": str(identifier)}}:
            return f"{kind} {identifier}"
        case {"op": "in", "entity": {"type": str(kind), "id": str(identifier)}}:
            return _members(kind, identifier)
        case {"op": "is", "entity_type": str(kind), "in": {"entity": {"type": str(holder), "id": str(identifier)}}}:
            return f"each {kind} among {_members(holder, identifier)}"
        case {"op": "is", "entity_type": str(kind)}:
            return f"each {kind}"
    return _EVERYBODY


def _members(kind: str, identifier: str) -> str:
    match kind:
        case "OidcGroup":
            issuer, _, group = identifier.partition(":")
            return f"group {group} of issuer {issuer}"
        case "OidcIssuer":
            return f"whoever issuer {identifier} vouches for"
        case "Account":
            return f"IAM principals of account {identifier}"
    return f"{kind} {identifier}"
