"""Nothing that a stranger could have put into a table moves an operator's cursor, or passes for another line."""

import sys

import pytest

from chalicelib.blocks.gates import FOR_GOOD
from ops import admin
from ops.blocking.blocks import Block, Blocks
from ops.terminal.say import say
from testing.dynamodb.credvend_tables import BLOCKS, SESSIONS
from tests.unit.ops.admin_line import AdminLine, Terminal
from tests.unit.ops.stage_tables import STAGE, StageTables

# Clears the screen, sets the title, turns text around; and a line that looks like the command's own.
EVIL = "x\x1b[2J\x1b]0;title\x07\x9b31m\u202e\r\nDone.\nx\u2028\x7f"
CALLER = f"oidc:github:{EVIL}"


@pytest.fixture
def tables(line: AdminLine) -> StageTables:
    return line.tables


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> AdminLine:
    return AdminLine(capsys, monkeypatch)


def shown(printed: tuple[str, str]) -> str:
    text = "".join(printed)
    assert all(one.isprintable() for one in text.replace("\n", "")), ascii(text)
    assert "Done." not in text.splitlines(), text
    return text


def test_sessions(line: AdminLine, tables: StageTables) -> None:
    more = dict.fromkeys(("reason", "cause", "revoked_by", "revoke_reason", "session_name", "source_identity"), EVIL)
    tables.add_session("a", 60, caller=CALLER, role=f"r{EVIL}", revoke_requested=1, **more)
    assert "oidc:github:x\\x1b[2J" in shown(line.run("sessions"))
    assert "x\\x1b[2J" in shown(line.run("sessions", "show", "a"))
    assert [one["Caller"] for one in line.json("sessions")] == [CALLER]  # type: ignore[attr-defined]
    assert "\x1b" not in line.run("sessions", "--json")[0]


def test_sessions_that_are_no_entries(line: AdminLine, tables: StageTables) -> None:
    tables.add_session(f"a{EVIL}", 60)
    item = tables.database.items(SESSIONS.name)[0]
    tables.database.put(SESSIONS.name, {**item, "state": {"S": EVIL}})
    line.run("sessions")
    assert len(tables.said) == 1
    for told in tables.said:
        say(told)
    shown(("", line.capture.readouterr().err))
    shown(line.run("sessions", "show", f"a{EVIL}", status=1))
    shown(line.run("sessions", "show", EVIL, status=1))


def test_revoking(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 60, caller=CALLER, caller_tag=None, tagged=False)
    tables.revoker_works(problem=EVIL)
    line.answer("yes\n")
    line.patch.setattr("ops.revoking.watching._FAILED_SECONDS", 0)
    shown(line.run("revoke", "--caller", CALLER, "--yes", status=1))  # nobody can be called that
    shown(line.run("revoke", "--session", "a", "--yes", status=3))


def test_blocks(line: AdminLine, tables: StageTables) -> None:
    blocks = Blocks(BLOCKS.name, tables.operator())
    blocks.add(Block(f"caller:{CALLER}", FOR_GOOD, 0, EVIL, EVIL))
    shown(line.run("blocks"))
    shown(line.run("unblock", EVIL, "--role", status=1))
    shown(line.run("block", EVIL, "--caller", "--no-revoke", status=1))
    shown(line.run("unblock", CALLER))


def test_on_a_terminal(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 60, caller=CALLER)
    terminal = Terminal()
    line.patch.setenv("COLUMNS", "60")
    line.patch.setattr(sys, "stdout", terminal)
    assert admin.main(["sessions", "--stage", STAGE]) == 0
    printed = terminal.getvalue()
    shown((printed, ""))
    assert all(len(one) <= 60 for one in printed.splitlines())
