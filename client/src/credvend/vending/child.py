"""A command that runs as a child of this process, which ends as the command does."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from types import FrameType

from credvend.signals import handling

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

    with handling(dict.fromkeys(_PASSED_ON, pass_on) | dict.fromkeys(_LEFT_TO_THE_COMMAND, ignore)):
        child = subprocess.Popen(command, env=dict(environ))
        for number in waiting:
            child.send_signal(number)
        return _ended(child)


def _ended(child: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a child, and for no signal in vain.

    One that comes just before the process begins to wait does not interrupt that, and Python would look at it only when
    the child has ended by itself.
    """
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(_LOOK)
