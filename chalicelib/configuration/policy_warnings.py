"""Which policies are likely not what was meant, though they are valid and can apply?"""

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from chalicelib.callers.kinds import KINDS
from chalicelib.configuration.attribute_warnings import attribute_warnings
from chalicelib.configuration.cedar_proofs import idle_conditions
from chalicelib.configuration.claim_warnings import claim_warnings, looks_at_claims
from chalicelib.configuration.clock_warnings import clock_warnings
from chalicelib.configuration.odd_texts import oddity, texts_in
from chalicelib.configuration.pattern_warnings import pattern_warnings
from chalicelib.configuration.policy_addresses import SPANS_OF_METHODS, network_of
from chalicelib.configuration.policy_applicability import Applicability, shown
from chalicelib.configuration.policy_arithmetic import Origin
from chalicelib.configuration.policy_conditions import Conditions, Given
from chalicelib.configuration.policy_constants import constant, entity
from chalicelib.configuration.policy_lines import NO_LINES, PolicyLines
from chalicelib.configuration.policy_parts import comparisons_in, parts_of
from chalicelib.configuration.policy_text import entity_text, text_of
from chalicelib.configuration.possible_requests import ADDRESS, PossibleRequests, from_day_on, range_of
from chalicelib.configuration.source import WrittenConfiguration
from chalicelib.configuration.value_sets import Span, Values, numbers
from chalicelib.decisions.indexed_policy import PolicyJson, entities_in

_ALL: Final = {"op": "All"}
_PRINCIPAL: Final = {"Var": "principal"}


def policy_warnings(written: WrittenConfiguration) -> Iterator[str]:
    """A line for each likely mistake in a policy: file, policy, and what is odd about it."""
    catalog = written.configuration.catalog
    if not catalog.roles:
        return
    if not written.policies.policies:
        yield "policies/: the files there hold no policy, so nobody is let in"
    if written.policies.audited and not any(one.json["effect"] == "permit" for one in written.policies.enforced):
        yield "policies/: no `permit` is enforced, so nobody is let in"
    look = PolicyWarnings(PossibleRequests(KINDS, written.issuers, catalog), now=time.time())
    idle = idle_conditions({policy.name: policy.json for policy in written.policies.policies}, written.policies.schema)
    for policy in written.policies.policies:
        # Whose subjects it may apply to takes long to tell, and matters where claims are compared.
        of = look.issuers_of(policy.json) if looks_at_claims(policy.json) else frozenset()
        issuers = [one for one in written.issuers if one.name in of]
        warnings = (
            look.at(policy.json, idle[policy.name], policy.lines, is_enforced=not policy.is_audited),
            claim_warnings(policy.json, issuers),
            pattern_warnings(policy.json),
            clock_warnings(policy.json, written.catalog.time_zone),
            attribute_warnings(policy.json, written.policies.schema),
        )
        for warning in dict.fromkeys(itertools.chain.from_iterable(warnings)):
            yield f"{policy.file}: policy {policy.label}: {policy.lines.told_in(warning)}"


