"""Blocking, as operators give the commands: what is blocked then, for whom, and what they are told."""

import sys
from pathlib import Path
from typing import Any, cast

import pytest

from chalicelib.blocks.gates import gate_id
from chalicelib.blocks.keys import attribute, caller_key, issuer_key, keys_of_vend, principal_key, role_key
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.service_token import ServiceToken
from ops import admin
from ops.blocking.named import named
from ops.errors import OperationFailed
from testing.dynamodb.credvend_tables import BLOCKS
from testing.dynamodb.faults import cancel
from tests.unit.chalicelib.ledger.ledger_world import ACCOUNT, ALICE
from tests.unit.ops.admin_line import AdminLine, Terminal
from tests.unit.ops.stage_tables import OPERATOR, StageTables

OLGA = f"arn:aws:sts::{ACCOUNT}:assumed-role/Dev/olga"


def blocked(tables: StageTables) -> set[str]:
    """The attributes of a gate."""
    return {*(tables.database.item(BLOCKS.name, gate_id(17)) or {})} - {"id"}


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ((ALICE,), caller_key(ALICE)),
        ((OLGA,), caller_key(OLGA)),
        (("oidc:github:repo:acme/app",), caller_key("oidc:github:repo:acme/app")),
        (("token:nightly",), caller_key("token:nightly")),
        ((f"arn:aws:iam::{ACCOUNT}:role/some/path/Dev",), principal_key(f"arn:aws:iam::{ACCOUNT}:role/Dev")),
        (("reader", "--role"), role_key("reader")),
        (("github", "--issuer"), issuer_key("github")),
    ],
)
def test_each_is_blocked_and_vended_again_by_its_own_name(
    line: AdminLine, tables: StageTables, arguments: tuple[str, ...], key: str
) -> None:
    _, err = line.run("block", *arguments, "--reason", "leaked")
    assert blocked(tables) == {attribute(key)} and "Blocked" in err and "Warning" not in err
    (one,) = cast("list[dict[str, Any]]", line.json("blocks"))
    assert (one["By"], one["Reason"], one["Until"]) == (OPERATOR, "leaked", None)
    assert key.endswith(one["Name"])
    line.run("unblock", one["Name"])
    assert blocked(tables) == set()


def test_the_keys_are_those_that_vends_are_asked_about() -> None:
    callers = (
        IamUser("aws", ACCOUNT, "/", "alice", "AIDA1"),
        IamRoleSession("aws", ACCOUNT, "Dev", "olga", "AROA:olga"),
        ServiceToken("nightly", "me", (), "id"),
    )
    for caller in callers:
        asked = keys_of_vend(caller, "reader")
        assert named(caller.identifier, None).key in asked and named(caller.identifier, None).doubt is None
        assert named("reader", "role").key in asked
    assert named(f"arn:aws:iam::{ACCOUNT}:role/path/Dev", None).key in keys_of_vend(callers[1], "reader")


def test_a_name_alone_may_be_several_things(line: AdminLine, tables: StageTables) -> None:
    _, err = line.run("block", "github", status=1)
    assert "--role or --issuer" in err and blocked(tables) == set()
    line.run("block", "github", "--role")
    line.run("block", "github", "--issuer")
    assert "--role or --issuer" in line.run("unblock", "github", status=1)[1]
    line.run("unblock", "github", "--issuer")
    assert blocked(tables) == {attribute(role_key("github"))}


@pytest.mark.parametrize(
    "arguments",
    [
        (f"arn:aws:iam::{ACCOUNT}:root",),
        ("arn:aws:iam::12:user/alice",),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Dev",),
        ("oidc:github",),
        ("token:a b",),
        ("alice", "--caller"),
        (f"arn:aws:iam::{ACCOUNT}:role/Dev", "--role"),
        ("a name", "--issuer"),
    ],
)
def test_what_can_be_nobody_is_refused_as_its_block_would_keep_nobody_out(
    line: AdminLine, tables: StageTables, arguments: tuple[str, ...]
) -> None:
    _, err = line.run("block", *arguments, status=1)
    assert err.startswith(arguments[0]) and err.endswith(". Nothing was blocked.\n") and ".." not in err
    assert blocked(tables) == set()


def test_what_cannot_be_read_is_no_name(line: AdminLine) -> None:
    assert "is no name" in line.run("block", "a\u200bb", "--caller", status=1)[1]
    assert "is no name" in line.run("block", "", status=1)[1]


