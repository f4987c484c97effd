"""Only a clear yes, of somebody on a terminal, is a yes."""

import io
import os
import pty
from collections.abc import Iterator

import pytest

from ops.terminal.question import Declined, ask, check_can_ask


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where a person types; standard input is its other end."""
    person, ours = pty.openpty()
    with os.fdopen(ours, encoding="utf-8") as standard_input:
        monkeypatch.setattr("sys.stdin", standard_input)
        yield person
    os.close(person)


@pytest.mark.parametrize("answer", ["y", "Y", "yes", " YES "])
def test_a_yes_goes_on(terminal: int, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    os.write(terminal, f"{answer}\n".encode())
    check_can_ask("Nobody is there.")
    ask("Deploy?", "No.")
    assert capsys.readouterr() == ("", "Deploy? [y/N] ")


@pytest.mark.parametrize("answer", ["", "n", "no", "yep", "y y"])
def test_anything_else_does_not(terminal: int, answer: str) -> None:
    os.write(terminal, f"{answer}\n".encode())
    with pytest.raises(Declined, match=r"^Nothing was done\.$"):
        ask("Deploy?", "Nothing was done.")


def test_an_answer_that_ends_before_it_began_is_a_no(terminal: int) -> None:
    os.write(terminal, b"\x04")  # Ctrl-D
    with pytest.raises(Declined):
        ask("Deploy?", "Nothing was done.")


def test_what_is_no_terminal_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(Declined, match="Nobody is there"):
        check_can_ask("Nobody is there.")
