"""The commands that show sessions, as operators give them."""

import json
import os
import re
import sys
import uuid
from typing import Any, cast

import pytest

from ops import admin
from testing.dynamodb.credvend_tables import REVOCATIONS, SESSIONS
from tests.unit.chalicelib.ledger.ledger_world import ACCOUNT, ALICE
from tests.unit.ops.admin_line import AdminLine, Terminal
from tests.unit.ops.stage_tables import StageTables

DEV = f"arn:aws:iam::{ACCOUNT}:role/Dev"
OLGA = f"arn:aws:sts::{ACCOUNT}:assumed-role/Dev/olga"
OTTO = f"arn:aws:sts::{ACCOUNT}:assumed-role/Dev/otto"


def ids(shown: object) -> list[str]:
    return [one["Id"] for one in cast("list[dict[str, str]]", shown)]


def test_the_table_shows_the_latest_first_and_their_states(line: AdminLine, tables: StageTables) -> None:
    now = tables.clock.now
    tables.add_session("live", 60)
    tables.add_session("ended", 7200)
    tables.add_session("failed", 180, state="failed", access_key_id=None, cause="throttled")
    tables.add_session("lost", 240, state="requested", access_key_id=None)
    tables.add_session("revoked", 300, revoke_requested=int(now * 1000), revoke_written=int(now * 1000))
    tables.add_session("asked", 360, revoke_requested=int(now * 1000))
    out, err = line.run("sessions")
    head, *rows = [re.split(r"\s{2,}", printed) for printed in out.splitlines()]
    assert head == ["ASKED", "STATE", "ROLE", "CALLER", "ID"] and err == ""
    assert [(row[-1], row[1]) for row in rows] == [
        ("live", "live 59m"), ("failed", "failed"), ("lost", "requested"), ("revoked", "revoked"),
        ("asked", "revoking 54m"), ("ended", "ended"),
    ]  # fmt: skip
    assert rows[0][0] == "1m ago" and rows[0][3] == ALICE  # as --caller takes it
    assert sorted(ids(line.json("sessions", "--live"))) == ["asked", "live", "lost"]


