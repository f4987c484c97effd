"""Arithmetic of policies, of numbers, times and durations: all of them whole numbers of 64 bits, as Cedar has them.

Times are milliseconds since 1970, durations milliseconds.
https://docs.cedarpolicy.com/policies/syntax-operators.html
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from chalicelib.configuration.value_sets import Span

DAY_MILLISECONDS: Final = 86_400_000
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1
_ALL: Final[Span] = (_SMALLEST, _LARGEST)
_NONE: Final[Span] = (1, 0)
_UNITS: Final = {
    "toDays": DAY_MILLISECONDS,
    "toHours": 3_600_000,
    "toMinutes": 60_000,
    "toSeconds": 1000,
    "toMilliseconds": 1,
}
_SUMS: Final = frozenset({"+", "offset"})
_DIFFERENCES: Final = frozenset({"-", "durationSince"})
_OPERATIONS: Final[Mapping[str, Callable[..., int]]] = {
    "+": lambda left, right: left + right,
    "offset": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "durationSince": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "neg": lambda one: -one,
    "toDate": lambda one: one // DAY_MILLISECONDS * DAY_MILLISECONDS,
    "toTime": lambda one: one % DAY_MILLISECONDS,
    # They leave out what is no whole unit, of negative durations too.
    "toDays": lambda one: _truncated(one, "toDays"),
    "toHours": lambda one: _truncated(one, "toHours"),
    "toMinutes": lambda one: _truncated(one, "toMinutes"),
    "toSeconds": lambda one: _truncated(one, "toSeconds"),
    "toMilliseconds": lambda one: one,
}


def operation_of(node: object) -> tuple[str, list[object]] | None:
    """The operation that an expression is, and its operands; None: another expression."""
    if not isinstance(node, dict) or len(node) != 1:
        return None
    ((name, operands),) = node.items()
    if name not in _OPERATIONS:
        return None
    match operands:
        case {"left": left, "right": right}:
            return name, [left, right]
        case {"arg": one}:
            return name, [one]
        case list():
            return name, operands
    return None


def compute(name: str, operands: list[int]) -> int | None:
    """What an operation gives; None: Cedar fails, as it is no number of 64 bits."""
    result = _OPERATIONS[name](*operands)
    return result if _SMALLEST <= result <= _LARGEST else None


class Origin:
    """A number, and from what one unknown number it is computed."""

    def __init__(self, node: object, constant: Callable[[object], object]) -> None:
        """Take an expression apart.

        Args:
            constant: the value of what is always the same, else None.
        """
        self._constant = constant
        self._steps: list[Callable[[Span], Span]] = []
        self.expression = node
        while (step := self._step(self.expression)) is not None:
            self.expression, back = step
            self._steps.append(back)

    @property
    def is_computed(self) -> bool:
        """Whether there is any arithmetic in it."""
        return bool(self._steps)

    def origins(self, span: Span) -> Span:
        """The unknown numbers that lead into a span, if nothing overflows."""
        for back in self._steps:
            span = back(span)
        return span

    def computable(self) -> Iterator[Span]:
        """Spans that the unknown number is in, each of them, wherever nothing overflows."""
        for place in range(len(self._steps)):
            span = _ALL
            for back in self._steps[place:]:
                span = back(span)
            yield span

    def _step(self, node: object) -> tuple[object, Callable[[Span], Span]] | None:
        """What an expression is computed from, if all else is constant; and the way back."""
        operation = operation_of(node)
        if operation is None:
            return None
        name, operands = operation
        known = [self._constant(operand) for operand in operands]
        match operands, known:
            case [one], [None]:
                back = _BACK.get(name)
                return None if back is None else (one, back)
            case [one, _], [None, int(by)]:
                return one, _undone(name, by)
            case [_, one], [int(by), None]:
                if name in _DIFFERENCES:
                    return one, lambda span: _mapped(_negated(span), lambda bound: bound + by)
                return one, _undone(name, by)
        return None


def _undone(name: str, by: int) -> Callable[[Span], Span]:
    if name in _SUMS:
        return lambda span: _mapped(span, lambda bound: bound - by)
    if name in _DIFFERENCES:
        return lambda span: _mapped(span, lambda bound: bound + by)
    return lambda span: _divided(span, by)


def _mapped(span: Span, change: Callable[[int], int]) -> Span:
    low, high = span
    return None if low is None else change(low), None if high is None else change(high)


def _negated(span: Span) -> Span:
    low, high = span
    return None if high is None else -high, None if low is None else -low


def _divided(span: Span, by: int) -> Span:
    """The numbers whose multiples are in a span."""
    low, high = span
    if by == 0:
        return (None, None) if (low is None or low <= 0) and (high is None or high >= 0) else _NONE
    if by < 0:
        return _divided(_negated(span), -by)
    return None if low is None else -(-low // by), None if high is None else high // by


def _truncated(number: int, unit: str) -> int:
    size = _UNITS[unit]
    return number // size if number >= 0 else -(-number // size)


def _whole(size: int) -> Callable[[Span], Span]:
    """Back from whole units to the numbers that have as many."""

    def back(span: Span) -> Span:
        low, high = span
        least = None if low is None else low * size if low > 0 else (low - 1) * size + 1
        most = None if high is None else high * size if high < 0 else (high + 1) * size - 1
        return least, most

    return back


def _of_days(span: Span) -> Span:
    """Back from the beginnings of days to the moments on them."""
    low, high = span
    least = None if low is None else -(-low // DAY_MILLISECONDS) * DAY_MILLISECONDS
    most = None if high is None else high // DAY_MILLISECONDS * DAY_MILLISECONDS + DAY_MILLISECONDS - 1
    return least, most


_BACK: Final[Mapping[str, Callable[[Span], Span]]] = {
    "neg": _negated,
    "toDate": _of_days,
    **{name: _whole(size) for name, size in _UNITS.items()},
}
