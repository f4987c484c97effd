"""May they? The decision, made by Cedar (https://docs.cedarpolicy.com): default deny, forbid beats permit.

The schema is parsed once, when the service starts. A decision takes the policies that can have a say
(policy_index.py); they are parsed when they are first asked, and kept (parsed_policies.py), as roles are
(role_entities.py).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final

from chalicelib.aws.durations import MINIMUM_SECONDS
from chalicelib.callers.caller import Caller
from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.decision import Circumstances, Decision, NearPermits, Permitted
from chalicelib.decisions.entities import Json, asked_entities, context_json, principal_json
from chalicelib.decisions.indexed_policy import IndexedPolicies, parse_est, policy_set
from chalicelib.decisions.parsed_policies import ParsedPolicies
from chalicelib.decisions.policy_index import PolicyIndex
from chalicelib.decisions.role_entities import CallerEntities, RoleEntities
from chalicelib.decisions.scope_keys import ALL, keys_of
from chalicelib.decisions.scopes import Scopes
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import NOWHERE, Catalog
from chalicelib.roles.role import Role

if TYPE_CHECKING:
    from chalicelib.decisions.near_permits import NearPermitsIndex
    from chalicelib.text.local_time import TimeZone

_ACTION: Final = {"type": "Action", "id": "AssumeRole"}
# What scopes demand that every role fits.
_EVERY_ROLE: Final = frozenset({ALL, "Role"})
# Of so many roles at a time a list is made, so that what it takes has a bound: 20,000 at once take 200 MB.
_AT_ONCE: Final = 500
_SHIPPED: Final = " (compare it with the one that credvend ships)"


def make_authorizer(policies: IndexedPolicies, catalog: Catalog, time_zone: "TimeZone | None") -> "Authorizer":
    """An authorizer, whose time zone is set up only where a policy looks at local times.

    Raises:
        ValueError: a policy or the schema is not valid Cedar.
    """
    return Authorizer(policies, catalog, zone_for(policies, time_zone))


def zone_for(policies: IndexedPolicies, time_zone: "TimeZone | None") -> tzinfo:
    """The time zone that decisions by these policies need: UTC where none of them looks at local times."""
    if time_zone is None or "local" not in policies.attributes:
        return UTC
    from chalicelib.text.local_time import zone_of

    return zone_of(time_zone)


class Authorizer:
    """Decides with a fixed set of policies over a fixed catalog."""

    def __init__(
        self,
        policies: IndexedPolicies,
        catalog: Catalog,
        zone: tzinfo = UTC,
        beside: "Authorizer | None" = None,
    ) -> None:
        """Parse the schema, and nothing else yet.

        Args:
            zone: of the local time that policies may look at.
            beside: one over the same catalog, with other policies of the same schema: what is parsed of both is shared,
                and this one keeps fewer parsed policies.

        Raises:
            ValueError: a policy or the schema is not valid Cedar.
        """
        self._schema: cedarpy.Schema = cedarpy.Schema.from_str(policies.schema) if beside is None else beside._schema
        self._policies = policies
        self._index = PolicyIndex(policies.indexed)
        self._attributes = policies.attributes
        self._zone = zone
        self._parsed = ParsedPolicies(policies.indexed, self._index.general, in_audit_mode=beside is not None)
        self._told = policies.role_facts
        # Roles are shared where the other one's policies look at as much of them.
        self._roles: RoleEntities = (
            RoleEntities(catalog, self._schema, self._told)
            if beside is None or not self._told <= beside._told
            else beside._roles
        )

    def check(self, kinds: Iterable[type[Caller]]) -> None:
        """Whether schema, catalog, callers and requests fit each other: else decisions would fail at each request.

        Args:
            kinds: of callers, all of them.

        Raises:
            ConfigError: they do not.
        """
        kinds = tuple(kinds)
        problems = self._problems_of_entities(kinds)
        if not problems:
            callers = (principal_json(kind.example()) for kind in kinds)
            found = sorted({problem for caller in callers for problem in self._problems_of_requests(caller)})
            problems = [f"requests do not fit it{_SHIPPED}: {problem}" for problem in found]
        if problems:
            raise ConfigError([f"schema.cedarschema: {problem}" for problem in problems])

    def decide(self, caller: Caller, role: Role, circumstances: Circumstances) -> Decision:
        """Whether the caller may assume the role under these circumstances.

        A policy that fails to evaluate denies: Cedar would skip it, and a skipped `forbid` would let in.
        """
        principal = principal_json(caller)
        entity = self._roles.of(role)
        request = [principal, *asked_entities(circumstances, self._attributes)]
        answers: list[Decision] = []
        for policies in self._parsed.with_general(self._index.about_both(keys_of(principal), entity.keys)):
            entities = self._roles.with_request(request, entity, policies.named)
            (decision,) = self._ask(policies.policies, entities, principal, [(role, circumstances)])
            if decision.errors:
                # People are told, who need the names of policies in them. That takes another decision.
                named = self._parsed.under_their_names(policies.places)
                (decision,) = self._ask(named, entities, principal, [(role, circumstances)])
            answers.append(decision)
        return together(tuple(answers))

    def near_permits(self, caller: Caller, role: Role) -> NearPermits:
        """Which policies would have let the caller in, had one thing been different, where none has."""
        caller_keys, role_keys = keys_of(principal_json(caller)), self._roles.of(role).keys
        places = (*self._index.general, *self._index.about_both(caller_keys, role_keys))
        return self._near_permits.find(places, caller_keys, role_keys)

    def local(self, moment: datetime) -> datetime:
        """The same moment in the time zone of local times."""
        return moment.astimezone(self._zone)

    def permitted(self, caller: Caller, roles: Sequence[Role], source_ip: str, time: datetime) -> list[Permitted]:
        """The roles that the caller may assume now, each with the longest duration that policy lets through.

        It asks as one who wants no tags, narrows nothing, leaves params at their defaults, and takes JSON. Only where a
        policy is about caller and role at all is it worth asking for one duration after the other.
        """
        principal = principal_json(caller)
        keys = keys_of(principal)
        about_caller = self._index.about_caller(keys)
        scopes = Scopes(parse_est(self._policies.indexed[place] for place in about_caller))
        anything = Circumstances(MINIMUM_SECONDS, source_ip, False, time)
        beside = self._roles.beside(principal)
        found: list[Permitted] = []
        about = self._policies_about(keys)
        for some in _some_at_a_time(self._worth_asking(principal, roles)):
            named = [(role, about(self._roles.document(role))) for role in some]
            wanted = [
                (role, _candidates(scopes, sorted(policies), role, anything))
                for role, policies in named
                if not scopes.permits.isdisjoint(policies)
            ]
            found += self._first_allowed(beside, keys, wanted)
        return found

    def _policies_about(self, keys: tuple[str, ...]) -> Callable[[Json], list[str]]:
        """Gives the policies whose scopes may fit a caller and a role, by the entity of the role."""
        indexed, kinds = self._policies.indexed, self._policies.kinds
        general = [indexed[place].name for place in self._index.general]

        def about(role: Json) -> list[str]:
            places = self._index.about_both(keys, keys_of(role))
            return general + [indexed[place].name for place in places if kinds.get(place, keys[1]) == keys[1]]

        return about

    def _first_allowed(
        self, caller: CallerEntities, keys: tuple[str, ...], wanted: Sequence[tuple[Role, Sequence[Circumstances]]]
    ) -> Iterator[Permitted]:
        """For each role the first circumstances that are allowed, if any are."""
        for (role, candidates), decisions in zip(wanted, self._decide_all(caller, keys, wanted), strict=True):
            allowed = next((c for c, d in zip(candidates, decisions, strict=True) if d.allowed), None)
            if allowed is not None:
                yield Permitted(role, allowed.duration, reason_required=allowed.has_reason)

    def _worth_asking(self, principal: Mapping[str, object], roles: Sequence[Role]) -> Sequence[Role]:
        """Those roles that the scope of any policy about the caller may fit.

        With thousands of roles, most are about others. Where a policy is about all, all are asked about.
        """
        demanded = self._index.roles_about(keys_of(principal))
        if not demanded.isdisjoint(_EVERY_ROLE):
            return roles
        return [role for role in roles if not demanded.isdisjoint(keys_of(self._roles.document(role)))]

    def _decide_all(
        self, caller: CallerEntities, keys: tuple[str, ...], wanted: Sequence[tuple[Role, Sequence[Circumstances]]]
    ) -> list[list[Decision]]:
        """Decide about many roles: at once about those in which the same policies have a say.

        Args:
            keys: what scopes may demand of the caller.
            wanted: each role with what is asked about it, at least once; all of that with the same params and tags.
        """
        documents = [self._roles.document(role) for role, _ in wanted]
        alike: dict[tuple[tuple[int, ...], tuple[tuple[str, str], ...]], list[int]] = {}
        for number, (_, circumstances) in enumerate(wanted):
            places = self._index.about_both(keys, keys_of(documents[number]))
            alike.setdefault((places, tuple(sorted(circumstances[0].params.items()))), []).append(number)
        found: list[list[Decision]] = [[] for _ in wanted]
        for (places, _), numbers in alike.items():
            asked = asked_entities(wanted[numbers[0]][1][0], self._attributes)
            questions = [(wanted[number][0], one) for number in numbers for one in wanted[number][1]]
            answers = [
                self._ask(
                    policies.policies,
                    caller.with_request(asked, [documents[number] for number in numbers], policies.named),
                    caller.document,
                    questions,
                )
                for policies in self._parsed.with_general(places)
            ]
            decisions = map(together, zip(*answers, strict=True))
            for number in numbers:
                found[number] = list(islice(decisions, len(wanted[number][1])))
        return found

    @cached_property
    def _near_permits(self) -> "NearPermitsIndex":
        """Made for the first denial."""
        from chalicelib.decisions.near_permits import NearPermitsIndex

        return NearPermitsIndex(self._policies)

    def _problems_of_entities(self, kinds: Iterable[type[Caller]]) -> list[str]:
        """What does not fit the schema, each by its type: Cedar's own message names nothing."""
        try:
            roles = self._roles.all
        except ValueError as error:
            return [f"the roles of the catalog do not fit it{_SHIPPED}: {error}"]
        problems: list[str] = []
        for kind in kinds:
            try:
                self._roles.added([principal_json(kind.example())], roles)
            except ValueError as error:
                problems.append(f"callers of the kind {kind.kind} do not fit it{_SHIPPED}: {error}")
        return problems

    def _problems_of_requests(self, principal: Json) -> list[str]:
        """What Cedar would say to requests of a caller: one that tells all there is, and one that tells little."""
        here = Circumstances(MINIMUM_SECONDS, "::1", False, datetime.now(UTC))
        everything = here._replace(has_reason=True, reason="a", params={"a": "a"}, tags={"a": "a"}, narrowed=True)
        entities = self._roles.added([principal, *asked_entities(everything, self._attributes)], self._roles.all)
        questions = [(NOWHERE, here), (NOWHERE, everything)]
        decisions = self._ask(policy_set({}), entities, principal, questions)
        return [error for decision in decisions for error in decision.errors]

    def _ask(
        self,
        policies: cedarpy.PolicySet,
        entities: cedarpy.Entities,
        principal: Mapping[str, object],
        questions: Sequence[tuple[Role, Circumstances]],
    ) -> list[Decision]:
        contexts: dict[int, str] = {}
        for _, circumstances in questions:
            if id(circumstances) not in contexts:
                context = context_json(circumstances, self._attributes, self._zone)
                contexts[id(circumstances)] = json.dumps(context)
        requests = [
            {
                "principal": principal["uid"],
                "action": _ACTION,
                "resource": {"type": "Role", "id": role.name},
                "context": contexts[id(circumstances)],
            }
            for role, circumstances in questions
        ]
        results = cedarpy.is_authorized_batch(requests, policies, entities, self._schema)
        return [_decision(result) for result in results]


