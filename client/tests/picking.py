"""Somebody who picks from a list at a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time


def typing(environ: dict[str, str], answers: list[tuple[str, str]], *words: str) -> tuple[int, str, str]:
    """Run a command at a terminal whose standard output goes elsewhere, as in `$(...)`.

    Args:
        answers: what must be on the screen, and what is typed then.

    Returns:
        The exit code, standard output, and the screen.
    """
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "credvend", *words]
    seen = b""
    with subprocess.Popen(
        command, env={**environ, "TERM": "xterm"}, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs
    ) as process:
        os.close(theirs)
        deadline = time.monotonic() + 60
        waiting = list(answers)
        while True:
            if time.monotonic() > deadline:
                process.kill()
                raise AssertionError(seen)
            if waiting and waiting[0][0].encode() in seen:
                seen = b""
                os.write(ours, waiting.pop(0)[1].encode())
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(ours, 65_536)
            except OSError:
                break
            if b"\x1b[6n" in part:  # where is the cursor?
                os.write(ours, b"\x1b[1;1R")
            if not part:
                break
            seen += part
        assert process.stdout is not None
        out = process.stdout.read().decode()
        os.close(ours)
        return process.wait(30), out, seen.decode(errors="replace")
