"""Signals as a program that people start by hand has them, for pytest and for all that tests start.

What runs in the background, or under nohup, inherits signals that are ignored; so would each program that a test
starts, and one that should stop when it is told to would go on.
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_11
"""

import signal
from types import FrameType
from typing import Final

# Python itself ignores these, and subprocess gives them back to children.
_PYTHONS_OWN: Final = frozenset({signal.SIGPIPE, signal.SIGXFSZ})


def _go_on(number: int, frame: FrameType | None) -> None:
    """A handler, which the run keeps, and programs that it starts do not."""


def restore_signals() -> None:
    """Handle by default what this process has inherited as ignored or blocked."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals() - _PYTHONS_OWN:
        if signal.getsignal(number) is not signal.SIG_IGN:
            continue
        if number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)
        elif number == signal.SIGHUP:  # under nohup, the run is to survive a hang-up
            signal.signal(number, _go_on)
        else:
            signal.signal(number, signal.SIG_DFL)


restore_signals()
