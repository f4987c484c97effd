"""Waits for CloudFormation, which works on after it has answered."""

import time
from collections.abc import Callable
from typing import TypeVar

from ops.errors import CommandFailed

_Found = TypeVar("_Found")


def wait_for(look: Callable[[], _Found | None], seconds: float, otherwise: str, every: float = 1.0) -> _Found:
    """What `look` finds, once it finds something.

    Args:
        seconds: how long to wait.
        otherwise: what is said when that is over.

    Raises:
        CommandFailed: it found nothing in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() + every > deadline:
            raise CommandFailed(otherwise)
        time.sleep(every)
