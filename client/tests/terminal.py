"""A person at a terminal, who types."""

from __future__ import annotations

import os
import pty
import subprocess
import sys


def at_a_terminal(environ: dict[str, str], typed: str, *arguments: str) -> tuple[int, str]:
    """Run a command with a person at a terminal who types this."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "credvend", *arguments]
    with subprocess.Popen(command, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        seen = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
        os.close(ours)
        return process.wait(30), seen.decode()
