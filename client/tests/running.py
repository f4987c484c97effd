"""credvend as a process of its own, and as a command of a shell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def credvend(environ: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run it, and wait for its end."""
    command = [sys.executable, "-m", "credvend", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


def with_command(environ: Mapping[str, str], directory: Path) -> dict[str, str]:
    """An environment in which `credvend` is a command, in `directory`/bin."""
    program = directory / "bin" / "credvend"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m credvend "$@"\n')
    program.chmod(0o755)
    return {**environ, "PATH": f"{program.parent}:{environ['PATH']}"}
