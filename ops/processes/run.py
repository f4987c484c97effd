"""Runs a program that asks nobody anything, and waits for its end."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

# A program that has ended: its exit status, and what it printed.
Ended = subprocess.CompletedProcess[str]
EndedOnBytes = subprocess.CompletedProcess[bytes]


class TookTooLong(Exception):
    """The program was stopped, as it took longer than it may."""


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    said: str = "",
    timeout: float | None = None,
) -> Ended:
    """Run a program, whatever its exit status, and keep what it prints.

    Args:
        environment: all that it is run with; None: what this process has.
        directory: where it is run.
        said: what it reads from standard input.
        timeout: seconds that it may take.

    Raises:
        OSError: there is no such program.
        TookTooLong: after `timeout`.
    """
    try:
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
    except subprocess.TimeoutExpired as error:
        raise TookTooLong(str(error)) from None


def run_on_bytes(command: Sequence[str], *, directory: Path, said: bytes = b"") -> EndedOnBytes:
    """Run a program whose output is no text, whatever its exit status.

    Args:
        directory: where it is run.
        said: what it reads from standard input.

    Raises:
        OSError: there is no such program.
    """
    return subprocess.run(command, cwd=directory, input=said, capture_output=True, check=False)


def run_in_sight(command: Sequence[str], directory: Path) -> int:
    """Run a program whose standard error goes to ours while it works. Returns its exit status."""
    return subprocess.run(
        command, cwd=directory, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ).returncode
