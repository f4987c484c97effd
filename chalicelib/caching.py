"""How long what is kept in memory is believed. Caches live as long as the execution environment, and no longer."""

from collections import OrderedDict
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


def is_within(seconds: float, then: float, now: float) -> bool:
    """Whether a moment is less than that long ago. With a clock that was set back none is: it prolongs nothing."""
    return 0 <= now - then < seconds


class BoundedCache(Generic[_Value]):
    """Values that are believed for a while; of more than there is room for, the latest."""

    def __init__(self, seconds: float, entries: int) -> None:
        """Empty.

        Args:
            seconds: for which a value is believed.
            entries: up to so many are kept.
        """
        self._seconds = seconds
        self._entries = entries
        self._values: OrderedDict[str, tuple[float, _Value]] = OrderedDict()

    def get(self, key: str, now: float) -> _Value | None:
        """The value that was put there, or None.

        Args:
            now: seconds since 1970, UTC.
        """
        put_at, value = self._values.get(key, (float("-inf"), None))
        return value if is_within(self._seconds, put_at, now) else None

    def put(self, key: str, value: _Value, now: float) -> None:
        """Keep a value from now on."""
        self._values.pop(key, None)
        self._values[key] = (now, value)
        if len(self._values) > self._entries:
            self._values.popitem(last=False)
