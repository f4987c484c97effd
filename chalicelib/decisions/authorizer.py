"""May they? The decision, made by Cedar (https://docs.cedarpolicy.com): default deny, forbid beats permit.

The schema is parsed once, when the service starts. A decision takes the policies that can have a say
(policy_index.py); they are parsed when they are first asked, and kept.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from chalicelib.aws.durations import MINIMUM_SECONDS
from chalicelib.callers.caller import Caller
from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.decision import Circumstances, Decision, NearPermits, Permitted
from chalicelib.decisions.entities import (
    Json,
    asked_entities,
    context_json,
    entity_json,
    principal_json,
    role_entity,
    role_json,
)
from chalicelib.decisions.policy_index import IndexedPolicies, PolicyIndex, keys_of, policy_set
from chalicelib.decisions.scopes import Scopes
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import NOWHERE, Catalog
from chalicelib.roles.role import Role
from chalicelib.text.local_time import TimeZone, zone_of

_ACTION: Final = {"type": "Action", "id": "AssumeRole"}
# What scopes demand that every role fits.
_EVERY_ROLE: Final = frozenset({"*", "Role"})
# The entities of up to so many roles are kept.
_KEPT_ROLES: Final = 1024


class _AskedAbout(NamedTuple):
    """A role as decisions need it: its entity in Cedar's JSON, and what scopes may demand of it."""

    entity: str
    keys: tuple[str, ...]


def make_authorizer(policies: IndexedPolicies, catalog: Catalog, time_zone: TimeZone | None) -> "Authorizer":
    """An authorizer, whose time zone is set up only where a policy looks at local times.

    Raises:
        ValueError: a policy or the schema is not valid Cedar.
    """
    needed = time_zone is not None and "local" in policies.attributes
    return Authorizer(policies, catalog, zone_of(time_zone) if time_zone is not None and needed else UTC)


