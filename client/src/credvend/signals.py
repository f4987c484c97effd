"""Signals: handled for a while, and ended by."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType

Handler = Callable[[int, "FrameType | None"], None]


def end_by(number: int) -> int:
    """End this process by a signal, so that whoever started it sees what happened.

    Returns:
        Where signals do not end processes: the exit code that a shell makes of one.
    """
    if os.name != "nt":
        # What a command has died of may leave an image of the memory behind; ours has secrets in it.
        with suppress(ImportError, OSError, ValueError):
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError, ValueError):  # of SIGKILL nobody decides
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return 128 + number


@contextmanager
def handling(handlers: Mapping[str, Handler]) -> Iterator[None]:
    """Handle signals, by their names, for as long as the block runs: those that this system has.

    What is ignored stays so: `nohup` has a program ignore the end of the terminal.
    """
    known = {getattr(signal, name): handler for name, handler in handlers.items() if hasattr(signal, name)}
    handled = {number: handler for number, handler in known.items() if signal.getsignal(number) != signal.SIG_IGN}
    before = {number: signal.signal(number, handler) for number, handler in handled.items()}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
