"""What a walk-through has started, and whether anything of it is left."""

import fcntl
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from local.aws import RUNS
from local.supervisor import LOCK
from testing.deployed import PERSON


@dataclass(frozen=True)
class Marked:
    """All that commands start whose environment has a mark in PATH.

    PATH is what the local AWS keeps of its starter's environment. The other lane's local AWS comes and goes meanwhile.

    Attributes:
        runs: where the local AWS has its directories.
    """

    runs: Path = RUNS
    mark: str = field(default_factory=lambda: f"/nowhere/{secrets.token_hex(8)}")

    @property
    def environment(self) -> dict[str, str]:
        """That of a person's shell, with the mark."""
        return PERSON | {"PATH": f"{PERSON['PATH']}:{self.mark}"}

    def processes(self) -> list[str]:
        """Command lines of the processes that were started, and that still run."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended, or is not ours
                if self.mark in (process / "environ").read_text(errors="replace"):
                    found.append((process / "cmdline").read_text(errors="replace"))
        return found

    def directories(self) -> set[Path]:
        """The local AWSs that were started and that still run, and those that nobody cleans up any more."""
        found = set()
        for directory in self.runs.glob("run-*"):
            with suppress(FileNotFoundError), (directory / LOCK).open() as lock:  # else it is just made, or removed
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    if self.mark not in Path("/proc", lock.read(), "environ").read_text(errors="replace"):
                        continue
                found.add(directory)
        return found

    def left_nothing(self) -> bool:
        return self.processes() == [] and self.directories() == set()