@pytest.mark.parametrize("width", [80, 160])
def test_the_table_fits_the_terminal_and_never_cuts_an_id(
    line: AdminLine, tables: StageTables, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    long = uuid.uuid4()
    tables.add_session(str(long), 60, role="r" * 60, caller=f"oidc:github:repo:acme/{'x' * 90}:ref:refs/heads/main")
    monkeypatch.setenv("COLUMNS", str(width))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert admin.main(["sessions", "--stage", "test"]) == 0
    printed = terminal.getvalue().splitlines()
    assert all(len(one) <= width for one in printed)
    assert printed[1].endswith(str(long)) and "…" in printed[1] and "refs/heads/main"[-5:] in printed[1]
    assert os.environ["COLUMNS"] == str(width)


def test_what_is_piped_is_not_cut(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("one", 60, role="r" * 60)
    assert "r" * 60 in line.run("sessions")[0]


def test_filters_combine(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 50, caller=OLGA)
    tables.add_session("b", 40, caller=OTTO, role="writer")
    tables.add_session("c", 30, caller=ALICE, role="writer", account="999988887777")
    tables.add_session("d", 100_000, caller=OLGA)
    for arguments, expected in (
        ((), ["c", "b", "a"]),
        (("--since", "3d"), ["c", "b", "a", "d"]),
        (("--since", "2027-01-15T07:59:15Z"), ["c", "b"]),
        (("--caller", OLGA, "--since", "30d"), ["a", "d"]),
        (("--caller", DEV), ["b", "a"]),
        (("--caller", f"arn:aws:iam::{ACCOUNT}:role/a/path/Dev", "--role", "writer"), ["b"]),
        (("--role", "writer"), ["c", "b"]),
        (("--role", "writer", "--account", ACCOUNT), ["b"]),
        (("--key", "ASIAD"), ["d"]),
        (("--key", "ASIAD", "--key", "ASIAB", "--live"), ["b"]),
        (("--key", "ASIAD", "--since", "1h"), []),
        (("--live", "--since", "35s"), ["c"]),
    ):
        assert ids(line.json("sessions", *arguments)) == expected, arguments


def test_what_is_left_out_is_counted_and_can_be_seen(line: AdminLine, tables: StageTables) -> None:
    for number in range(55):
        tables.add_session(f"s{number:02}", number)
    out, err = line.run("sessions")
    assert out.count("\n") == 51 and "5 more: --limit 55 shows them" in err
    out, err = line.run("sessions", "--limit", "55")
    assert out.count("\n") == 56 and err == ""
    assert len(ids(line.json("sessions"))) == 55
    assert len(ids(line.json("sessions", "--limit", "3"))) == 3


def test_a_count_without_end_is_not_counted_to_its_end(
    line: AdminLine, tables: StageTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.ledger.sessions.MOST_COUNTED", 10)
    for number in range(30):
        tables.add_session(f"s{number:02}", number)
    assert "More than 10 others are left out: --role" in line.run("sessions", "--limit", "5")[1]
    assert "10 more: --limit 30" in line.run("sessions", "--limit", "20")[1]


def test_nothing_is_scanned_and_nothing_written(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 50)
    line.run("sessions", "--live", "--role", "reader")
    line.run("sessions", "show", "a")
    assert {*tables.database.operations()} == {"GetItem", "Query", "BatchGetItem"}


def test_all_that_is_known_of_a_session_is_shown(line: AdminLine, tables: StageTables) -> None:
    entry = tables.add_session("a", 50, reason="a fire", revoke_requested=1_799_999_990_000, revoked_by="me")
    tables.database.put(
        REVOCATIONS.name,
        {
            "role_arn": {"S": entry.role_arn},
            "id": {"S": "session#a"},
            "form": {"S": "session"},
            "request_id": {"S": "a"},
            "requested": {"N": "1799999990000"},
            "written": {"N": "1799999991500"},
            "in_force": {"N": "1799999994000"},
            "until": {"N": str(entry.expires)},
        },
    )
    shown = cast("dict[str, Any]", line.json("sessions", "show", "a"))
    assert shown == {
        "Id": "a",
        "State": "revoked",
        "Requested": "2027-01-15T07:59:10.000Z",
        "Issued": "2027-01-15T07:59:10Z",
        "Expires": "2027-01-15T08:59:10Z",
        "Duration": 3600,
        "Caller": ALICE,
        "CallerType": "IamUser",
        "Role": "reader",
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/reader",
        "Account": ACCOUNT,
        "SessionName": f"user=alice@{ACCOUNT}",
        "SourceIdentity": "alice",
        "Tagged": True,
        "SharedWith": None,
        "AccessKeyId": "ASIAA",
        "Reason": "a fire",
        "Cause": None,
        "Revocation": {
            "Progress": "in force",
            "Form": "session",
            "Requested": "2027-01-15T07:59:50.000Z",
            "Written": "2027-01-15T07:59:51.500Z",
            "InForce": "2027-01-15T07:59:54.000Z",
            "By": "me",
            "Reason": None,
            "Folded": False,
            "Widened": False,
            "Problem": None,
        },
    }
    assert line.json("sessions", "show", "ASIAA") == shown
    out = line.run("sessions", "show", "a")[0]
    assert "AccessKeyId" in out and "\nRevocation      in force\n" in out
    assert "\n  By            me\n" in out and "Problem" not in out
    assert ids(line.json("sessions", "--live")) == []


def test_what_is_not_there_is_said_with_where_to_look(line: AdminLine, tables: StageTables) -> None:
    out, err = line.run("sessions")
    assert out == "" and "no such sessions since 2027-01-14T08:00:00Z; --since looks further back" in err
    assert "since 2027-01-12T08:00:00Z" in line.run("sessions", "--since", "3d")[1]
    assert line.run("sessions", "--live")[1] == "There are no such sessions that live.\n"
    assert line.run("sessions", "--key", "ASIANOBODY")[1] == "There are no such sessions.\n"
    assert admin.main(["sessions", "--stage", "a b"]) == 1
    assert "'a b' is no stage" in line.capture.readouterr().err
    assert "There is no session nobody" in line.run("sessions", "show", "nobody", status=1)[1]
    assert "CloudTrail tells who" in line.run("sessions", "show", "ASIANOBODY", status=1)[1]
    assert line.json("sessions") == []
    assert tables.database.items(SESSIONS.name) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ResourceNotFoundException", ("no table credvend-test-sessions", "deploy")),
        ("AccessDeniedException", ("dynamodb:GetItem", "AWS_PROFILE")),
        ("UnrecognizedClientException", ("does not take your credentials", "sign in again", "AWS_PROFILE")),
    ],
)
def test_a_table_that_cannot_be_asked_is_said_with_what_to_do(
    line: AdminLine, tables: StageTables, code: str, words: tuple[str, ...]
) -> None:
    tables.database.faults.always("GetItem", code)
    out, err = line.run("sessions", "--json", status=1)
    assert out == "" and all(word in err for word in words)


def test_an_operator_whose_clock_is_wrong_sees_what_is_live_by_awss(
    line: AdminLine, tables: StageTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables.add_session("live", 60)
    for ahead in (-7200, 7200):
        monkeypatch.setattr(
            "ops.commands.sessions.find_operator", lambda _say, ahead=ahead: tables.operator(ahead=ahead)
        )
        assert ids(json.loads(line.run("sessions", "--live", "--json")[0])) == ["live"]
    assert any("clock is 7200 s" in said for said in tables.said)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--account", "12"), "12 digits"),
        (("--role", "arn:aws:iam::111122223333:role/x"), "not its ARN"),
    ],
)
def test_a_filter_that_finds_nothing_ever_is_refused(line: AdminLine, arguments: tuple[str, str], words: str) -> None:
    assert words in line.run("sessions", *arguments, status=2)[1]


@pytest.mark.parametrize("since", ["2", "yesterday", "2027-01-15T07:59:15"])
def test_a_time_has_a_unit_or_a_zone(line: AdminLine, since: str) -> None:
    assert "is no time" in line.run("sessions", "--since", since, status=2)[1]


def test_the_stage_may_stand_before_the_command_as_well(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 50)
    assert admin.main(["sessions", "--stage", "test", "show", "a"]) == 0
    assert admin.main(["sessions", "show", "a"]) == 1
    assert "credvend-dev-sessions" in line.capture.readouterr().err


def test_a_session_that_several_share_ends_for_all_of_them(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("made", 60)
    tables.add_session("shares", 59, shared_with="made")
    moment = {"N": str(int(tables.clock.now * 1000))}
    item = {
        "role_arn": {"S": f"arn:aws:iam::{ACCOUNT}:role/reader"}, "id": {"S": "session#made"}, "form": {"S": "session"},
        "request_id": {"S": "made"}, "requested": moment, "until": {"N": str(int(tables.clock.now) + 3600)},
        "written": moment,
    }  # fmt: skip
    tables.database.put(REVOCATIONS.name, item)
    assert [one["State"] for one in cast("list[dict[str, str]]", line.json("sessions"))] == ["revoked"] * 2
    assert line.json("sessions", "--live") == []
    shown = cast("dict[str, Any]", line.json("sessions", "show", "shares"))
    assert (shown["State"], shown["Revocation"]["Progress"], shown["SharedWith"]) == ("revoked", "written", "made")
