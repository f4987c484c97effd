"""A command that takes the place of this process, or runs as its child, and then this process ends as it does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from types import FrameType

from credvend.own_session import COMPETING, INSIDE
from credvend.signals import handling
from credvend.text.messages import say
from credvend.vending.credentials import Credentials
from credvend.vending.formats import environment

# Whoever runs credvend has it; the command gets the role's credentials, and not what any role can be had with.
_OWN = (
    "CREDVEND_TOKEN",
    "CREDVEND_ID_TOKEN",
    "CREDVEND_CLIENT_SECRET",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
)
# Seconds after which a signal is seen at the latest.
_LOOK = 0.5
# What asks for an end goes on to the command. Ctrl-C and Ctrl-\\ at a terminal reach it by themselves.
_PASSED_ON = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
_LEFT_TO_THE_COMMAND = ("SIGINT", "SIGQUIT")


def environment_of(environ: Mapping[str, str], credentials: Credentials, region: str | None) -> dict[str, str]:
    """What a command has that is given credentials: nothing that SDKs prefer, or by which the caller is proved."""
    kept = {name: value for name, value in environ.items() if name not in (*COMPETING, *_OWN)}
    return {**kept, **environment(credentials, region), INSIDE: credentials.role}


def started(
    start: Callable[[list[str], Mapping[str, str]], int], command: list[str], environ: Mapping[str, str]
) -> int:
    """Start a command by `run` or `become`; 127: there is none; 126: it cannot be run."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        return start(command, environ)
    except FileNotFoundError:
        say(f"there is no command {command[0]}")
        return 127
    except OSError as error:
        say(f"{command[0]} cannot be run: {error.strerror}")
        return 126


def become(command: list[str], environ: Mapping[str, str]) -> int:
    """Let a command take the place of this process.

    Raises:
        OSError: it cannot be started.
    """
    # Python ignores them, and what is ignored stays so in the command, which expects to be ended by them.
    for name in ("SIGPIPE", "SIGXFSZ"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execvpe(command[0], command, environ)  # noqa: S606 no shell is what is wanted


def run(command: list[str], environ: Mapping[str, str]) -> int:
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