def test_a_block_may_end_by_itself(line: AdminLine, tables: StageTables) -> None:
    line.run("block", "reader", "--role", "--until", "2h")
    line.run("block", "writer", "--role", "--until", "2027-01-15T09:00:00+01:00", status=1)
    line.run("block", "writer", "--role", "--until", "2027-01-15T10:00:00+01:00")
    ends = {one["Name"]: one["Until"] for one in cast("list[dict[str, str]]", line.json("blocks"))}
    assert ends == {"reader": "2027-01-15T10:00:00Z", "writer": "2027-01-15T09:00:00Z"}
    tables.clock.now += 3700
    shown = cast("list[dict[str, Any]]", line.json("blocks"))
    assert [(one["Name"], one["Over"]) for one in shown] == [("reader", False), ("writer", True)]
    line.run("unblock", "reader")
    assert line.json("blocks") == []


def test_all_vending_is_stopped_and_started(line: AdminLine, tables: StageTables) -> None:
    line.run("block", "reader", "--role")
    _, err = line.run("stop", "--reason", "on fire")
    assert "nothing is vended to anybody, until credvend-admin start." in err and "revoke --all" in err
    assert blocked(tables) == {attribute("all"), attribute(role_key("reader"))}
    out, _ = line.run("blocks")
    assert "all vending" in out and "on fire" in out and "for good" in out and OPERATOR[-8:] in out
    _, err = line.run("start")
    assert "credvend-admin blocks" in err and blocked(tables) == {attribute(role_key("reader"))}
    assert "not stopped" in line.run("start", status=1)[1]


