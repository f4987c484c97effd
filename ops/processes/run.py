"""Runs a program that asks nobody anything, and keeps what it prints."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    said: str = "",
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever its exit status.

    Args:
        environment: all that it is run with; None: what this process has.
        directory: where it is run.
        said: what it reads from standard input.
        timeout: seconds that it may take.

    Raises:
        OSError: there is no such program.
        subprocess.TimeoutExpired: it took longer.
    """
    return subprocess.run(
        command,
        env=None if environment is None else dict(environment),
        cwd=directory,
        input=said,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
