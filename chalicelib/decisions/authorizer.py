"""May they? The decision, made by Cedar (https://docs.cedarpolicy.com): default deny, forbid beats permit.

The schema is parsed once, when the service starts. Of the policies, a decision takes those that can have a say
(policy_index.py); they are parsed when they are first asked, and kept.
"""

import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chalicelib.aws.durations import MINIMUM_SECONDS
from chalicelib.callers.sigv4 import (
    Caller,
    FederatedUser,
    IamCaller,
    IamRoleSession,
    IamUser,
    OidcSubject,
    ServiceToken,
)
from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.policy_index import Est, IndexedPolicies, PolicyIndex, keys_of, policy_set
from chalicelib.errors import ConfigError
from chalicelib.roles.role import Catalog, Role
from chalicelib.text.timestamps import rfc3339

if TYPE_CHECKING:
    from chalicelib.configuration.policy_files import Policies

_ACTION = {"type": "Action", "id": "AssumeRole"}
# What scopes demand that every role fits.
_EVERY_ROLE: Final = frozenset({"*", "Role"})
# Of so many roles the entities are kept.
_KEPT_ROLES: Final = 1024

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

    def __init__(self, policies: "Policies | IndexedPolicies", catalog: Catalog) -> None:
        """Parse the schema, and nothing else yet.

        Raises:
            ValueError: a policy or the schema is not valid Cedar.
        """
        self._schema = cedarpy.Schema.from_str(policies.schema)
        self._index = PolicyIndex(policies.indexed)
        self._catalog = catalog
        self._entities = lru_cache(_KEPT_ROLES)(self._parsed)

    def check(self) -> None:
        """Whether schema, catalog and callers fit each other: else decisions would fail at each request.

        Raises:
            ConfigError: they do not.
        """
        try:
            for caller in _SAMPLES:
                self._with_principal(self._all_roles, _principal(caller))
        except ValueError as error:
            raise ConfigError([f"schema.cedarschema: catalog or callers do not fit it: {error}"]) from None

    def decide(self, caller: Caller, role: Role, circumstances: Circumstances) -> Decision:
        """Whether the caller may assume the role under these circumstances.

        A policy that fails to evaluate denies: Cedar would skip it, and a skipped `forbid` would let in.
        """
        return self._decide(caller, role, [circumstances])[0]

    def permitted(self, caller: Caller, roles: Sequence[Role], source_ip: str, time: datetime) -> list[Permitted]:
        """The roles that the caller may assume now, each with the longest duration that policy lets through.

        Only where a policy is about caller and role at all is it worth asking for one duration after the other.
        """
        principal = _principal(caller)
        scopes = _Scopes(self._index.about(keys_of(principal)))
        anything = Circumstances(MINIMUM_SECONDS, source_ip, False, time)
        roles, entities = self._worth_asking(principal, roles)
        about = self._ask(scopes.policies, entities, principal, [(role, anything) for role in roles])
        found: list[Permitted] = []
        for role, decision in zip(roles, about, strict=True):
            if scopes.permits.isdisjoint(decision.policies):
                continue
            durations = scopes.durations(decision.policies, role)
            candidates = [
                Circumstances(duration, source_ip, has_reason, time)
                for has_reason in ((True,) if role.require_reason else (False, True))
                for duration in durations
            ]
            decisions = self._decide(caller, role, candidates)
            allowed = next((c for c, d in zip(candidates, decisions, strict=True) if d.allowed), None)
            if allowed is not None:
                found.append(Permitted(role, allowed.duration, reason_required=allowed.has_reason))
        return found

    def _worth_asking(
        self, principal: Mapping[str, object], roles: Sequence[Role]
    ) -> tuple[Sequence[Role], cedarpy.Entities]:
        """Those roles that the scope of any policy about the caller may fit, and their entities.

        With thousands of roles, most are about others. Where a policy is about all, all are asked about.
        """
        demanded = self._index.roles_about(keys_of(principal))
        if not demanded.isdisjoint(_EVERY_ROLE):
            return roles, self._all_roles
        found = [(role, entity) for role in roles if not demanded.isdisjoint(keys_of(entity := _role_entity(role)))]
        entities = cedarpy.Entities.from_json_str(json.dumps([entity for _, entity in found]), self._schema)
        return [role for role, _ in found], entities

    def _decide(self, caller: Caller, role: Role, circumstances: Sequence[Circumstances]) -> list[Decision]:
        """Decide about one role, with the policies that can have a say."""
        principal, entity = _principal(caller), _role_entity(role)
        selected = self._index.select(keys_of(principal), keys_of(entity))
        entities = self._entities(json.dumps(entity), selected.named - {role.name})
        decisions = self._ask(selected.policies, entities, principal, [(role, one) for one in circumstances])
        return [replace(one, errors=tuple(map(selected.error, one.errors))) if one.errors else one for one in decisions]

    def _parsed(self, entity: str, others: frozenset[str]) -> cedarpy.Entities:
        """The entity of a role; and those of other roles, where policies may look at them."""
        found = [role for role in map(self._catalog.find, sorted(others)) if role is not None]
        entities = ",".join([entity, *(json.dumps(_role_entity(role)) for role in found)])
        return cedarpy.Entities.from_json_str(f"[{entities}]", self._schema)

    @cached_property
    def _all_roles(self) -> cedarpy.Entities:
        """Made for the first list of roles: who starts the service to vend does not wait for it."""
        entities = json.dumps([_role_entity(role) for role in self._catalog.roles])
        return cedarpy.Entities.from_json_str(entities, self._schema)

    def _with_principal(self, roles: cedarpy.Entities, principal: Mapping[str, object]) -> cedarpy.Entities:
        return roles.with_added_json_str(json.dumps([principal]), self._schema)

    def _ask(
        self,
        policies: cedarpy.PolicySet,
        roles: cedarpy.Entities,
        principal: Mapping[str, object],
        questions: Sequence[tuple[Role, Circumstances]],
    ) -> list[Decision]:
        requests = [
            {
                "principal": principal["uid"],
                "action": _ACTION,
                "resource": {"type": "Role", "id": role.name},
                "context": _context(circumstances),
            }
            for role, circumstances in questions
        ]
        entities = self._with_principal(roles, principal)
        results = cedarpy.is_authorized_batch(requests, policies, entities, self._schema)
        return [_decision(result) for result in results]


class _Scopes:
    """The policies without conditions, and all as `permit`: they tell which ones are about a caller and a role."""

    def __init__(self, policies: Mapping[str, Est]) -> None:
        self.permits = frozenset(name for name, policy in policies.items() if policy["effect"] == "permit")
        self._durations = {
            name: frozenset(_numbers(policy["conditions"]))
            for name, policy in policies.items()
            if '"duration"' in json.dumps(policy["conditions"])
        }
        unconditional: Est = {"effect": "permit", "conditions": []}
        self.policies = policy_set({name: policy | unconditional for name, policy in policies.items()})

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
    from chalicelib.configuration.policy_files import (
        load_policies,  # the deployed function takes what was checked before
    )

    authorizer = Authorizer(load_policies(config, catalog, issuers), catalog)
    authorizer.check()
    return authorizer


def _role_entity(role: Role) -> dict[str, object]:
    return {
        "uid": {"type": "Role", "id": role.name},
        "attrs": {"account": role.account, "arn": role.arn},
        "parents": [{"type": "RoleGroup", "id": group} for group in role.groups],
    }


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
