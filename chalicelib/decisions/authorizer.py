"""May they? The decision, made by Cedar (https://docs.cedarpolicy.com): default deny, forbid beats permit.

The schema is parsed once, when the service starts. A decision takes the policies that can have a say
(policy_index.py); they are parsed when they are first asked, and kept.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from chalicelib.aws.durations import MINIMUM_SECONDS
from chalicelib.callers.caller import Caller
from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.decision import Circumstances, Decision, Permitted
from chalicelib.decisions.entities import context_json, entity_json, principal_json, role_entity, role_json
from chalicelib.decisions.policy_index import IndexedPolicies, PolicyIndex, keys_of
from chalicelib.decisions.scopes import Scopes
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import NOWHERE, Catalog
from chalicelib.roles.role import Role

_ACTION: Final = {"type": "Action", "id": "AssumeRole"}
# What scopes demand that every role fits.
_EVERY_ROLE: Final = frozenset({"*", "Role"})
# The entities of up to so many roles are kept.
_KEPT_ROLES: Final = 1024


class _AskedAbout(NamedTuple):
    """A role as decisions need it: its entity in Cedar's JSON, and what scopes may demand of it."""

    entity: str
    keys: tuple[str, ...]


class Authorizer:
    """Decides with a fixed set of policies over a fixed catalog."""

    def __init__(self, policies: IndexedPolicies, catalog: Catalog) -> None:
        """Parse the schema, and nothing else yet.

        Raises:
            ValueError: a policy or the schema is not valid Cedar.
        """
        self._schema = cedarpy.Schema.from_str(policies.schema)
        self._index = PolicyIndex(policies.indexed)
        self._catalog = catalog
        self._entities = lru_cache(_KEPT_ROLES)(self._parsed)
        self._asked_about = lru_cache(_KEPT_ROLES)(_asked_about)

    def check(self, kinds: Iterable[type[Caller]]) -> None:
        """Whether schema, catalog, callers and requests fit each other: else decisions would fail at each request.

        Args:
            kinds: of callers, all of them.

        Raises:
            ConfigError: they do not.
        """
        anything = Circumstances(MINIMUM_SECONDS, "192.0.2.1", False, datetime.fromtimestamp(0, UTC))
        nothing = cedarpy.PolicySet.from_str("")
        try:
            asked = [
                self._ask(nothing, self._all_roles, principal_json(kind.example()), [(NOWHERE, anything)])[0]
                for kind in kinds
            ]
        except ValueError as error:
            raise ConfigError([f"schema.cedarschema: catalog or callers do not fit it: {error}"]) from None
        errors = dict.fromkeys(error for decision in asked for error in decision.errors)
        if errors:
            raise ConfigError([f"schema.cedarschema: requests do not fit it: {error}" for error in errors])

    def decide(self, caller: Caller, role: Role, circumstances: Circumstances) -> Decision:
        """Whether the caller may assume the role under these circumstances.

        A policy that fails to evaluate denies: Cedar would skip it, and a skipped `forbid` would let in.
        """
        return self._decide(caller, role, [circumstances], errors_are_told=True)[0]

    def permitted(self, caller: Caller, roles: Sequence[Role], source_ip: str, time: datetime) -> list[Permitted]:
        """The roles that the caller may assume now, each with the longest duration that policy lets through.

        Only where a policy is about caller and role at all is it worth asking for one duration after the other.
        """
        principal = principal_json(caller)
        scopes = Scopes(self._index.about(keys_of(principal)))
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
            decisions = self._decide(caller, role, candidates, errors_are_told=False)
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
        found = [(role, entity) for role in roles if not demanded.isdisjoint(keys_of(entity := role_json(role)))]
        entities = cedarpy.Entities.from_json_str(json.dumps([entity for _, entity in found]), self._schema)
        return [role for role, _ in found], entities

    def _decide(
        self, caller: Caller, role: Role, circumstances: Sequence[Circumstances], errors_are_told: bool
    ) -> list[Decision]:
        """Decide about one role, with the policies that can have a say.

        Args:
            errors_are_told: to people, who need the names of policies in them. That takes another decision.
        """
        principal, asked_about = principal_json(caller), self._asked_about(role.name, role.arn, role.groups)
        selected = self._index.select(keys_of(principal), asked_about.keys)
        entities = self._entities(asked_about.entity, selected.named - {role.name})
        questions = [(role, one) for one in circumstances]
        decisions = self._ask(selected.policies, entities, principal, questions)
        if errors_are_told and any(decision.errors for decision in decisions):
            return self._ask(self._index.under_their_names(selected), entities, principal, questions)
        return decisions

    def _parsed(self, entity: str, others: frozenset[str]) -> cedarpy.Entities:
        """The entity of a role; and those of other roles, where policies may look at them."""
        found = [role for role in map(self._catalog.find_role, sorted(others)) if role is not None]
        entities = ",".join([entity, *(json.dumps(role_json(role)) for role in found)])
        return cedarpy.Entities.from_json_str(f"[{entities}]", self._schema)

    @cached_property
    def _all_roles(self) -> cedarpy.Entities:
        """Made for the first list of roles: who starts the service to vend does not wait for it."""
        entities = json.dumps([role_json(role) for role in self._catalog.roles])
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
                "context": context_json(circumstances),
            }
            for role, circumstances in questions
        ]
        entities = self._with_principal(roles, principal)
        results = cedarpy.is_authorized_batch(requests, policies, entities, self._schema)
        return [_decision(result) for result in results]


def _decision(result: cedarpy.AuthzResult) -> Decision:
    errors = tuple(str(error) for error in result.diagnostics.errors)
    reasons = tuple(sorted(result.diagnostics.id_annotations_by_reason.values()))
    return Decision(allowed=result.allowed and not errors, policies=reasons, errors=errors)


def _asked_about(name: str, arn: str, groups: tuple[str, ...]) -> _AskedAbout:
    entity = entity_json(role_entity(name, arn, groups))
    return _AskedAbout(json.dumps(entity), keys_of(entity))
