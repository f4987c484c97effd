"""Terminals that a shell runs in: one of tmux, whose screen is what people see, or a plain pseudo-terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

PATIENCE = 30.0
"""Seconds after which a screen that has not come will not come."""
# Nothing is wrapped, and nothing leaves the screen.
_COLUMNS, _LINES = 400, 300


class Screen(Protocol):
    def type(self, keys: str) -> None: ...

    def lines(self) -> Sequence[str]:
        """What is seen, without blank ends."""

    def await_output(self, seconds: float) -> None:
        """Wait until there is something new to see, at the longest for so long."""


def await_screen(screen: Screen, wanted: Sequence[str], tidied: Callable[[str], str]) -> None:
    """Wait until a screen shows these lines.

    Raises:
        AssertionError: it shows others.
    """
    deadline = time.monotonic() + PATIENCE
    expected = tidied("\n".join(wanted))
    while (seen := tidied("\n".join(screen.lines()))) != expected:
        left = deadline - time.monotonic()
        assert left > 0, f"\n--- the document\n{expected}\n--- the screen\n{seen}\n---"
        screen.await_output(left)


def _trimmed(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _read(source: int, seconds: float) -> bytes:
    ready, _, _ = select.select([source], [], [], seconds)
    return os.read(source, 65_536) if ready else b""


class Tmux:
    """A server of its own.

    Args:
        output: becomes readable when the shell's terminal is written to.
    """

    def __init__(self, environ: Mapping[str, str], output: int) -> None:
        self._environ = dict(environ)
        self._output = output

    def run(self, *words: str) -> str:
        command = ["tmux", "-L", "tour", "-u", "-f", "/dev/null", *words]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, check=True, timeout=PATIENCE)
        return done.stdout

    def type(self, keys: str) -> None:
        self.run("send-keys", "-l", "--", keys)

    def lines(self) -> list[str]:
        return _trimmed(self.run("capture-pane", "-p", "-J"))

    def await_output(self, seconds: float) -> None:
        _read(self._output, seconds)


@contextlib.contextmanager
def tmux(shell: str, environ: Mapping[str, str]) -> Iterator[Tmux]:
    """A shell in a server that ends with the block."""
    with tempfile.TemporaryDirectory(prefix="tour-") as directory:  # the path of a socket must be short
        pipe = f"{directory}/output"
        os.mkfifo(pipe)
        output = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        screen = Tmux({**environ, "TMUX_TMPDIR": directory}, output)
        try:
            screen.run("new-session", "-d", "-x", str(_COLUMNS), "-y", str(_LINES), shell)
            screen.run("pipe-pane", f"exec cat > {pipe}")
            yield screen
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):  # it has ended with its shell
                screen.run("kill-server")
            os.close(output)


class Pty:
    """For bash alone, which does without a terminal's arts where it is told that there are none."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._seen = b""

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def lines(self) -> list[str]:
        text = self._seen.decode(errors="replace").replace("\a", "").replace("\r\n", "\n")
        return _trimmed(re.sub(r"[^\n]*\r\x1b\[K", "", text))  # a line of progress, wiped

    def await_output(self, seconds: float) -> None:
        self._seen += _read(self._terminal, seconds)


@contextlib.contextmanager
def pseudo_terminal(shell: str, environ: Mapping[str, str]) -> Iterator[Pty]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, _COLUMNS, 0, 0))

    def take() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [shell],
        env={**environ, "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=take,
    )
    os.close(theirs)
    try:
        yield Pty(ours)
    finally:
        os.close(ours)  # which hangs up on it
        process.wait(PATIENCE)


HAS_TMUX = shutil.which("tmux") is not None
