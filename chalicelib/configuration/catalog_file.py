"""How is the catalog written? `config/roles.yaml`, read and checked whole before anything is deployed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.aws.durations import MALFORMED, MAXIMUM_SECONDS, MINIMUM_SECONDS, TOO_LONG, TOO_SHORT, parse_duration
from chalicelib.aws.partitions import PARTITIONS
from chalicelib.aws.policy_document import check_document
from chalicelib.aws.policy_lint import lint
from chalicelib.configuration.entry_problems import duplicates, field_message, label
from chalicelib.configuration.json_schema import json_schema
from chalicelib.configuration.session_rules_entry import ClaimEntry, ParamEntry, SessionRulesEntry
from chalicelib.configuration.yaml_file import read_entries_and_settings
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role, make_role
from chalicelib.roles.session_rules import SessionRules, read_session_rules

# Managed policies that may be attached to a role: by default, and where the quota was raised as far as it goes.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
DEFAULT_MANAGED_POLICIES: Final = 10
MAXIMUM_MANAGED_POLICIES: Final = 20

# Catalog names stand in URLs, session tags and Cedar policies: the characters that all three take as they are.
RoleName = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z", description="How callers ask for the role.")
]
RoleArn = Annotated[
    str,
    # A path of at most 512 characters and a name of at most 64:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    # IAM takes more characters in a path. Not here: the ARN goes into the function's own IAM policy, where `*`, `?` and
    # `${...}` are wildcards, and into a CloudFormation template, where `{{resolve:...}}` is replaced.
    Meta(
        pattern=rf"^arn:({PARTITIONS}):iam::[0-9]{{12}}:role/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{{1,64}}\Z",
        max_length=640,
        description="ARN of the IAM role, path included.",
    ),
]
# The same characters: with `*` behind it, it goes into the function's IAM policy. Never `/` alone, which is every role.
RolePath = Annotated[
    str,
    Meta(
        pattern=r"^/([A-Za-z0-9_+=,.@-]+/)+\Z",
        max_length=512,
        description="Path of the target roles, such as /credvend/: the function's IAM policy names it, not each role.",
    ),
]
GroupName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")]
Duration = (
    Annotated[int, Meta(ge=MINIMUM_SECONDS, le=MAXIMUM_SECONDS)] | Annotated[str, Meta(pattern=r"^[0-9]+[smh]?\Z")]
)
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (ExternalId)
ExternalId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_+=,.@:/-]+\Z", min_length=2, max_length=1224)]


class RoleEntry(
    SessionRulesEntry, msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True
):
    """One role, as an adopter writes it. The JSON Schema of roles.yaml is made from this type."""

    name: RoleName
    arn: RoleArn
    description: Annotated[str, Meta(max_length=256, description="Shown to callers that may assume the role.")] = ""
    groups: Annotated[
        list[GroupName], Meta(description='Role groups, for policies: resource in RoleGroup::"...".')
    ] = []
    default_duration: Annotated[Duration, Meta(description='Where the caller names none: seconds or "15m".')] = (
        MINIMUM_SECONDS
    )
    max_duration: Annotated[Duration, Meta(description="The longest session, 15m to 1h.")] = MAXIMUM_SECONDS
    external_id: Annotated[ExternalId | None, Meta(description="Sent to STS; the trust policy may demand it.")] = None
    require_reason: Annotated[bool, Meta(description="Callers must say why.")] = False
    source_identity: Annotated[
        bool, Meta(description="Set SourceIdentity; the trust policy must allow sts:SetSourceIdentity.")
    ] = True
    tag_session: Annotated[
        bool, Meta(description="Set credvend:* tags; the trust policy must allow sts:TagSession.")
    ] = True


class CatalogFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The whole of roles.yaml."""

    roles: list[RoleEntry]
    # Not None where it is left out: a `role_path:` with nothing behind it would not be what its author meant.
    role_path: RolePath | UnsetType = UNSET
    managed_policies: Annotated[
        int,
        Meta(
            ge=0,
            le=MAXIMUM_MANAGED_POLICIES,
            description="How many managed policies the function's role may have attached, which is a quota of AWS.",
        ),
    ] = DEFAULT_MANAGED_POLICIES


@dataclass(frozen=True, slots=True)
class WrittenCatalog:
    """The whole of roles.yaml, checked.

    Attributes:
        entries: the roles as they are written, in the order of the file.
        roles: the same as they are meant.
        role_path: granted to the function instead of each role below it; begins and ends with `/`.
        managed_policies: how many of them may be attached to the function's role.
    """

    entries: tuple[RoleEntry, ...]
    roles: tuple[Role, ...]
    role_path: str | None = None
    managed_policies: int = DEFAULT_MANAGED_POLICIES