class Authorizer:
    """Decides with a fixed set of policies over a fixed catalog."""

    def __init__(self, policies: IndexedPolicies, catalog: Catalog, zone: tzinfo = UTC) -> None:
        """Parse the schema, and nothing else yet.

        Args:
            zone: of the local time that policies may look at.

        Raises:
            ValueError: a policy or the schema is not valid Cedar.
        """
        self._schema = cedarpy.Schema.from_str(policies.schema)
        self._index = PolicyIndex(policies.indexed)
        self._attributes = policies.attributes
        self._zone = zone
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
        try:
            entities = [principal_json(kind.example()) for kind in kinds]
            for entity in entities:
                self._with_added(self._all_roles, [entity])
        except ValueError as error:
            raise ConfigError([f"schema.cedarschema: catalog or callers do not fit it: {error}"]) from None
        problems = {error for entity in entities for error in self._problems_of_requests(entity)}
        if problems:
            hint = "compare it with the one that credvend ships"
            raise ConfigError(
                [f"schema.cedarschema: requests do not fit it: {one}: {hint}" for one in sorted(problems)]
            )

    def decide(self, caller: Caller, role: Role, circumstances: Circumstances) -> Decision:
        """Whether the caller may assume the role under these circumstances.

        A policy that fails to evaluate denies: Cedar would skip it, and a skipped `forbid` would let in.
        """
        return self._decide(caller, role, [circumstances], errors_are_told=True)[0]

    def local(self, moment: datetime) -> datetime:
        """The same moment in the time zone of local times."""
        return moment.astimezone(self._zone)

    def near_permits(self, caller: Caller, role: Role) -> NearPermits:
        """Which policies would have let the caller in, had one thing been different, where none has."""
        asked_about = self._asked_about(role.name, role.arn, role.groups)
        return self._index.near_permits(keys_of(principal_json(caller)), asked_about.keys)

    def permitted(self, caller: Caller, roles: Sequence[Role], source_ip: str, time: datetime) -> list[Permitted]:
        """The roles that the caller may assume now, each with the longest duration that policy lets through.

        It asks as one who wants no tags, narrows nothing, leaves params at their defaults, and takes JSON. Only where a
        policy is about caller and role at all is it worth asking for one duration after the other.
        """
        principal = principal_json(caller)
        scopes = Scopes(self._index.about(keys_of(principal)))
        anything = Circumstances(MINIMUM_SECONDS, source_ip, False, time)
        roles, entities = self._worth_asking(principal, roles)
        about = self._ask(scopes.policies, entities, [principal], [(role, anything) for role in roles])
        found: list[Permitted] = []
        for role, decision in zip(roles, about, strict=True):
            if scopes.permits.isdisjoint(decision.policies):
                continue
            durations, params = scopes.durations(decision.policies, role), role.session_rules.defaults
            reasons = [*([] if role.require_reason else [None]), *scopes.reasons(decision.policies)]
            candidates = [
                Circumstances(duration, source_ip, reason is not None, time, reason, params)
                for reason in reasons
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
            circumstances: at least one; all with the same params and tags.
            errors_are_told: to people, who need the names of policies in them. That takes another decision.
        """
        principal = principal_json(caller)
        asked_about = self._asked_about(role.name, role.arn, role.groups)
        selected = self._index.select(keys_of(principal), asked_about.keys)
        entities = self._entities(asked_about.entity, selected.named - {role.name})
        questions = [(role, one) for one in circumstances]
        added = [principal, *asked_entities(circumstances[0], self._attributes)]
        decisions = self._ask(selected.policies, entities, added, questions)
        if errors_are_told and any(decision.errors for decision in decisions):
            return self._ask(self._index.under_their_names(selected), entities, added, questions)
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

    def _with_added(self, roles: cedarpy.Entities, added: Sequence[Json]) -> cedarpy.Entities:
        return roles.with_added_json_str(json.dumps(added), self._schema)

    def _problems_of_requests(self, principal: Json) -> list[str]:
        """What Cedar would say to requests of a caller: one that tells all there is, and one that tells little."""
        here = Circumstances(MINIMUM_SECONDS, "::1", False, datetime.now(UTC))
        everything = here._replace(has_reason=True, reason="a", params={"a": "a"}, tags={"a": "a"}, narrowed=True)
        added = [principal, *asked_entities(everything, self._attributes)]
        questions = [(role, one) for role in self._catalog.roles[:1] or (NOWHERE,) for one in (here, everything)]
        decisions = self._ask(policy_set({}), self._all_roles, added, questions)
        return [error for decision in decisions for error in decision.errors]

    def _ask(
        self,
        policies: cedarpy.PolicySet,
        roles: cedarpy.Entities,
        added: Sequence[Json],
        questions: Sequence[tuple[Role, Circumstances]],
    ) -> list[Decision]:
        """Put questions to Cedar.

        Args:
            added: the caller, and what else the questions speak of.
        """
        entities = self._with_added(roles, added)
        requests = [
            {
                "principal": added[0]["uid"],
                "action": _ACTION,
                "resource": {"type": "Role", "id": role.name},
                "context": context_json(circumstances, self._attributes, self._zone),
            }
            for role, circumstances in questions
        ]
        results = cedarpy.is_authorized_batch(requests, policies, entities, self._schema)
        return [_decision(result) for result in results]


def _decision(result: cedarpy.AuthzResult) -> Decision:
    errors = tuple(str(error) for error in result.diagnostics.errors)
    reasons = tuple(sorted(result.diagnostics.id_annotations_by_reason.values()))
    return Decision(allowed=result.allowed and not errors, policies=reasons, errors=errors)


def _asked_about(name: str, arn: str, groups: tuple[str, ...]) -> _AskedAbout:
    entity = entity_json(role_entity(name, arn, groups))
    return _AskedAbout(json.dumps(entity), keys_of(entity))
