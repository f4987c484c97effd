"""One's own sessions: a table of them, and the end of one before its time."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from fake_service import FakeService, Planned
from picking import typing
from running import credvend
from terminal import at_a_terminal

from credvend.commands import revoke as revoke_command
from credvend.errors import ServiceError
from credvend.vending.service import Service
from credvend.vending.sessions import Session, parse_session

Json = dict[str, Any]


def moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def session(name: str, state: str = "live", **more: Any) -> Json:
    return {
        "Id": f"7b1c9c8e-0000-4000-8000-00000000000{name}",
        "Role": "reports",
        "RoleArn": "arn:aws:iam::111122223333:role/reports",
        "State": state,
        "Requested": moment(-60),
        "Expires": moment(1805),
        "AccessKeyId": f"ASIA{name}",
        **more,
    }


ONE, TWO = session("1")["Id"], session("2")["Id"]


@pytest.fixture(autouse=True)
def three_sessions(service: FakeService) -> None:
    service.vended = [session("1"), session("2", "ended", Expires=moment(-9)), session("3", "failed")]


# The list


def test_sessions_are_a_table_with_how_long_each_lives(environ: dict[str, str]) -> None:
    done = credvend(environ, "sessions")
    head, *lines = done.stdout.splitlines()
    assert done.returncode == 0 and head.split() == ["ID", "ROLE", "STATE", "SINCE", "LEFT", "KEY"]
    assert [line.split()[0] for line in lines] == [ONE, TWO, session("3")["Id"]]
    assert "30m" in lines[0] and "m" not in lines[1].split("ended")[1] and done.stderr == ""


def test_a_reason_has_a_column_where_there_is_one(environ: dict[str, str], service: FakeService) -> None:
    service.vended[0]["Reason"] = "INC-7\x1b[31m"
    done = credvend(environ, "sessions")
    assert "REASON" in done.stdout and "INC-7?[31m" in done.stdout


@pytest.mark.parametrize(
    ("columns", "head"),
    [
        ("80", ["ID", "ROLE", "STATE", "SINCE", "LEFT"]),
        ("65", ["ID", "ROLE", "STATE", "LEFT"]),
        ("104", ["ID", "ROLE", "STATE", "SINCE", "LEFT", "REASON"]),
        ("200", ["ID", "ROLE", "STATE", "SINCE", "LEFT", "KEY", "REASON"]),
    ],
)
def test_a_terminal_shows_the_columns_that_it_has_room_for(
    environ: dict[str, str], service: FakeService, columns: str, head: list[str]
) -> None:
    service.vended = [session("1", AccessKeyId="ASIA0123456789ABCDEF", Reason="a word after another, " * 4)]
    _, seen = at_a_terminal({**environ, "COLUMNS": columns}, "", "sessions")
    # Where it takes long, it says so, and takes that back.
    lines = [line for line in seen.rpartition("\x1b[K")[2].splitlines() if line]
    shown = next(line for line in lines if line.startswith("ID "))
    assert shown.split() == head and all(len(line) <= int(columns) for line in lines[lines.index(shown) :])
    assert "KEY" in credvend(environ, "sessions").stdout


def test_what_is_left_out_is_said(environ: dict[str, str], service: FakeService) -> None:
    service.left_out = 7
    assert "7 left out" in credvend(environ, "sessions").stderr
    service.left_out = 1000
    done = credvend(environ, "sessions", "--json")
    assert "1000 or more left out" in done.stderr and json.loads(done.stdout) == service.vended


def test_what_is_asked_for_is_the_service_s_to_find(environ: dict[str, str], service: FakeService) -> None:
    credvend(environ, "sessions", "--live", "--since", "30d", "--limit", "7")
    assert service.asked[-1].path.endswith("/v1/sessions?live=true&since=30d&limit=7")
    credvend(environ, "sessions")
    assert service.asked[-1].path.endswith("/v1/sessions")
    assert credvend(environ, "sessions", "--limit", "0").returncode == 2


def test_a_number_alone_is_seconds(environ: dict[str, str], service: FakeService) -> None:
    service.vended = []
    assert "the last 90 seconds;" in credvend(environ, "sessions", "--since", "90").stderr
    assert "the last 30d;" in credvend(environ, "sessions", "--since", "30d").stderr


def test_where_there_is_none_that_is_said(environ: dict[str, str], service: FakeService) -> None:
    service.vended = []
    done = credvend(environ, "sessions", "--live")
    assert done.returncode == 0 and done.stdout == "" and "no session that lives" in done.stderr
    assert json.loads(credvend(environ, "sessions", "--json").stdout) == []


def test_an_older_service_is_told_of(environ: dict[str, str], service: FakeService) -> None:
    message = "No such route; or, under /v1/iam/, the request is not signed with AWS credentials."
    refusal = Planned(403, {"Code": "Unauthenticated", "Message": message, "RequestId": "r"})
    for words in (["sessions"], ["revoke", ONE], ["revoke", "--all-live"]):
        service.planned = [refusal] * 3
        done = credvend(environ, *words)
        assert done.returncode == 5 and "older than this client" in done.stderr and done.stdout == ""
        service.planned = []


def test_a_service_without_a_ledger_says_so(environ: dict[str, str], service: FakeService) -> None:
    service.planned = [Planned(404, {"Code": "NoLedger", "Message": "This service keeps no ledger.", "RequestId": "r"})]
    done = credvend(environ, "sessions")
    assert done.returncode == 2 and "keeps no ledger" in done.stderr and "url" not in done.stderr


@pytest.mark.parametrize("body", [{"Sessions": {}}, {"Sessions": [{}], "LeftOut": 0}, {"Sessions": [1], "LeftOut": 0}])
def test_an_answer_that_is_no_list_is_a_fault_of_the_service(
    environ: dict[str, str], service: FakeService, body: Json
) -> None:
    service.planned = [Planned(body=body)]
    done = credvend(environ, "sessions")
    assert done.returncode == 5 and "Traceback" not in done.stderr


# The end of one


def asked_to_end(service: FakeService) -> list[str]:
    return [asked.path.split("/")[-2] for asked in service.asked if asked.path.endswith("/revoke")]


def test_a_session_is_ended_by_its_id(environ: dict[str, str], service: FakeService) -> None:
    done = credvend(environ, "revoke", ONE, "--reason", "laptop lost")
    assert done.returncode == 0 and asked_to_end(service) == [ONE] and done.stdout == ""
    (asked,) = [each for each in service.asked if each.path.endswith("/revoke")]
    assert asked.json == {"reason": "laptop lost"} and asked.method == "POST"
    first, last = done.stderr.splitlines()
    assert "reports is being revoked" in first and "seen to be denied 4s later" in last


def test_without_a_reason_nothing_is_sent(environ: dict[str, str], service: FakeService) -> None:
    assert credvend(environ, "revoke", ONE).returncode == 0
    assert [asked.body for asked in service.asked if asked.path.endswith("/revoke")] == [b""]


@pytest.mark.parametrize("name", ["a/b", "../roles", "a%2Fb", "", "x" * 65, "a?b", "a b"])
def test_what_is_no_id_is_not_asked_for(environ: dict[str, str], service: FakeService, name: str) -> None:
    done = credvend(environ, "revoke", name)
    assert done.returncode == 2 and service.asked == []


def test_another_s_session_is_none(environ: dict[str, str]) -> None:
    done = credvend(environ, "revoke", "7b1c9c8e-0000-4000-8000-999999999999")
    assert done.returncode == 2 and "`credvend sessions` lists those" in done.stderr


def test_all_that_live_are_ended_and_those_that_are_being_ended_are_left(
    environ: dict[str, str], service: FakeService
) -> None:
    service.vended = [session("1"), session("2"), session("3", "revoking")]
    assert credvend(environ, "revoke", "--all-live").returncode == 0
    assert asked_to_end(service) == [ONE, TWO]
    assert "live=true" in service.asked[0].path
    service.vended = []
    assert credvend(environ, "revoke", "--all-live").returncode == 0


def test_one_that_cannot_be_ended_keeps_the_others_from_nothing(environ: dict[str, str], service: FakeService) -> None:
    service.vended = [session("1"), session("2")]
    listed = Planned(body={"Sessions": service.vended, "LeftOut": 0})
    refusal = Planned(409, {"Code": "OnlyWithOthers", "Message": "It has no tags.", "RequestId": "r"})
    service.planned = [listed, refusal]
    done = credvend(environ, "revoke", "--all-live")
    assert done.returncode == 2 and asked_to_end(service) == [ONE, TWO]
    assert "It has no tags" in done.stderr and "1 of 2 sessions" in done.stderr


def test_a_person_picks_one_of_those_that_live(environ: dict[str, str], service: FakeService) -> None:
    service.vended = [session("1"), session("2", Role="admin")]
    code, out, _ = typing(environ, [("Session", "02\r")], "revoke")
    assert code == 0 and out == "" and asked_to_end(service) == [TWO]


def test_where_nobody_sits_a_session_must_be_named(environ: dict[str, str], service: FakeService) -> None:
    done = credvend(environ, "revoke")
    assert done.returncode == 2 and "--all-live" in done.stderr and service.asked == []
    assert credvend(environ, "revoke", ONE, "--all-live").returncode == 2


def test_the_session_of_this_shell_is_found_by_its_key(environ: dict[str, str], service: FakeService) -> None:
    shell = {**environ, "AWS_ACCESS_KEY_ID": "ASIA1", "CREDVEND_SESSION": "reports ASIA1"}
    done = credvend(shell, "revoke", "--this")
    assert done.returncode == 0 and asked_to_end(service) == [ONE] and "credvend unset" in done.stderr
    for other in (
        {**environ, "AWS_ACCESS_KEY_ID": "ASIA1"},
        {**environ, "AWS_ACCESS_KEY_ID": "AKIAOWN", "CREDVEND_SESSION": "reports ASIA1"},
        {**shell, "AWS_ACCESS_KEY_ID": "ASIA9", "CREDVEND_SESSION": "reports ASIA9"},
    ):
        assert credvend(other, "revoke", "--this").returncode == 2
    assert asked_to_end(service) == [ONE]


def test_what_was_revoked_is_not_handed_out_again(environ: dict[str, str], service: FakeService) -> None:
    service.vended = [session("1")]
    given = [json.loads(credvend(environ, "get", role).stdout) for role in ("reports", "other")]
    assert {each["RequestId"] for each in given} == {"request-1"}
    service.vended[0]["Id"] = "request-1"
    assert credvend(environ, "revoke", "request-1").returncode == 0
    assert list(Path(environ["HOME"]).rglob("*.entry")) == []
    again = json.loads(credvend(environ, "get", "reports").stdout)
    assert again["Credentials"]["AccessKeyId"] != given[0]["Credentials"]["AccessKeyId"]


def test_whoever_was_given_the_same_session_is_not_handed_it_again(
    environ: dict[str, str], service: FakeService
) -> None:
    key = json.loads(credvend(environ, "get", "reports").stdout)["Credentials"]["AccessKeyId"]
    service.vended = [session("1", AccessKeyId=key)]
    assert credvend(environ, "revoke", ONE).returncode == 0
    assert list(Path(environ["HOME"]).rglob("*.entry")) == []


def test_what_others_were_given_stays_in_the_cache(environ: dict[str, str]) -> None:
    credvend(environ, "get", "reports")
    assert credvend(environ, "revoke", ONE).returncode == 0
    assert len(list(Path(environ["HOME"]).rglob("*.entry"))) == 1


def test_tab_completes_what_was_vended_here_and_asks_nobody(environ: dict[str, str], service: FakeService) -> None:
    credvend(environ, "get", "reports")
    service.asked.clear()
    asking = {**environ, "_CREDVEND_COMPLETE": "bash_complete", "COMP_WORDS": "credvend revoke re", "COMP_CWORD": "2"}
    assert "request-1" in credvend(asking).stdout and service.asked == []


# How long it waits


class Told(Service):
    """A service that tells one thing after the other, and the last one for ever."""

    def __init__(self, *states: Json) -> None:
        self.states = list(states)

    def session(self, session: str) -> Session:
        return parse_session(self.states.pop(0) if len(self.states) > 1 else self.states[0])


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that passes while somebody waits."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))


ASKED = {"Requested": "2026-01-01T00:00:00Z"}
WRITTEN = {**ASKED, "Written": "2026-01-01T00:00:02Z"}
SEEN = {**WRITTEN, "InForce": "2026-01-01T00:00:06Z"}


def revoking(far: Json) -> Json:
    return session("1", "revoking", Revocation=far)


@pytest.mark.usefixtures("passing")
def test_it_waits_until_aws_denies_it() -> None:
    service = Told(revoking(ASKED), revoking(WRITTEN), revoking(SEEN))
    ended = revoke_command._waited_for(service, parse_session(revoking(ASKED)), 45.0)
    assert ended.revocation is not None and ended.revocation.in_force is not None
    assert "seen to be denied 6s later" in revoke_command._how_far(ended)


@pytest.mark.usefixtures("passing")
def test_where_nobody_can_look_it_is_enough_that_aws_was_told() -> None:
    ended = revoke_command._waited_for(Told(revoking(WRITTEN)), parse_session(revoking(WRITTEN)), 45.0)
    assert "some minutes at worst" in revoke_command._how_far(ended)


@pytest.mark.usefixtures("passing")
@pytest.mark.parametrize(
    ("last", "words"),
    [(ASKED, "not told yet"), ({**ASKED, "Problem": "The operator role is missing."}, "operator role is missing")],
)
def test_who_waits_in_vain_is_told_why(last: Json, words: str) -> None:
    with pytest.raises(ServiceError, match=words):
        revoke_command._waited_for(Told(revoking(ASKED), revoking(last)), parse_session(revoking(ASKED)), 45.0)


def test_nobody_has_to_wait(environ: dict[str, str], service: FakeService) -> None:
    service.planned = [Planned(body={"Session": revoking(ASKED)})]
    done = credvend(environ, "revoke", ONE, "--no-wait")
    assert done.returncode == 0 and "asked for" in done.stderr and len(service.asked) == 1