def test_a_name_is_shown_whole_on_any_terminal_as_unblock_takes_it(
    line: AdminLine, tables: StageTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.run("block", OLGA, "--reason", "a laptop that was stolen on a train " * 3)
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert admin.main(["blocks", "--stage", "test"]) == 0
    assert f" {OLGA} " in terminal.getvalue() and "…" in terminal.getvalue()


def test_what_is_not_blocked_is_said_to_be_so(line: AdminLine) -> None:
    assert "is not blocked" in line.run("unblock", ALICE, status=1)[1]
    assert "Nothing is blocked." in line.run("blocks")[1]


def test_copies_that_differ_are_told_and_repaired(line: AdminLine, tables: StageTables) -> None:
    line.run("block", "reader", "--role")
    tables.database.put(BLOCKS.name, {"id": {"S": gate_id(17)}})
    out, err = line.run("blocks", "--json", status=3)
    assert "1 of 96 copies" in err and "--repair" in err and "reader" in out
    _, err = line.run("blocks", "--repair")
    assert "1 of 96 copies repaired" in err and blocked(tables) == {attribute(role_key("reader"))}
    assert line.run("blocks")[1] == ""


def test_a_change_that_broke_off_is_told_and_ends_with_3(line: AdminLine, tables: StageTables) -> None:
    tables.database.faults.always("TransactWriteItems", cancel("None", "TransactionConflict"))
    tables.database.faults.next("UpdateItem", *[None] * 90)
    tables.database.faults.always("UpdateItem", "TransactionConflictException")
    _, err = line.run("block", "reader", "--role", status=3)
    assert "of 96 copies" in err and "Give the same command again" in err


def test_whoever_is_not_named_by_sts_is_still_able_to_stop_everything(
    line: AdminLine, tables: StageTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise OperationFailed("STS does not tell whose AWS credentials these are")

    operator = tables.operator()
    monkeypatch.setattr(
        "ops.commands.blocks.find_operator",
        lambda _say: type(operator)(operator.client, operator.clock, nobody, tables.said.append),
    )
    line.run("stop")
    assert blocked(tables) == {attribute("all")} and "STS does not tell" in tables.said[0]
    (one,) = cast("list[dict[str, str]]", line.json("blocks"))
    assert one["By"] == "unknown"


@pytest.mark.parametrize(
    ("arguments", "answer", "revoked"),
    [
        (("--revoke",), None, True),
        (("--no-revoke",), None, False),
        ((), None, False),
        ((), "y\n", True),
        ((), "n\n", False),
    ],
)
def test_blocking_a_caller_offers_to_end_its_sessions(
    line: AdminLine, tables: StageTables, arguments: tuple[str, ...], answer: str | None, revoked: bool
) -> None:
    tables.add_session("a", 60)
    tables.revoker_works()
    if answer is not None:
        line.answer(answer)
    _, err = line.run("block", ALICE, *arguments, "--reason", "leaked")
    assert blocked(tables) == {attribute(caller_key(ALICE))}
    assert bool(tables.asked_for()) == revoked
    entry = tables.entry("a")
    assert (entry.revoke_reason == "leaked") == revoked
    if not arguments and answer is None:
        assert f"and go on: 1. credvend-admin revoke --caller {ALICE} ends them." in err


def test_a_caller_without_live_sessions_has_nothing_to_be_offered(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 4000)
    line.answer("")
    assert f"No session of caller {ALICE} is live" in line.run("block", ALICE)[1]


def test_blocking_a_role_ends_its_sessions_where_that_is_asked_for(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 60)
    tables.revoker_works()
    _, err = line.run("block", "reader", "--role")
    assert "and go on: 1. credvend-admin revoke --role reader ends them." in err and tables.asked_for() == {}
    _, err = line.run("block", "reader", "--role", "--revoke", "--reason", "too wide")
    assert "Done." in err and tables.entry("a").revoke_reason == "too wide"
    assert blocked(tables) == {attribute(role_key("reader"))}


def test_a_role_that_roles_yaml_does_not_hold_is_blocked_and_doubted(
    line: AdminLine, tables: StageTables, tmp_path: Path
) -> None:
    (tmp_path / "roles.yaml").write_text(f"roles: [{{name: reader, arn: 'arn:aws:iam::{ACCOUNT}:role/reader'}}]")
    _, err = line.run("block", "redaer", "--role", "--config", str(tmp_path))
    assert "holds no role redaer: is that its name?" in err and blocked(tables) == {attribute(role_key("redaer"))}
    assert "is that its name" not in line.run("block", "reader", "--role", "--config", str(tmp_path))[1]


def test_the_whole_is_not_undone_by_a_ledger_that_cannot_be_read(line: AdminLine, tables: StageTables) -> None:
    tables.database.faults.always("Query", "AccessDeniedException")
    _, err = line.run("block", ALICE, status=3)
    assert err.startswith("Blocked caller") and "dynamodb:Query" in err and "It is blocked." in err
    assert blocked(tables) == {attribute(caller_key(ALICE))}


def test_the_commands_explain_themselves(line: AdminLine) -> None:
    for command in ("block", "unblock", "blocks", "stop", "start", "revoke", "sessions"):
        assert admin.main([command, "--help"]) == 0
        assert line.capture.readouterr().out.startswith(f"Usage: credvend-admin {command} ")


@pytest.mark.parametrize("command", [("block", "reader", "--role"), ("block", ALICE, "--no-revoke"), ("stop",)])
def test_a_service_that_asks_for_no_blocks_is_not_said_to_heed_them(
    line: AdminLine, tables: StageTables, tmp_path: Path, command: tuple[str, ...]
) -> None:
    more = ("--config", str(tmp_path))
    for text, status in (("ledger: false", 3), ("ledger: true", 0), ("keep: 1d", 0), (": no YAML", 0), ("", 0)):
        (tmp_path / "sessions.yaml").write_text(text)
        _, err = line.run(*command, *more, status=status)
        assert blocked(tables) and ("asks for no blocks" in err) is (status == 3)


def test_who_may_come_under_another_name_is_said(line: AdminLine, tables: StageTables) -> None:
    _, err = line.run("block", OLGA, "--no-revoke")
    assert f"arn:aws:iam::{ACCOUNT}:role/Dev may be another caller" in err
    assert "another caller" not in line.run("block", ALICE, "--no-revoke")[1]


@pytest.mark.parametrize(
    ("arguments", "known", "of"),
    [
        ((f"arn:aws:iam::{ACCOUNT}:user/Alice",), ALICE, {"caller": ALICE}),
        ((OLGA.replace("Dev", "dev"),), OLGA, {"caller": OLGA}),
        ((f"arn:aws:iam::{ACCOUNT}:role/path/dev",), f"arn:aws:iam::{ACCOUNT}:role/Dev", {"caller": OLGA}),
        (("Reader", "--role"), "reader", {}),
        (("GitHub", "--issuer"), "github", {"caller": "oidc:github:repo:acme/app"}),
    ],
)
def test_a_name_that_the_ledger_knows_in_other_case_is_refused_with_the_one_it_knows(
    line: AdminLine, tables: StageTables, arguments: tuple[str, ...], known: str, of: dict[str, str]
) -> None:
    tables.add_session("one", ago=3600, **of)
    _, err = line.run("block", *arguments, status=1)
    assert known in err and "did you mean" in err and blocked(tables) == set()
    line.run("block", *arguments, "--exact", "--no-revoke")
    assert len(blocked(tables)) == 1


def test_a_name_that_the_configuration_knows_in_other_case_is_refused(
    line: AdminLine, tables: StageTables, tmp_path: Path
) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/writer"
    (tmp_path / "roles.yaml").write_text(f"roles: [{{name: Writer, arn: '{arn}'}}]\n")
    _, err = line.run("block", "writer", "--role", "--config", str(tmp_path), status=1)
    assert "Writer is: did you mean" in err and blocked(tables) == set()
    line.run("block", "Writer", "--role", "--config", str(tmp_path))
    assert blocked(tables) == {attribute(role_key("Writer"))}


def test_a_ledger_that_cannot_be_asked_keeps_nobody_from_blocking(
    line: AdminLine, tables: StageTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationFailed("no table")

    monkeypatch.setattr("ops.commands.blocks.sessions_of", fail)
    _, err = line.run("block", ALICE, "--no-revoke")
    assert "no table" in err and blocked(tables) == {attribute(caller_key(ALICE))}
