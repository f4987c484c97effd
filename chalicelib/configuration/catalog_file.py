"""How is the catalog written? `config/roles.yaml`, read and checked whole before anything is deployed."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET

from chalicelib.aws.durations import TOO_LONG, TOO_SHORT, parse_duration
from chalicelib.aws.policy_document import check_document
from chalicelib.aws.policy_lint import lint
from chalicelib.configuration.entry_problems import duplicates, field_message, label
from chalicelib.configuration.json_schema import json_schema
from chalicelib.configuration.role_entry import DEFAULT_MANAGED_POLICIES, PATTERNS_IN_WORDS, CatalogFile, RoleEntry
from chalicelib.configuration.session_rules_entry import ClaimEntry, ParamEntry
from chalicelib.configuration.time_zone import find_time_zone
from chalicelib.configuration.yaml_file import read_entries_and_settings
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role, make_role
from chalicelib.roles.scoping_lint import lint_scoping
from chalicelib.roles.session_rules import SessionRules, read_session_rules
from chalicelib.text.durations import MALFORMED
from chalicelib.text.likeness import did_you_mean
from chalicelib.text.local_time import TimeZone


@dataclass(frozen=True, slots=True)
class WrittenCatalog:
    """The whole of roles.yaml, checked.

    Attributes:
        entries: the roles as they are written, in the order of the file.
        roles: the same as they are meant.
        role_path: granted to the function instead of each role below it; begins and ends with `/`.
        managed_policies: how many of them may be attached to the function's role.
        time_zone: of local times in policies; None is UTC.
    """

    entries: tuple[RoleEntry, ...]
    roles: tuple[Role, ...]
    role_path: str | None = None
    managed_policies: int = DEFAULT_MANAGED_POLICIES
    time_zone: TimeZone | None = None


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
    entries, settings = read_entries_and_settings(path, "roles", ("role_path", "managed_policies", "time_zone"))
    roles: list[tuple[RoleEntry, Role]] = []
    problems: list[str] = []
    file = CatalogFile([])
    try:
        file = msgspec.convert({"roles": []} | dict(settings), CatalogFile, strict=True)
    except msgspec.ValidationError as error:
        problems.append(f"{path.name}: {field_message(str(error), CatalogFile, PATTERNS_IN_WORDS)}")
    time_zone = None
    if file.time_zone is not UNSET:
        try:
            time_zone = find_time_zone(file.time_zone)
        except ValueError as error:
            problems.append(f"{path.name}: `time_zone` {error}")
    for index, entry in enumerate(entries):
        try:
            checked = msgspec.convert(entry, RoleEntry, strict=True)
            roles.append((checked, _role(checked)))
        except (msgspec.ValidationError, ValueError) as error:
            problems.append(f"{path.name}: role {label(entry, index)}: {_nested(entry) or _message(str(error), entry)}")
    problems += duplicates(path, "role", entries, ("name", "arn"))
    if problems:
        raise ConfigError(problems)
    return WrittenCatalog(
        entries=tuple(entry for entry, _ in roles),
        roles=tuple(role for _, role in roles),
        role_path=None if file.role_path is UNSET else file.role_path,
        managed_policies=file.managed_policies,
        time_zone=time_zone,
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
    if checked.probe is not None and not checked.tag_session:
        raise ValueError("`probe` needs `tag_session: true`: the session that asks is known by its tag")
    if len({checked.arn, *checked.chains_to}) <= len(checked.chains_to):
        raise ValueError("`chains_to` names the role itself, or another one twice")
    for arn in checked.chains_to:
        if arn.split(":")[1] != checked.arn.split(":")[1]:
            raise ValueError(f"`chains_to` names {arn}, of another partition, to which no session can go on")
    return make_role(checked, _session_rules(checked))


def _session_rules(entry: RoleEntry) -> SessionRules:
    # Before its placeholders: where these may stand depends on operators, which may be misspelt.
    with _in_policy():
        statements = () if entry.policy is UNSET else check_document(entry.policy)
        lint(statements)
    rules = read_session_rules(entry)
    with _in_policy():
        lint_scoping(statements)
    if (rules.tags or rules.caller_tags or rules.transitive_tags) and not entry.tag_session:
        raise ValueError("`tags`, `caller_tags` and `transitive_tags` need `tag_session: true`")
    home = entry.arn.split(":")
    for arn in rules.policy_arns:
        # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (PolicyArns)
        if arn.split(":")[1] != home[1] or arn.split(":")[4] not in ("aws", home[4]):
            raise ValueError(f"`policy_arns` names {arn}: policies must be AWS's own or of the role's account")
    return rules


@contextmanager
def _in_policy() -> Iterator[None]:
    """What is wrong with it, is wrong with the role's `policy`."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"`policy` {error}") from None


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


def _about_account(arn: str) -> str:
    """What is wrong with the account of an ARN, where that is."""
    match = re.fullmatch(r"(arn:[a-z-]+:iam::)([0-9 -]*)(:role/.+)", arn, re.ASCII)
    if match is None:
        return ""
    digits = re.sub("[ -]", "", match[2])
    if len(digits) == len("111122223333"):
        return did_you_mean(f"{match[1]}{digits}{match[3]}") if digits != match[2] else ""
    return f"; its account has {len(digits)} digits; an account has 12, with all zeros at its beginning"


def _items(entry: object, key: str) -> list[tuple[object, object]]:
    values = entry.get(key) if isinstance(entry, dict) else None
    return list(values.items()) if isinstance(values, dict) else []


def _message(error: str, entry: object) -> str:
    message = field_message(error, RoleEntry, PATTERNS_IN_WORDS)
    if message.startswith("`arn` ") and isinstance(entry, dict):
        return message + _about_account(str(entry.get("arn")))
    if message.startswith("`policy` must be keys with values"):
        return "`policy` must be a policy document, written out in YAML: Version, Statement and so on"
    for key in ("`default_duration` ", "`max_duration` "):
        if message.startswith(key) and " - at `$." in error:  # msgspec's words, about a number or a text
            return key + (TOO_SHORT if ">=" in error else TOO_LONG if "<=" in error else MALFORMED)
    return message