class PolicyWarnings:
    """Looks at one policy after the other."""

    def __init__(self, possible: PossibleRequests, now: float) -> None:
        """Look at policies that are to decide about these requests.

        Args:
            now: seconds since 1970, UTC.
        """
        # Nowhere on Earth is the date more than a day behind.
        yesterday = datetime.fromtimestamp(now, UTC).date() - timedelta(days=1)
        present = {
            "context.time": numbers(int(now * 1000), None),
            "context.local.date": from_day_on(yesterday),
            ADDRESS: Values(gaps=SPANS_OF_METHODS["isMulticast"]),
        }
        self._conditions = Conditions(possible, maxima=True, also=present)
        self._applicability = Applicability(possible, self._conditions)

    def at(
        self,
        policy: PolicyJson,
        idle: frozenset[int] = frozenset(),
        lines: PolicyLines = NO_LINES,
        is_enforced: bool = True,
    ) -> Iterator[str]:
        """What is odd about a policy.

        Args:
            idle: which of its conditions are known to restrict nothing, by their places.
            lines: where its parts stand.
            is_enforced: it is not in audit mode.
        """
        yield from _is_open(policy, is_enforced)
        yield from self._comparisons(policy, idle, lines)
        yield from _stars(policy)
        yield from _ranges(policy)
        for text in texts_in(policy):
            odd = oddity(text)
            if odd is not None:
                yield f"{text!a} {odd}"

    def issuers_of(self, policy: PolicyJson) -> frozenset[str]:
        """The names of the issuers whose subjects a policy may apply to."""
        cases = self._conditions.requests(parts_of(policy))
        return frozenset(shape.fixed["issuer"] for case in cases for shape in case.shapes if "issuer" in shape.fixed)

    def _comparisons(self, policy: PolicyJson, idle: frozenset[int], lines: PolicyLines) -> Iterator[str]:
        """What is the same for all that the policy can be asked about."""
        parts = parts_of(policy)
        scope = sum(part.place == "scope" for part in parts)
        cases = [self._conditions.everything]
        given: tuple[Given, ...] = ()
        for place, part in enumerate(parts, start=-scope):
            told = [
                self._applicability.never_true(never, lines)
                for never in self._conditions.never_true(part.expression, cases, given)
            ]
            told += self._far_bounds(part.expression)
            if place in idle and not told:
                told.append(f"`{part.place} {{ {shown(part.expression)} }}` restricts nothing: it is the same for all")
            yield from told
            left = self._conditions.where(part.expression, part.wanted, cases)
            if cases and not left and not told:
                yield f"it applies to nobody now: {self._applicability.contradiction(part, given, lines)}"
            cases = left
            given = (*given, Given(part.expression, part.wanted))

    def _far_bounds(self, expression: object) -> Iterator[str]:
        """Bounds far outside of what can be, which nothing ever comes to."""
        for comparison in comparisons_in(expression):
            bound = _bound(comparison)
            range_ = None if bound is None else range_of(bound.compared)
            if bound is None or range_ is None:
                continue
            # `< 24h` and `<= 3600` are how people write that there is no bound.
            near = range_.values._replace(
                low=None if range_.values.low is None else range_.values.low - 1,
                high=None if range_.values.high is None else range_.values.high + 1,
            )
            if near.inside(bound.span, wanted=True).is_empty and not self._conditions.where(
                comparison, False, [self._conditions.everything]
            ):
                yield f"`{text_of(comparison)}` is always true: {range_.words}"


def _is_open(policy: PolicyJson, is_enforced: bool) -> Iterator[str]:
    """A permit that asks nothing of the caller."""
    if policy["effect"] == "permit" and policy["principal"] == _ALL and not _holds(policy["conditions"], _PRINCIPAL):
        roles = "every role of the catalog" if policy["resource"] == _ALL else "these roles"
        who = "whoever can prove who they are"
        yield f"it asks nothing of the caller: {who} {'may' if is_enforced else 'could, once enforced,'} have {roles}"


def _stars(policy: PolicyJson) -> Iterator[str]:
    """Wildcards where there are none."""
    for comparison in comparisons_in(policy["conditions"]):
        match comparison:
            case {"==": {"left": left, "right": right}} | {"!=": {"left": left, "right": right}}:
                compared = [left, right]
            case {"contains": {"left": {"Set": list(members)}, "right": right}}:
                compared = [*members, right]
            case {"contains": {"right": right}}:
                compared = [right]
            case _:
                continue
        if any(isinstance(one, dict) and "*" in str(one.get("Value")) and entity(one) is None for one in compared):
            yield f"`{text_of(comparison)}` takes `*` for a character like any other: only `like` knows wildcards"
    for kind, identifier in entities_in(policy):
        if "*" in identifier:
            yield f"{entity_text(kind, identifier)}: in an id, `*` is a character like any other"


def _ranges(policy: PolicyJson) -> Iterator[str]:
    """Ranges that are written as one of their addresses."""
    for call in comparisons_in(policy["conditions"]):
        match call:
            case {"ip": [{"Value": str(written)}]}:
                network = network_of(written)
                if network is not None and network.meant:
                    yield (
                        f'`ip("{written}")` is all of {network.meant}: write that, or `ip("{written.split("/")[0]}")` '
                        "for the one address"
                    )


class _Bound(NamedTuple):
    """What is compared with a number, and the span that it has to be in to be that number."""

    compared: str
    span: Span


def _bound(comparison: object) -> _Bound | None:
    match comparison:
        case dict():
            match list(comparison.items()):
                case [("<" | "<=" | ">" | ">=", {"left": left, "right": right})]:
                    low, high = constant(left), constant(right)
                    value, node = (high, left) if low is None else (low, right)
                    if isinstance(value, int):
                        origin = Origin(node, constant)
                        return _Bound(text_of(origin.expression), origin.origins((value, value)))
    return None


def _holds(node: object, part: object) -> bool:
    if node == part:
        return True
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return any(_holds(child, part) for child in children)
