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
from typing import Final

import cedarpy

from chalicelib.catalog import Catalog, Role
from chalicelib.durations import MINIMUM_SECONDS
from chalicelib.errors import ConfigError
from chalicelib.identity import Caller, FederatedUser, IamCaller, IamRoleSession, IamUser, OidcSubject, ServiceToken
from chalicelib.policies import Policies, load_policies
from chalicelib.timestamps import rfc3339

_ACTION = {"type": "Action", "id": "AssumeRole"}


# A caller of each kind, for the check that the schema has a place for it.
_SAMPLES: Final[tuple[Caller, ...]] = (
    IamUser("aws", "111122223333", "/", "a", "AIDA"),
    IamRoleSession("aws", "111122223333", "a", "a", "AROA:a"),
    FederatedUser("aws", "111122223333", "a", "111122223333:a"),
    OidcSubject("a", "a", ("a",), (("a", "a"), ("b", ("a",)))),
    ServiceToken("a", "a", (("a", "a"),), "a"),
)


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
        longest_duration: seconds; without a reason, where none is required.
        reason_required: policy or catalog demands a reason.
    """

    role: Role
    longest_duration: int
    reason_required: bool


class Authorizer:
    """Decides with a fixed set of policies over a fixed catalog."""

    def __init__(self, policies: Policies, catalog: Catalog) -> None:
        """Parse everything once.

        Raises:
            ConfigError: the catalog does not fit the schema.
        """
        self._schema = cedarpy.Schema.from_str(policies.schema)
        self._policies = cedarpy.PolicySet.from_str(policies.text)
        self._text = policies.text
        try:
            self._roles = cedarpy.Entities.from_json_str(json.dumps(_role_entities(catalog.roles)), self._schema)
            for caller in _SAMPLES:  # else their kind would fail at each request
                self._roles.with_added_json_str(json.dumps([_principal(caller)]), self._schema)
        except ValueError as error:
            raise ConfigError([f"schema.cedarschema: catalog or callers do not fit it: {error}"]) from None

    @cached_property
    def _scopes(self) -> "_Scopes":
        """Made for the first list of roles: who starts the service to vend does not wait for it."""
        return _Scopes(self._text)

    def decide(self, caller: Caller, role: Role, circumstances: Circumstances) -> Decision:
        """Whether the caller may assume the role under these circumstances.

        A policy that fails to evaluate denies: Cedar would skip it, and a skipped `forbid` would let in.
        """
        return self._decide(self._policies, caller, [(role, circumstances)])[0]

    def permitted(self, caller: Caller, roles: Sequence[Role], source_ip: str, time: datetime) -> list[Permitted]:
        """The roles that the caller may assume now, each with the longest duration that policy lets through.

        Only where a policy is about caller and role at all is it worth asking for one duration after the other.
        """
        anything = Circumstances(MINIMUM_SECONDS, source_ip, False, time)
        about = self._decide(self._scopes.policies, caller, [(role, anything) for role in roles])
        found: list[Permitted] = []
        for role, decision in zip(roles, about, strict=True):
            if self._scopes.permits.isdisjoint(decision.policies):
                continue
            durations = self._scopes.durations(decision.policies, role)
            candidates = [
                (role, Circumstances(duration, source_ip, has_reason, time))
                for has_reason in ((True,) if role.require_reason else (False, True))
                for duration in durations
            ]
            decisions = self._decide(self._policies, caller, candidates)
            allowed = next((c for (_, c), d in zip(candidates, decisions, strict=True) if d.allowed), None)
            if allowed is not None:
                found.append(Permitted(role, allowed.duration, reason_required=allowed.has_reason))
        return found

    def _decide(
        self, policies: cedarpy.PolicySet, caller: Caller, questions: Sequence[tuple[Role, Circumstances]]
    ) -> list[Decision]:
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
        results = cedarpy.is_authorized_batch(requests, policies, entities, self._schema)
        return [_decision(result) for result in results]


class _Scopes:
    """The policies without conditions, and all as `permit`: they tell which ones are about a caller and a role."""

    def __init__(self, text: str) -> None:
        document = json.loads(cedarpy.policies_to_json_str(text))
        static = document["staticPolicies"]
        identifiers = {position: policy["annotations"]["id"] for position, policy in static.items()}
        self.permits = frozenset(identifiers[p] for p, policy in static.items() if policy["effect"] == "permit")
        self._durations = {
            identifiers[position]: frozenset(_numbers(policy["conditions"]))
            for position, policy in static.items()
            if '"duration"' in json.dumps(policy["conditions"])
        }
        for policy in static.values():
            policy.update(effect="permit", conditions=[])
        self.policies = cedarpy.PolicySet.from_str(cedarpy.policies_from_json_str(json.dumps(document)))

    def durations(self, policies: Iterable[str], role: Role) -> list[int]:
        """Durations worth asking about, longest first: policies compare with the numbers that they hold."""
        looking = [self._durations[policy] for policy in policies if policy in self._durations]
        if not looking:
            return [role.max_duration]
        near = {number + step for numbers in looking for number in numbers for step in (-1, 0, 1)}
        candidates = {role.max_duration, role.default_duration, MINIMUM_SECONDS} | near
        return sorted((n for n in candidates if MINIMUM_SECONDS <= n <= role.max_duration), reverse=True)


def load_authorizer(config: Path, catalog: Catalog, issuers: frozenset[str]) -> Authorizer:
    """An authorizer with the policies of a configuration directory.

    Args:
        issuers: names of the trusted issuers.

    Raises:
        ConfigError: one line for every problem found.
    """
    return Authorizer(load_policies(config, catalog, issuers), catalog)


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
    match caller:
        case OidcSubject():
            return _oidc_principal(caller)
        case ServiceToken():
            return {
                "uid": {"type": caller.kind, "id": caller.name},
                "attrs": {"name": caller.name, "owner": caller.owner},
                "parents": [],
                "tags": dict(caller.tags),
            }
        case _:
            return _iam_principal(caller)


def _oidc_principal(caller: OidcSubject) -> dict[str, object]:
    # No issuer's name holds a colon: no choice of subject or group can move text from one part to the next.
    groups = [{"type": "OidcGroup", "id": f"{caller.issuer}:{group}"} for group in caller.groups]
    return {
        "uid": {"type": caller.kind, "id": f"{caller.issuer}:{caller.subject}"},
        "attrs": {"issuer": caller.issuer, "subject": caller.subject},
        "parents": [{"type": "OidcIssuer", "id": caller.issuer}, *groups],
        "tags": {
            name: {"text": claim, "values": [claim]} if isinstance(claim, str) else {"text": "", "values": list(claim)}
            for name, claim in caller.claims
        },
    }


def _iam_principal(caller: IamCaller) -> dict[str, object]:
    attributes = {"account": caller.account, "principal_id": caller.principal_id}
    match caller:
        case IamUser():
            identifier = caller.arn
            attributes |= {"name": caller.name, "path": caller.path}
        case IamRoleSession():
            identifier = caller.role_arn
            attributes |= {"name": caller.role_name, "session_name": caller.session_name}
        case FederatedUser():
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