# The patterns above, in words.
_PATTERNS_IN_WORDS = {
    "name": "must be at most 64 letters, digits, `_`, `.` or `-`, the first a letter or digit",
    "arn": "must be the ARN of an IAM role with its path, such as arn:aws:iam::111122223333:role/path/name; "
    "path and name are letters, digits and `_+=,.@-`",
    "groups": "must hold names of at most 64 letters, digits, `_`, `.` or `-`, the first a letter or digit",
    "external_id": "must be letters, digits and `_+=,.@:/-`",
    "policy_arns": "must hold ARNs of managed policies, such as arn:aws:iam::aws:policy/ReadOnlyAccess",
    "role_path": "must be a path such as /credvend/, which begins and ends with `/` and is not `/` alone, of letters, "
    "digits and `_+=,.@-`",
    "params": "must have names of at most 64 letters, digits, `_` or `-`, the first a letter",
}


def load_catalog(path: Path) -> Catalog:
    """Read and check roles.yaml.

    Raises:
        ConfigError: one line for every problem, naming file, role and field.
    """
    return Catalog(read_catalog(path).roles)


def read_catalog(path: Path) -> WrittenCatalog:
    """roles.yaml, checked: as it is written and as it is meant.

    Raises:
        ConfigError: one line for every problem, naming file, role and field.
    """
    entries, settings = read_entries_and_settings(path, "roles", ("role_path", "managed_policies"))
    roles: list[tuple[RoleEntry, Role]] = []
    problems: list[str] = []
    file = CatalogFile([])
    try:
        file = msgspec.convert({"roles": []} | dict(settings), CatalogFile, strict=True)
    except msgspec.ValidationError as error:
        problems.append(f"{path.name}: {field_message(str(error), CatalogFile, _PATTERNS_IN_WORDS)}")
    for index, entry in enumerate(entries):
        try:
            checked = msgspec.convert(entry, RoleEntry, strict=True)
            roles.append((checked, _role(checked)))
        except (msgspec.ValidationError, ValueError) as error:
            problems.append(f"{path.name}: role {label(entry, index)}: {_nested(entry) or _message(str(error))}")
    problems += duplicates(path, "role", entries, ("name", "arn"))
    if problems:
        raise ConfigError(problems)
    return WrittenCatalog(
        entries=tuple(entry for entry, _ in roles),
        roles=tuple(role for _, role in roles),
        role_path=None if file.role_path is UNSET else file.role_path,
        managed_policies=file.managed_policies,
    )


def catalog_json_schema() -> dict[str, object]:
    """JSON Schema of roles.yaml, so that editors complete and check it."""
    return json_schema(CatalogFile, "credvend role catalog")


def _role(checked: RoleEntry) -> Role:
    default_duration = _seconds("default_duration", checked.default_duration)
    max_duration = _seconds("max_duration", checked.max_duration)
    if default_duration > max_duration:
        raise ValueError(f"`default_duration` ({default_duration} s) is longer than max_duration ({max_duration} s)")
    if len(set(checked.groups)) != len(checked.groups):
        raise ValueError("`groups` names a group twice")
    return make_role(checked, _session_rules(checked))


def _session_rules(entry: RoleEntry) -> SessionRules:
    rules = read_session_rules(entry)
    if entry.policy is not UNSET:
        try:
            lint(check_document(entry.policy))
        except ValueError as error:
            raise ValueError(f"`policy` {error}") from None
    if (rules.tags or rules.caller_tags or rules.transitive_tags) and not entry.tag_session:
        raise ValueError("`tags`, `caller_tags` and `transitive_tags` need `tag_session: true`")
    home = entry.arn.split(":")
    for arn in rules.policy_arns:
        # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (PolicyArns)
        if arn.split(":")[1] != home[1] or arn.split(":")[4] not in ("aws", home[4]):
            raise ValueError(f"`policy_arns` names {arn}: policies must be AWS's own or of the role's account")
    return rules


def _seconds(field: str, value: int | str) -> int:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"`{field}` {error}") from None


# The keys of a role that hold others by name, and what these are.
_NESTED: Final[Mapping[str, type[msgspec.Struct]]] = {"params": ParamEntry, "claims": ClaimEntry}


def _nested(entry: object) -> str:
    """What is wrong with a param, a claim or a tag, by its name, which msgspec does not tell; empty if nothing is."""
    for key, kind in _NESTED.items():
        for name, value in _items(entry, key):
            if not isinstance(value, dict):
                return f"`{key}.{name}` must be written {{pattern: ...}}"
            try:
                msgspec.convert(value, kind, strict=True)
            except msgspec.ValidationError as error:
                return f"`{key}.{name}`: {field_message(str(error), kind, {})}"
    return next(
        (f"`tags.{key}` must be a text: quote it" for key, value in _items(entry, "tags") if value != str(value)), ""
    )


def _items(entry: object, key: str) -> list[tuple[object, object]]:
    values = entry.get(key) if isinstance(entry, dict) else None
    return list(values.items()) if isinstance(values, dict) else []


def _message(error: str) -> str:
    message = field_message(error, RoleEntry, _PATTERNS_IN_WORDS)
    if message.startswith("`policy` Expected"):
        return "`policy` must be a policy document, written out in YAML: Version, Statement and so on"
    for key in ("`default_duration` ", "`max_duration` "):
        if message.startswith(key) and " - at `$." in error:  # msgspec's words, about a number or a text
            return key + (TOO_SHORT if ">=" in error else TOO_LONG if "<=" in error else MALFORMED)
    return message
