"""Is there any request that a policy applies to? One that never applies is a mistake, and as a `forbid` a hole."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from chalicelib.configuration.policy_arithmetic import Origin
from chalicelib.configuration.policy_conditions import Case, Conditions, Given, Never
from chalicelib.configuration.policy_constants import constant
from chalicelib.configuration.policy_lines import NO_LINES, PolicyLines
from chalicelib.configuration.policy_parts import Part, parts_of
from chalicelib.configuration.policy_reasons import form_of, reason_for
from chalicelib.configuration.policy_text import text_of
from chalicelib.configuration.possible_requests import TIME_OF_DAY, PossibleRequests, range_of
from chalicelib.decisions.indexed_policy import PolicyJson

# Of an expression, messages show so many characters.
_MOST_SHOWN: Final = 160


class Applicability:
    """Says of policies that they can never apply, and why."""

    def __init__(self, possible: PossibleRequests, conditions: Conditions | None = None) -> None:
        """Speak of policies that are to decide about these requests.

        Args:
            conditions: what follows them, where more is known than what is certain.
        """
        self._possible = possible
        self._certain = Conditions(possible)
        self._conditions = conditions or self._certain

    def problems(self, policy: PolicyJson, is_proved: bool, lines: PolicyLines = NO_LINES) -> list[str]:
        """Why the policy can never apply, for whoever wrote it; none, if it may.

        Args:
            is_proved: that it cannot is known already, from the types of the schema.
        """
        # Without roles, nothing applies, and that is no fault of policies.
        if not self._possible.roles:
            return []
        parts = parts_of(policy)
        if not is_proved and self._conditions.requests(parts):
            return []
        return [f"it can never apply: {self._why(parts, lines)}"]

    def never_true(self, never: Never, lines: PolicyLines = NO_LINES) -> str:
        """Says that a comparison is never true, and why."""
        always = "never" if never.written is never.comparison else "always"
        what = f"`{shown(never.written)}`{lines.of(never.written)} is {always} true"
        anything = [self._conditions.everything]
        match never.comparison:
            case {"hasTag": _}:  # what other callers and roles may have explains nothing
                of_cases = [shape for case in never.cases for shape in case.shapes]
                shapes = [shape for shape in self._conditions.everything.shapes if shape in of_cases]
                roles = frozenset[int]().union(*(case.roles for case in never.cases))
                anything = [anything[0]._replace(shapes=tuple(shapes), roles=roles)]
        if not self._conditions.where(never.comparison, True, anything):
            is_certain = not self._certain.where(never.comparison, True, [self._certain.everything])
            return what + reason_for(never, self._possible, is_certain)
        where = self._where(
            never.given, lines, lambda cases: self._conditions.where(never.comparison, True, cases), never.comparison
        )
        return what + where + form_of(never.comparison)

    def contradiction(self, part: Part, given: Iterable[Given], lines: PolicyLines = NO_LINES) -> str:
        """Says that a part is not as it is wanted for what the parts before it leave.

        Args:
            given: those parts.
        """
        always = "never" if part.wanted else "always"
        condition = f"`{part.place} {{ {shown(part.expression)} }}`" if part.place != "scope" else "scope"
        what = f"its {condition}{lines.of(part.expression)} is {always} true"
        if not self._conditions.where(part.expression, part.wanted, [self._conditions.everything]):
            never = Never(part.expression, [self._conditions.everything], part.expression, ())
            return what + (reason_for(never, self._possible) or ", whatever is asked")
        return what + self._where(
            given, lines, lambda cases: self._conditions.where(part.expression, part.wanted, cases), None
        )

    def _where(
        self,
        given: Iterable[Given],
        lines: PolicyLines,
        left: Callable[[list[Case]], list[Case]],
        comparison: object,
    ) -> str:
        """For which requests that is so: those that one thing before it leaves, if one is enough."""
        anything = [self._conditions.everything]
        for one in _single(given):
            if not left(self._conditions.where(one.expression, one.wanted, anything)):
                is_so = "is" if one.wanted else "is not"
                where = f" where `{shown(one.expression)}`{lines.of(one.expression, is_last=False)} {is_so}"
                return where + _over_midnight(one.expression, comparison)
        return " where all that stands before it is as it has to be"

    def _why(self, parts: list[Part], lines: PolicyLines) -> str:
        cases = [self._conditions.everything]
        given: tuple[Given, ...] = ()
        for part in parts:
            for never in self._conditions.never_true(part.expression, cases, given):
                return self.never_true(never, lines)
            cases = self._conditions.where(part.expression, part.wanted, cases)
            if not cases:
                return self.contradiction(part, given, lines)
            given = (*given, Given(part.expression, part.wanted))
        return "the types of what it compares do not fit each other"


def shown(expression: object) -> str:
    """An expression as messages have it: no longer than people read."""
    text = text_of(expression)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _single(given: Iterable[Given]) -> Iterator[Given]:
    """What is given, each by itself."""
    for one in given:
        match one:
            case Given({"&&": {"left": left, "right": right}}, True):
                yield from _single([Given(left, wanted=True), Given(right, wanted=True)])
            case Given({"||": {"left": left, "right": right}}, False):
                yield from _single([Given(left, wanted=False), Given(right, wanted=False)])
            case Given({"!": {"arg": argument}}, wanted):
                yield from _single([Given(argument, not wanted)])
            case _:
                yield one


def _over_midnight(one: object, other: object) -> str:
    """What to write for hours that end on the next day."""
    clocks = {_clock(one), _clock(other)}
    if len(clocks) == 1 and None not in clocks:
        return f"; hours over midnight are written with `||`: `{text_of(one)} || {text_of(other)}`"
    return ""


def _clock(comparison: object) -> str | None:
    """What time of day a comparison puts a bound to."""
    match comparison:
        case dict():
            match list(comparison.items()):
                case [("<" | "<=" | ">" | ">=", {"left": left, "right": right})]:
                    text = text_of(Origin(left if constant(left) is None else right, constant).expression)
                    range_ = range_of(text)
                    return text if range_ is not None and range_.values is TIME_OF_DAY else None
    return None
