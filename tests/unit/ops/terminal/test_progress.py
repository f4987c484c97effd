"""Progress is told on terminals, on one line, and is gone afterwards."""

import io

import pytest

from ops.terminal.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_is_written_again_and_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress("Asking") as progress:
        progress.tell(25, 1_000)
        progress.tell(1_000, 1_000)
    lines = terminal.getvalue().split("\r\x1b[K")
    assert lines == ["", "Asking: 25 of 1,000", "Asking: 1,000 of 1,000", ""]


def test_elsewhere_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    with Progress("Asking") as progress:
        progress.tell(1, 2)
    assert log.getvalue() == ""
