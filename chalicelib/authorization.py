"""May they? The decision, made by Cedar (https://docs.cedarpolicy.com): default deny, forbid beats permit.

Policies, schema and the roles' entities are parsed once, when the service starts; a request adds one principal.
"""

import ipaddress
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import cedarpy

from chalicelib.catalog import Catalog, Role
from chalicelib.durations import MINIMUM_SECONDS
from chalicelib.errors import ConfigError
from chalicelib.identity import Caller, IamRoleSession, IamUser
from chalicelib.timestamps import rfc3339

_ACTION = {"type": "Action", "id": "AssumeRole"}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision may depend on besides caller and role.

    Attributes:
        duration: seconds asked for.
        source_ip: the caller's address as API Gateway saw it.
        has_reason: whether the caller said why.
        time: now, with a time zone.
    """

    duration: int
    source_ip: str
    has_reason: bool
    time: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, and the `@id`s of the policies that made it (none for a denial by default)."""

    allowed: bool
    policies: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Permitted:
    """A role that a caller may assume now.

    Attributes:
        longest_duration: seconds.
        reason_required: policy or catalog demands a reason.
    """

    role: Role
    longest_duration: int
    reason_required: bool


class Authorizer:
    """Decides with a fixed set of policies over a fixed catalog."""

    def __init__(self, schema: str, policies: str, catalog: Catalog) -> None:
        """Parse everything once.

        Raises:
            ValueError: the schema, the policies or the entities do not parse, or do not fit each other.
        """
        self._schema = cedarpy.Schema.from_str(schema)
        self._policies = cedarpy.PolicySet.from_str(policies)
        self._policies_text = policies
        self._roles = cedarpy.Entities.from_json_str(json.dumps(_role_entities(catalog.roles)), self._schema)

    def decide(self, caller: Caller, role: Role, circumstances: Circumstances) -> Decision:
        """Whether the caller may assume the role under these circumstances.

        A policy that fails to evaluate denies: Cedar would skip it, and a skipped `forbid` would let in.
        """
        return self._decide(caller, [(role, circumstances)])[0]

    def permitted(self, caller: Caller, roles: Sequence[Role], source_ip: str, time: datetime) -> list[Permitted]:
        """The roles that the caller may assume now, each with the longest duration that policy lets through."""
        found: list[Permitted] = []
        for role in roles:
            candidates = [
                (role, Circumstances(duration, source_ip, has_reason, time))
                for has_reason in (False, True)
                for duration in self._durations(role)
            ]
            decisions = self._decide(caller, candidates)
            allowed = next((c for (_, c), d in zip(candidates, decisions, strict=True) if d.allowed), None)
            if allowed is not None:
                needs_reason = allowed.has_reason or role.require_reason
                found.append(Permitted(role, allowed.duration, needs_reason))
        return found

    def _decide(self, caller: Caller, questions: Iterable[tuple[Role, Circumstances]]) -> list[Decision]:
        principal = _principal(caller)
        entities = self._roles.with_added_json_str(json.dumps([principal]), self._schema)
        requests = [
            {
                "principal": principal["uid"],
                "action": _ACTION,
                "resource": {"type": "Role", "id": role.name},
                "context": _context(circumstances),
            }
            for role, circumstances in questions
        ]
        results = cedarpy.is_authorized_batch(requests, self._policies, entities, self._schema)
        return [_decision(result) for result in results]

    def _durations(self, role: Role) -> list[int]:
        """Durations worth asking about, longest first: policies compare with the literals they hold."""
        near = {n + step for n in self._literals for step in (-1, 0, 1)}
        candidates = {role.max_duration, role.default_duration, MINIMUM_SECONDS} | near if near else {role.max_duration}
        return sorted((n for n in candidates if MINIMUM_SECONDS <= n <= role.max_duration), reverse=True)

    @cached_property
    def _literals(self) -> frozenset[int]:
        """The whole numbers in policies that look at the duration; none means that no policy does."""
        policies = json.loads(cedarpy.policies_to_json_str(self._policies_text))["staticPolicies"].values()
        looking = [policy for policy in policies if '"duration"' in json.dumps(policy)]
        return frozenset(n for policy in looking for n in _numbers(policy)) | (
            frozenset({MINIMUM_SECONDS}) if looking else frozenset()
        )


