"""Sessions that were under way while their end was asked for, or were not to be seen yet.

The former are issued just after the moment that the policy says; the latter were vended within the second by which an
index of DynamoDB follows its table.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from chalicelib.ended_sessions import issued
from chalicelib.ledger.entry import Entry

# STS has answered within it, or nothing is vended: the function's own time is over by then.
_UNDER_WAY_SECONDS: Final = 30
_PAUSE_SECONDS: Final = 1.0


class Stragglers(NamedTuple):
    """Sessions that were requested before their end was asked for.

    Attributes:
        late: issued later.
        all: these and the others, as the ledger has them by now.
    """

    late: list[Entry]
    all: list[Entry]


def stragglers(
    look: Callable[[], Sequence[Entry]],
    asked: float,
    *,
    clock: Callable[[], float] = time.time,
    wait: Callable[[float], None] = time.sleep,
) -> Stragglers:
    """Those that were requested by then. It waits for those that are under way.

    Args:
        look: the sessions that are meant, as the ledger has them now.
        asked: the moment of the revocation; seconds since 1970, UTC.
    """
    while True:
        found = [entry for entry in look() if entry.requested_at / 1000 <= asked + 1]
        recent = [entry for entry in found if entry.requested_at / 1000 > asked - _UNDER_WAY_SECONDS]
        if clock() >= asked + _UNDER_WAY_SECONDS or all(entry.state != "requested" for entry in recent):
            return Stragglers([entry for entry in found if issued(entry) >= asked + 1], found)
        wait(_PAUSE_SECONDS)
