"""What is kept in memory, how long it is believed, and how much of it. Nothing outlives the execution environment."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
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


class WeighedCache(Generic[_Key, _Value]):
    """Values that stay true; of more than there is room for, those that were asked for last."""

    def __init__(self, room: int) -> None:
        """Empty.

        Args:
            room: the values kept together weigh up to so much; one that alone weighs more is kept alone.
        """
        self._room = room
        self._weight = 0
        self._values: OrderedDict[_Key, tuple[int, _Value]] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        """The value that was put there, or None."""
        kept = self._values.get(key)
        if kept is None:
            return None
        self._values.move_to_end(key)
        return kept[1]

    def put(self, key: _Key, value: _Value, weight: int) -> None:
        """Keep a value, and as many others as there is room for.

        Args:
            weight: of all that is kept for it, whatever else holds the same.
        """
        self._weight += weight - self._values.pop(key, (0, value))[0]
        self._values[key] = (weight, value)
        while self._weight > self._room and len(self._values) > 1:
            _, (oldest, _) = self._values.popitem(last=False)
            self._weight -= oldest
