"""What the commands print in colour, on terminals; and that it says no more than the words."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from ops import admin
from testing.policies import HOME, configuration_directory
from tests.unit.ops.commands.command_line import POLICIES, TESTS, CommandLine, command_line

GREEN, RED, YELLOW = ("\x1b[32m", "\x1b[31m", "\x1b[33m")
ALICE: Final = f"arn:aws:iam::{HOME}:user/alice"


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return command_line(tmp_path, capsys)


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Whether standard output is a terminal, from now on."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    return lambda is_one: monkeypatch.setattr("sys.stdout.isatty", lambda: is_one)


@pytest.mark.parametrize(
    ("arguments", "status", "colours"),
    [
        (["explain", "reader", "--caller", ALICE], 0, [GREEN]),
        (["explain", "reader", "--caller", "oidc:okta:x"], 1, [RED]),
        (["test"], 1, [RED, YELLOW]),
        (["test", "alice"], 0, [GREEN]),
    ],
)
def test_terminals_have_colours_and_the_same_words(
    line: CommandLine, on_terminal: Callable[[bool], None], arguments: list[str], status: int, colours: list[str]
) -> None:
    line.write(TESTS.replace("expect: deny", "expect: allow"))
    on_terminal(False)
    plain, _ = line.run(*arguments, status=status)
    on_terminal(True)
    coloured, _ = line.run(*arguments, status=status)
    assert "\x1b" not in plain and re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert set(re.findall(r"\x1b\[3[0-9]m", coloured)) == set(colours)


def test_errors_and_warnings_of_a_configuration_differ(
    line: CommandLine, on_terminal: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (line.config / "policies/b.cedar").write_text('@id("b") permit (principal, action, resource == Role::"none");')
    on_terminal(True)
    assert f"{RED}\x1b[1merror\x1b[0m: " in line.run("validate", status=1)[0]
    assert "\x1b" not in line.run("validate", "--format", "github", status=1)[0]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in line.run("validate", status=1)[0]


def test_who_gains_access_is_green_and_who_loses_it_red(
    tmp_path: Path, on_terminal: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    old = configuration_directory(tmp_path / "old", POLICIES)
    new = configuration_directory(tmp_path / "new", POLICIES.replace("user/alice", "user/zoe"))
    on_terminal(True)
    assert admin.main(["diff", str(old), str(new)]) == 0
    printed = capsys.readouterr().out
    assert re.search(rf"{re.escape(GREEN)}  \+ .*user/zoe", printed)
    assert re.search(rf"{re.escape(RED)}  - .*user/alice", printed)
    assert admin.main(["diff", str(old), str(new), "--markdown"]) == 0
    assert "\x1b" not in capsys.readouterr().out
