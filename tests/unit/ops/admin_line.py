"""`credvend-admin` on the tables of a stage in memory."""

import io
import json
import sys
from dataclasses import dataclass, field

import pytest

from ops import admin
from tests.unit.ops.stage_tables import STAGE, StageTables


class Terminal(io.StringIO):
    """Somebody who answers what they are asked."""

    def isatty(self) -> bool:
        return True


@dataclass
class AdminLine:
    """What is typed, and what is printed."""

    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    tables: StageTables = field(default_factory=StageTables)

    def __post_init__(self) -> None:
        self.patch.delenv("AWS_ENDPOINT_URL", raising=False)
        for module in ("blocks", "revoke", "sessions"):
            self.patch.setattr(f"ops.commands.{module}.find_operator", lambda _say: self.tables.operator())
        # The index of a table in memory knows at once.
        self.patch.setattr("ops.revoking.revoking._INDEX_SECONDS", 0.001)

    def run(self, command: str, *arguments: str, status: int = 0) -> tuple[str, str]:
        """What a command prints to standard output and to standard error."""
        got = admin.main([command, *arguments, "--stage", STAGE])
        printed = self.capture.readouterr()
        assert got == status, printed.err
        return printed.out, printed.err

    def json(self, command: str, *arguments: str, status: int = 0) -> object:
        """What it prints as JSON."""
        return json.loads(self.run(command, *arguments, "--json", status=status)[0])

    def answer(self, text: str) -> None:
        """Whoever is asked says this."""
        self.patch.setattr(sys, "stdin", Terminal(text))
