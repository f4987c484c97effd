"""How long all that a command does over the network may take.

An SDK that runs `credvend process` gives up at some point (Go's after 60 seconds), and a request has parts: a token is
renewed, a role is assumed to sign with, the service is asked. Each looks here for what is left.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

# Seconds for a command, from its first question to its last answer.
LONGEST = 55.0


class _Ends(NamedTuple):
    """By the monotonic clock."""

    soon: float = math.inf
    at_last: float = math.inf


_NONE = _Ends()
_ends: ContextVar[_Ends] = ContextVar("_ends", default=_NONE)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Hold what the block does to a number of seconds, and to what is left already."""
    before, end = _ends.get(), time.monotonic() + seconds
    reset = _ends.set(_Ends(min(before.soon, end), end if before.at_last == math.inf else before.at_last))
    try:
        yield
    finally:
        _ends.reset(reset)


def seconds_left(*, unbroken: bool = False) -> float:
    """Seconds that are left, by the nearest limit; infinite without any.

    Args:
        unbroken: for what must not be broken off once it has begun: by the first limit that was set.
    """
    ends = _ends.get()
    return (ends.at_last if unbroken else ends.soon) - time.monotonic()


@contextmanager
def not_counting() -> Iterator[None]:
    """Count no second of the block, in which a person is asked for something."""
    started = time.monotonic()
    try:
        yield
    finally:
        took = time.monotonic() - started
        _ends.set(_Ends(*(end + took for end in _ends.get())))
