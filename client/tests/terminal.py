"""A person at a terminal, who types."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path


def at_a_terminal(
    environ: dict[str, str], typed: str, *arguments: str, asked: str = "", output: Path | None = None
) -> tuple[int, str]:
    """Run a command with a person at a terminal who types this.

    Args:
        asked: type when this is seen, as what asks for secrets throws away what was typed before; the terminal is
            the command's own then, so that it is /dev/tty, too.
        output: the file that standard output goes to, instead of the terminal.
    """
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "credvend", *arguments]

    def take() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    with subprocess.Popen(
        command,
        env=environ,
        stdin=theirs,
        stdout=theirs if output is None else os.open(output, os.O_WRONLY | os.O_CREAT),
        stderr=theirs,
        start_new_session=bool(asked),
        preexec_fn=take if asked else None,
    ) as process:
        os.close(theirs)
        seen = b""
        to_type = typed.encode()
        while True:
            if to_type and asked.encode() in seen:
                os.write(ours, to_type)
                to_type = b""
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
        os.close(ours)
        return process.wait(30), seen.decode()
