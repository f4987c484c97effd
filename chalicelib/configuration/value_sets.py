"""Which values can something have, by all that is known of it?"""

import re
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Final, NamedTuple

from chalicelib.configuration.text_forms import disjoint, includes

_ANY_TEXT: Final = ".*"

Constant = str | int
"""What policies compare with. Times are milliseconds since 1970, durations milliseconds; booleans are numbers here, and
addresses too (policy_addresses.py)."""
Span = tuple[int | None, int | None]
"""Numbers from one to the other, both included; None: there is no bound. Where the first is more, there are none."""


class Values(NamedTuple):
    """Some values of one type. None of its methods leaves a value out that is possible.

    Attributes:
        only: these, if there are so few; None: any.
        never: not these.
        low, high: bounds of numbers, both of them possible.
        patterns: texts match them, where the second is true, or do not.
        gaps: numbers are in none of these spans, which have both bounds.
    """

    only: frozenset[Constant] | None = None
    never: frozenset[Constant] = frozenset()
    low: int | None = None
    high: int | None = None
    patterns: tuple[tuple[re.Pattern[str], bool], ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()

    def among(self, constants: Iterable[Constant], wanted: bool) -> "Values":
        """Those of them that are among the constants; or the others, if that is not wanted."""
        if not wanted:
            return self._replace(never=self.never.union(constants))
        return self._replace(only=frozenset(constants) if self.only is None else self.only.intersection(constants))

    def at_least(self, low: int) -> "Values":
        return self if self.low is not None and self.low >= low else self._replace(low=low)

    def at_most(self, high: int) -> "Values":
        return self if self.high is not None and self.high <= high else self._replace(high=high)

    def inside(self, span: Span, wanted: bool) -> "Values":
        """Those numbers that are in a span; or the others, if that is not wanted."""
        low, high = span
        if wanted:
            above = self if low is None else self.at_least(low)
            return above if high is None else above.at_most(high)
        if low is None:
            return self.among((), wanted=True) if high is None else self.at_least(high + 1)
        if high is None:
            return self.at_most(low - 1)
        return self if low > high else self._replace(gaps=(*self.gaps, (low, high)))

    def like(self, pattern: re.Pattern[str], wanted: bool) -> "Values":
        return self._replace(patterns=(*self.patterns, (pattern, wanted)))

    def within(self, other: "Values") -> "Values":
        """Those that are in both."""
        both = self if other.only is None else self.among(other.only, wanted=True)
        both = both.among(other.never, wanted=False)
        both = both._replace(patterns=both.patterns + other.patterns, gaps=both.gaps + other.gaps)
        both = both if other.low is None else both.at_least(other.low)
        return both if other.high is None else both.at_most(other.high)

    @property
    def is_empty(self) -> bool:
        """Whether there certainly is no value left."""
        if self.only is not None:
            return not any(self._has(value) for value in self.only)
        if self._no_text_fits():
            return True
        if self.low is None or self.high is None:
            return False
        left_out = [(number, number) for number in self.never if isinstance(number, int)]
        next_one = self.low
        for first, last in sorted((*self.gaps, *left_out)):
            if first > next_one:
                break
            next_one = max(next_one, last + 1)
        return next_one > self.high

    def _no_text_fits(self) -> bool:
        """Whether the patterns contradict each other."""
        fitting = [pattern.pattern for pattern, wanted in self.patterns if wanted]
        others = [pattern.pattern for pattern, wanted in self.patterns if not wanted]
        return any(disjoint(*pair) for pair in combinations(dict.fromkeys(fitting), 2)) or any(
            includes(pattern, one) for pattern in others for one in fitting or [_ANY_TEXT]
        )

    def _has(self, value: Constant) -> bool:
        if isinstance(value, str):
            fits = all((pattern.fullmatch(value) is not None) is wanted for pattern, wanted in self.patterns)
        else:
            fits = (self.low is None or self.low <= value) and (self.high is None or value <= self.high)
            fits = fits and not any(first <= value <= last for first, last in self.gaps)
        return fits and value not in self.never


def written(pattern: str) -> Values:
    """Texts that are written like this, a regular expression."""
    return Values(patterns=((re.compile(pattern, re.ASCII | re.DOTALL), True),))


def numbers(low: int | None, high: int | None) -> Values:
    """From one to the other, both included; None: there is no bound."""
    return Values(low=low, high=high)


Known = Mapping[str, Values]
"""What is known of some parts of policies, by their text."""