def load_authorizer(config: Path, catalog: Catalog) -> Authorizer:
    """Read `schema.cedarschema` and `policies/*.cedar`, and check every policy against the schema.

    Raises:
        ConfigError: a file is unreadable or invalid, or a policy lacks a unique `@id`. One line each, naming the file.
    """
    schema = _schema_text(config / "schema.cedarschema")
    texts: list[str] = []
    problems: list[str] = []
    owners: dict[str, str] = {}
    for path in sorted((config / "policies").glob("*.cedar")):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"policies/{path.name}: cannot be read: {error}")
            continue
        problems += _policy_problems(path.name, text, schema, owners)
        texts.append(text)
    if not texts and not problems:
        problems.append("policies/: no *.cedar file there, so nobody could ever be let in")
    if problems:
        raise ConfigError(problems)
    try:
        return Authorizer(schema, "\n".join(texts), catalog)
    except ValueError as error:
        raise ConfigError([f"schema.cedarschema: the catalog does not fit it: {error}"]) from None


def _schema_text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
        cedarpy.Schema.from_str(text)
    except (OSError, ValueError) as error:
        raise ConfigError([f"{path.name}: {_one_line(error)}"]) from None
    return text


def _policy_problems(name: str, text: str, schema: str, owners: dict[str, str]) -> list[str]:
    """What is wrong with one policy file; notes the ids it holds in `owners`."""
    try:
        document = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        return [f"policies/{name}: {_one_line(error)}"]
    problems = []
    if document["templates"]:
        problems.append(f"policies/{name}: templates (?principal, ?resource) are not supported; write the policy out")
    identifiers: dict[str, str] = {}
    for position, policy in document["staticPolicies"].items():
        identifier = (policy.get("annotations") or {}).get("id")
        identifiers[position] = identifier or position
        if not identifier:
            number = int(position.removeprefix("policy")) + 1
            problems.append(f'policies/{name}: policy number {number} has no @id("..."), its name in the audit log')
        elif identifier in owners:
            problems.append(f"policies/{name}: @id({identifier!r}) is already that of a policy in {owners[identifier]}")
        else:
            owners[identifier] = name
    for finding in cedarpy.validate_policies(text, schema).errors:
        identifier = identifiers.get(finding.policy_id, finding.policy_id)
        problems.append(f"policies/{name}: policy {identifier}: {_one_line(finding.error)}")
    return problems


def _role_entities(roles: Sequence[Role]) -> list[dict[str, object]]:
    return [
        {
            "uid": {"type": "Role", "id": role.name},
            "attrs": {"account": role.account, "arn": role.arn},
            "parents": [{"type": "RoleGroup", "id": group} for group in role.groups],
        }
        for role in roles
    ]


def _principal(caller: Caller) -> dict[str, object]:
    attributes = {"account": caller.account, "principal_id": caller.principal_id}
    match caller:
        case IamUser():
            identifier = caller.arn
            attributes |= {"name": caller.name, "path": caller.path}
        case IamRoleSession():
            identifier = caller.role_arn
            attributes |= {"name": caller.role_name, "session_name": caller.session_name}
        case _:
            identifier = caller.arn
            attributes |= {"name": caller.name}
    return {
        "uid": {"type": caller.kind, "id": identifier},
        "attrs": attributes,
        "parents": [{"type": "Account", "id": caller.account}],
    }


def _context(circumstances: Circumstances) -> dict[str, object]:
    return {
        "duration": circumstances.duration,
        "source_ip": {"__extn": {"fn": "ip", "arg": str(ipaddress.ip_address(circumstances.source_ip))}},
        "has_reason": circumstances.has_reason,
        "time": {"__extn": {"fn": "datetime", "arg": rfc3339(circumstances.time)}},
    }


def _decision(result: cedarpy.AuthzResult) -> Decision:
    errors = tuple(str(error) for error in result.diagnostics.errors)
    reasons = tuple(sorted(result.diagnostics.id_annotations_by_reason.values()))
    return Decision(allowed=result.allowed and not errors, policies=reasons, errors=errors)


def _numbers(node: object) -> Iterable[int]:
    if isinstance(node, bool):
        return
    if isinstance(node, int):
        yield node
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _numbers(child)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
