"""May they? The decision, made by Cedar (https://docs.cedarpolicy.com): default deny, forbid beats permit.

The schema is parsed once, when the service starts. A decision takes the policies that can have a say
(policy_index.py); they are parsed when they are first asked, and kept (parsed_policies.py), as roles are
(role_entities.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from chalicelib.aws.durations import MINIMUM_SECONDS
from chalicelib.callers.caller import Caller
from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.decision import Circumstances, Decision, Permitted
from chalicelib.decisions.entities import context_json, principal_json, role_json
from chalicelib.decisions.indexed_policy import IndexedPolicies, parse_est
from chalicelib.decisions.parsed_policies import ParsedPolicies
from chalicelib.decisions.policy_index import PolicyIndex
from chalicelib.decisions.role_entities import RoleEntities
from chalicelib.decisions.scope_keys import ALL, keys_of
from chalicelib.decisions.scopes import Scopes
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role

_ACTION: Final = {"type": "Action", "id": "AssumeRole"}
# What scopes demand that every role fits.
_EVERY_ROLE: Final = frozenset({ALL, "Role"})


class Authorizer:
    """Decides with a fixed set of policies over a fixed catalog."""

    def __init__(self, policies: IndexedPolicies, catalog: Catalog) -> None:
        """Parse the schema, and nothing else yet.

        Raises:
            ValueError: a policy or the schema is not valid Cedar.
        """
        self._schema = cedarpy.Schema.from_str(policies.schema)
        self._policies = policies.indexed
        self._index = PolicyIndex(policies.indexed)
        self._parsed = ParsedPolicies(policies.indexed, self._index.general)
        self._roles = RoleEntities(catalog, self._schema)

    def check(self, kinds: Iterable[type[Caller]]) -> None:
        """Whether schema, catalog and callers fit each other: else decisions would fail at each request.

        Args:
            kinds: of callers, all of them.

        Raises:
            ConfigError: they do not.
        """
        try:
            for kind in kinds:
                self._roles.added([principal_json(kind.example())], self._roles.all)
        except ValueError as error:
            raise ConfigError([f"schema.cedarschema: catalog or callers do not fit it: {error}"]) from None

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
        about_caller = self._index.about_caller(keys_of(principal))
        scopes = Scopes(parse_est(self._policies[place] for place in about_caller))
        anything = Circumstances(MINIMUM_SECONDS, source_ip, False, time)
        roles, entities = self._worth_asking(principal, roles)
        entities = self._roles.added([principal], entities)
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
            return roles, self._roles.all
        found = [(role, entity) for role in roles if not demanded.isdisjoint(keys_of(entity := role_json(role)))]
        return [role for role, _ in found], self._roles.parse(entity for _, entity in found)

    def _decide(
        self, caller: Caller, role: Role, circumstances: Sequence[Circumstances], errors_are_told: bool
    ) -> list[Decision]:
        """Decide about one role, with the policies that can have a say.

        Args:
            errors_are_told: to people, who need the names of policies in them. That takes another decision.
        """
        principal, entity = principal_json(caller), self._roles.of(role)
        places = self._index.about_both(keys_of(principal), entity.keys)
        questions = [(role, one) for one in circumstances]
        answers: list[list[Decision]] = []
        for policies in self._parsed.with_general(places):
            entities = self._roles.with_caller(principal, entity, policies.named)
            decisions = self._ask(policies.policies, entities, principal, questions)
            if errors_are_told and any(decision.errors for decision in decisions):
                named = self._parsed.under_their_names(policies.places)
                decisions = self._ask(named, entities, principal, questions)
            answers.append(decisions)
        return list(map(_together, zip(*answers, strict=True)))

    def _ask(
        self,
        policies: cedarpy.PolicySet,
        entities: cedarpy.Entities,
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
        results = cedarpy.is_authorized_batch(requests, policies, entities, self._schema)
        return [_decision(result) for result in results]


def _decision(result: cedarpy.AuthzResult) -> Decision:
    errors = tuple(str(error) for error in result.diagnostics.errors)
    reasons = tuple(sorted(result.diagnostics.id_annotations_by_reason.values()))
    return Decision(result.allowed, reasons, errors)


def _together(decisions: tuple[Decision, ...]) -> Decision:
    """What Cedar would decide with all the policies that it was asked in parts; and an error denies.

    A part that denies names its forbids, or nothing: https://docs.cedarpolicy.com/auth/authorization.html
    """
    errors = tuple(error for decision in decisions for error in decision.errors)
    forbidding = [name for decision in decisions if not decision.allowed for name in decision.policies]
    permitting = [name for decision in decisions if decision.allowed for name in decision.policies]
    allowed = bool(permitting) and not forbidding
    return Decision(allowed and not errors, tuple(sorted(forbidding or permitting)), errors)
