"""Which values can something have, by all that is known of it?"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

Constant = str | int
"""What policies compare with. Times are milliseconds since 1970, durations milliseconds; booleans are numbers here."""


class Values(NamedTuple):
    """Some values of one type. None of its methods leaves a value out that is possible.

    Attributes:
        only: these, if there are so few; None: any.
        never: not these.
        low, high: bounds of numbers, both of them possible.
        patterns: texts match them, where the second is true, or do not.
    """

    only: frozenset[Constant] | None = None
    never: frozenset[Constant] = frozenset()
    low: int | None = None
    high: int | None = None
    patterns: tuple[tuple[re.Pattern[str], bool], ...] = ()

    def among(self, constants: Iterable[Constant], wanted: bool) -> "Values":
        """Those of them that are among the constants; or the others, if that is not wanted."""
        if not wanted:
            return self._replace(never=self.never.union(constants))
        return self._replace(only=frozenset(constants) if self.only is None else self.only.intersection(constants))

    def at_least(self, low: int) -> "Values":
        return self if self.low is not None and self.low >= low else self._replace(low=low)

    def at_most(self, high: int) -> "Values":
        return self if self.high is not None and self.high <= high else self._replace(high=high)

    def like(self, pattern: re.Pattern[str], wanted: bool) -> "Values":
        return self._replace(patterns=(*self.patterns, (pattern, wanted)))

    def within(self, other: "Values") -> "Values":
        """Those that are in both."""
        both = self if other.only is None else self.among(other.only, wanted=True)
        both = both.among(other.never, wanted=False)._replace(patterns=both.patterns + other.patterns)
        both = both if other.low is None else both.at_least(other.low)
        return both if other.high is None else both.at_most(other.high)

    @property
    def is_empty(self) -> bool:
        """Whether there certainly is no value left."""
        if self.only is not None:
            return not any(self._has(value) for value in self.only)
        if self.low is None or self.high is None:
            return False
        # Among more numbers than are left out, there is one that is not.
        few = self.high - self.low <= len(self.never)
        return self.low > self.high or (few and self.never.issuperset(range(self.low, self.high + 1)))

    def _has(self, value: Constant) -> bool:
        if isinstance(value, str):
            fits = all((pattern.fullmatch(value) is not None) is wanted for pattern, wanted in self.patterns)
        else:
            fits = (self.low is None or self.low <= value) and (self.high is None or value <= self.high)
        return fits and value not in self.never


def written(pattern: str) -> Values:
    """Texts that are written like this, a regular expression."""
    return Values(patterns=((re.compile(pattern, re.ASCII), True),))


def numbers(low: int | None, high: int | None) -> Values:
    """From one to the other, both included; None: there is no bound."""
    return Values(low=low, high=high)


Known = Mapping[str, Values]
"""What is known of some parts of policies, by their text."""