def _some_at_a_time(roles: Sequence[Role]) -> Iterator[Sequence[Role]]:
    for start in range(0, len(roles), _AT_ONCE):
        yield roles[start : start + _AT_ONCE]


def _candidates(scopes: Scopes, policies: Sequence[str], role: Role, anything: Circumstances) -> list[Circumstances]:
    """What is worth asking about a role, the best first.

    Args:
        policies: that are about caller and role.
        anything: where and when it is asked.
    """
    durations, params = scopes.durations(policies, role), role.session_rules.defaults
    reasons = [*([] if role.require_reason else [None]), *scopes.reasons(policies)]
    return [
        anything._replace(duration=duration, has_reason=reason is not None, reason=reason, params=params)
        for reason in reasons
        for duration in durations
    ]


def _decision(result: cedarpy.AuthzResult) -> Decision:
    errors = tuple(str(error) for error in result.diagnostics.errors)
    reasons = tuple(sorted(result.diagnostics.id_annotations_by_reason.values()))
    return Decision(result.allowed, reasons, errors)


def together(decisions: tuple[Decision, ...]) -> Decision:
    """What Cedar would decide with all the policies that it was asked in parts; and an error denies.

    A part that denies names its forbids, or nothing: https://docs.cedarpolicy.com/auth/authorization.html
    """
    errors = tuple(error for decision in decisions for error in decision.errors)
    forbidding = [name for decision in decisions if not decision.allowed for name in decision.policies]
    permitting = [name for decision in decisions if decision.allowed for name in decision.policies]
    allowed = bool(permitting) and not forbidding
    return Decision(allowed and not errors, tuple(sorted(forbidding or permitting)), errors)
