"""A command that runs as a child of this process, which ends as the command does."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Mapping, Sequence
from types import FrameType

# Seconds after which a signal is seen at the latest.
_LOOK = 0.5
# What asks for an end goes on to the command. Ctrl-C and Ctrl-\\ at a terminal reach it by themselves.
_PASSED_ON = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
_LEFT_TO_THE_COMMAND = ("SIGINT", "SIGQUIT")


def run(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command to its end; its exit code; the negative number of a signal that ended it.

    Raises:
        OSError: it cannot be started.
    """
    # Whatever comes before there is a child is kept for it.
    waiting: list[int] = []
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        if child is None:
            waiting.append(number)
        else:
            child.send_signal(number)

    def ignore(number: int, frame: FrameType | None) -> None:
        """A function, and not SIG_IGN, which the command would inherit."""

    handlers = dict.fromkeys(_PASSED_ON, pass_on) | dict.fromkeys(_LEFT_TO_THE_COMMAND, ignore)
    known = {getattr(signal, name): handler for name, handler in handlers.items() if hasattr(signal, name)}
    before = {number: signal.getsignal(number) for number in known}
    for number, handler in known.items():
        if before[number] != signal.SIG_IGN:
            signal.signal(number, handler)
    try:
        child = subprocess.Popen(command, env=dict(environ))
        for number in waiting:
            child.send_signal(number)
        code = _ended(child)
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
    return code


def _ended(child: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a child, and for no signal in vain.

    One that comes just before the process begins to wait does not interrupt that, and Python would look at it only when
    the child has ended by itself.
    """
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(_LOOK)
