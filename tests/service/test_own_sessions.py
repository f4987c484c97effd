"""Callers see their own sessions, and end them before their time."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.blocks.gates import gate_id
from chalicelib.blocks.keys import ALL, attribute, caller_key
from chalicelib.callers.sigv4 import identify_caller
from chalicelib.configuration.settings import Settings
from chalicelib.errors import LedgerUnread
from chalicelib.ledger.index_keys import index_keys
from chalicelib.wire.own_sessions import PROBLEM
from testing.app import CredvendApp, Json, write_config
from testing.dynamodb.credvend_tables import BLOCKS, QUOTAS, REVOCATIONS, SESSIONS
from testing.dynamodb.faults import Before, LoseAnswer, LoseRequest
from testing.events import iam_user
from testing.ledger_app import TABLES, LedgerApp
from testing.sts_server import Refusal

READER = "arn:aws:iam::111122223333:role/reader"
ALICE = "arn:aws:iam::111122223333:user/alice"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
PAST = {"N": "1000000000"}


def ids(answer: Json) -> list[str]:
    return [str(session["Id"]) for session in cast(list[Json], answer["Sessions"])]


def one(answer: Json) -> Json:
    return cast(Json, answer["Session"])


# Lists


def test_a_caller_sees_its_sessions_the_latest_first(ledger_app: LedgerApp) -> None:
    made = [ledger_app.vended(), ledger_app.vended("brief")]
    for number, session in enumerate(made):  # which were made within one millisecond, maybe
        item = ledger_app.database.item(SESSIONS.name, session) or {}
        moment = str(item["at"]["S"])[:-4] + f"00{number}Z"
        requested = int(str(item["requested_at"]["N"])) // 1000 * 1000 + number
        ledger_app.change(session, at={"S": moment}, requested_at={"N": str(requested)})
    answer = ledger_app.sessions()
    assert answer.status == 200 and answer.headers["Cache-Control"] == "no-store"
    assert ids(answer.body) == made[::-1] and answer.body["LeftOut"] == 0


def test_a_session_is_told_without_secrets_and_without_what_is_none(ledger_app: LedgerApp) -> None:
    vended = ledger_app.app.vend({"role": "reader", "reason": "INC-7"}).body
    (told,) = cast(list[Json], ledger_app.sessions().body["Sessions"])
    credentials = cast(Json, vended["Credentials"])
    assert MOMENT.fullmatch(str(told.pop("Requested")))
    assert told == {
        "Id": vended["RequestId"],
        "Role": "reader",
        "RoleArn": READER,
        "State": "live",
        "Expires": credentials["Expiration"],
        "AccessKeyId": credentials["AccessKeyId"],
        "Reason": "INC-7",
    }
    text = ledger_app.sessions().text + ledger_app.read(str(vended["RequestId"])).text
    assert str(credentials["SecretAccessKey"]) not in text and str(credentials["SessionToken"]) not in text


def test_what_is_left_out_is_counted(ledger_app: LedgerApp) -> None:
    made = [ledger_app.vended() for _ in range(4)]
    answer = ledger_app.sessions({"limit": "1"}).body
    assert set(ids(answer)) < set(made) and len(ids(answer)) == 1 and answer["LeftOut"] == 3
    assert ledger_app.sessions({"limit": "1000"}).body["LeftOut"] == 0


def test_what_is_left_out_is_counted_up_to_a_bound(ledger_app: LedgerApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.own_sessions.MOST_COUNTED", 2)
    for _ in range(4):
        ledger_app.vended()
    assert ledger_app.sessions({"limit": "1"}).body["LeftOut"] == 2


@pytest.mark.no_cover
def test_a_list_goes_back_as_far_as_is_asked_and_a_day_unless_told(ledger_app: LedgerApp) -> None:
    recent, old = ledger_app.vended(), ledger_app.vended()
    item = ledger_app.database.item(SESSIONS.name, old) or {}
    requested = int(str(item["requested_at"]["N"])) - 2 * 86_400_000
    keys = index_keys(old, ALICE, "reader", "111122223333", requested)
    ledger_app.change(old, requested_at={"N": str(requested)}, **{name: {"S": key} for name, key in keys.items()})
    assert ids(ledger_app.sessions().body) == [recent]
    assert ids(ledger_app.sessions({"since": "3d"}).body) == ids(ledger_app.sessions({"since": "90d"}).body)
    assert ids(ledger_app.sessions({"since": "3d"}).body) == [recent, old]


def test_of_live_ones_those_are_missing_that_ended_failed_or_are_revoked(ledger_app: LedgerApp) -> None:
    live, ended, revoked = (ledger_app.vended() for _ in range(3))
    ledger_app.change(ended, expires=PAST)
    ledger_app.change(revoked, revoke_requested=PAST, revoke_written=PAST)
    ledger_app.app.sts.refusals.append(Refusal("AccessDenied"))
    failed = str(ledger_app.app.vend({"role": "reader"}).body["RequestId"])
    assert ids(ledger_app.sessions({"live": "true"}).body) == [live]
    assert set(ids(ledger_app.sessions({"live": "false"}).body)) == {live, ended, revoked, failed}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "live"),
        ({"state": {"S": "requested"}}, "requested"),
        ({"state": {"S": "failed"}}, "failed"),
        ({"expires": PAST}, "ended"),
        ({"revoke_requested": PAST}, "revoking"),
        ({"revoke_requested": PAST, "revoke_written": PAST}, "revoked"),
        ({"revoke_requested": PAST, "revoke_written": PAST, "expires": PAST}, "revoked"),
    ],
)
def test_what_has_become_of_a_session_is_told(ledger_app: LedgerApp, change: dict[str, Json], state: str) -> None:
    session = ledger_app.vended()
    ledger_app.change(session, **change)
    assert one(ledger_app.read(session).body)["State"] == state


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"since": "yesterday"}, "since"),
        ({"since": "0"}, "since"),
        ({"since": "91d"}, "at most 90d"),
        ({"live": "yes"}, "true or false"),
        ({"limit": "0"}, "1 to 1000"),
        ({"limit": "1001"}, "1 to 1000"),
        ({"limit": "٣"}, "1 to 1000"),
        ({"limit": "-1"}, "1 to 1000"),
        ({"limit": ["1", "2"]}, "once"),
        ({"caller": "arn:aws:iam::111122223333:user/bob"}, "Unknown query parameter"),
    ],
)
def test_a_malformed_question_is_refused_by_name(ledger_app: LedgerApp, query: dict[str, str], words: str) -> None:
    answer = ledger_app.sessions(query)
    assert (answer.status, answer.body["Code"]) == (400, "InvalidRequest") and words in str(answer.body["Message"])
    assert [record["event"] for record in ledger_app.app.records()] == ["read.denied"]


def test_a_single_session_takes_no_query(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended()
    answer = ledger_app.app.call("GET", "/v1/iam/sessions/{session}", session=session, query={"live": "true"})
    assert answer.status == 400


# The end of a session


def written(ledger_app: LedgerApp) -> list[object]:
    """All that the tables hold."""
    return [ledger_app.database.items(schema.name) for schema in (SESSIONS, QUOTAS, REVOCATIONS)]


def counted(ledger_app: LedgerApp, name: str) -> set[str]:
    """The sessions in a set of live ones, whose id begins so."""
    found = [each for each in ledger_app.database.items(QUOTAS.name) if str(each["id"]["S"]).startswith(name)]
    return {one.partition("#")[2] for each in found for one in cast(list[str], each["live"]["SS"])}


def test_a_caller_ends_its_own_session(ledger_app: LedgerApp) -> None:
    ended, other = ledger_app.vended(), ledger_app.vended()
    ledger_app.app.records()
    answer = ledger_app.revoke(ended, '{"reason": "left the laptop"}')
    assert answer.status == 200 and one(answer.body)["State"] == "revoking"
    revocation = cast(Json, one(answer.body)["Revocation"])
    assert revocation.keys() == {"Requested"} and MOMENT.fullmatch(str(revocation["Requested"]))
    (item,) = ledger_app.database.items(REVOCATIONS.name)
    told = {name: next(iter(value.values())) for name, value in item.items()}
    assert told["role_arn"] == READER and told["id"] == f"session#{ended}" and told["request_id"] == ended
    assert told["by"] == ALICE and told["reason"] == "left the laptop" and told["form"] == "session"
    entry = ledger_app.database.item(SESSIONS.name, ended) or {}
    assert entry["revoked_by"] == {"S": ALICE} and entry["revoke_reason"] == {"S": "left the laptop"}
    assert entry["revoke_requested"] == item["requested"]
    assert int(str(told["until"])) == int(str(entry["expires"]["N"])) + 60
    # It is one of the caller's live sessions until the policy is written: else what cannot be written would make room.
    assert counted(ledger_app, "few#live#") == {ended, other} and counted(ledger_app, "#revoked-of-role#") == {ended}
    (record,) = ledger_app.app.records()
    assert record["event"] == "revocation.requested" and record["session"] == ended
    assert record["revoked_on"] == [READER] and record["reason"] == "left the laptop" and not record["asked_before"]


@pytest.mark.parametrize("body", [None, "", "{}", '{"reason": null}'])
def test_nobody_has_to_say_why(ledger_app: LedgerApp, body: str | None) -> None:
    session = ledger_app.vended()
    assert ledger_app.revoke(session, body).status == 200
    entry = ledger_app.database.item(SESSIONS.name, session) or {}
    assert "revoke_reason" not in entry and "revoke_requested" in entry


@pytest.mark.parametrize(
    "body", ["[]", '{"reason": 1}', '{"why": "x"}', json.dumps({"reason": "x" * 257}), '{"reason": "a\\nb"}', "{"]
)
def test_a_malformed_reason_ends_nothing(ledger_app: LedgerApp, body: str) -> None:
    session = ledger_app.vended()
    before = written(ledger_app)
    assert ledger_app.revoke(session, body).status == 400 and written(ledger_app) == before
    assert ledger_app.app.records()[-1]["event"] == "revocation.refused"


def test_asked_twice_nothing_is_written_again(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended()
    first = ledger_app.revoke(session, '{"reason": "one"}')
    before = written(ledger_app)
    ledger_app.database.operations()
    again = ledger_app.revoke(session, '{"reason": "two"}')
    assert again.status == 200 and again.body["Session"] == first.body["Session"]
    assert written(ledger_app) == before and ledger_app.database.operations() == ["GetItem"]
    assert [record.get("asked_before") for record in ledger_app.app.records()][-2:] == [False, True]


def test_what_could_not_be_done_is_told_and_tried_anew(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended()
    ledger_app.revoke(session)
    arn = "arn:aws:iam::999988887777:role/secret/operator"
    ledger_app.change(session, revoke_problem={"S": f"{arn} does not let the revoker in."}, revoke_requested=PAST)
    read = ledger_app.read(session)
    told = cast(Json, one(read.body)["Revocation"])
    assert told["Problem"] == PROBLEM and arn not in str(read.body) and "999988887777" not in str(read.body)
    answer = ledger_app.revoke(session)
    assert answer.status == 200 and "Problem" not in cast(Json, one(answer.body)["Revocation"])
    entry = ledger_app.database.item(SESSIONS.name, session) or {}
    assert "revoke_problem" not in entry and entry["revoke_requested"] != PAST
    (item,) = ledger_app.database.items(REVOCATIONS.name)
    assert item["requested"] == entry["revoke_requested"] and item["state"] == {"S": "asked"}
    assert item["caller_tag"] == entry["caller_tag"]  # by which the revoker folds a caller's sessions


def test_wherever_the_session_may_have_gone_on_to_it_ends(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended("first")
    assert ledger_app.revoke(session).status == 200
    items = {
        (str(item["role_arn"]["S"]), str(item["id"]["S"])): item for item in ledger_app.database.items(REVOCATIONS.name)
    }
    here, there = "arn:aws:iam::111122223333:role", "arn:aws:iam::444455556666:role"
    chained = f"session#{session}#chained"
    assert items.keys() == {
        (f"{here}/first", f"session#{session}"),
        (f"{there}/second", chained),
        (f"{there}/unlisted", chained),
        (f"{here}/third", chained),
        (f"{here}/first", chained),
    }
    assert {str(item["request_id"]["S"]) for item in items.values()} == {session}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expires": PAST}, "ended at 2001-09-09T01:46:40Z"),
        ({"state": {"S": "failed"}}, "No session was made"),
    ],
)
def test_of_what_has_ended_or_never_was_nothing_is_written(
    ledger_app: LedgerApp, change: dict[str, Json], words: str
) -> None:
    session = ledger_app.vended()
    ledger_app.change(session, **change)
    before = written(ledger_app)
    answer = ledger_app.revoke(session)
    assert (answer.status, answer.body["Code"]) == (409, "NothingToRevoke") and words in str(answer.body["Message"])
    assert written(ledger_app) == before
    record = ledger_app.app.records()[-1]
    assert (record["event"], record["cause"], record["session"]) == ("revocation.refused", "NothingToRevoke", session)


def test_a_session_without_tags_is_for_operators_to_end(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended("plain")
    before = written(ledger_app)
    answer = ledger_app.revoke(session)
    assert (answer.status, answer.body["Code"]) == (409, "OnlyWithOthers")
    assert "operators" in str(answer.body["Message"]) and written(ledger_app) == before


@pytest.mark.parametrize("limit", ["MOST_REVOKED", "MOST_REVOKED_OF_ROLE"])
def test_no_caller_fills_the_policy_of_a_role_alone(
    ledger_app: LedgerApp, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """Where it is full, it denies sessions of others as well."""
    monkeypatch.setattr(f"chalicelib.own_sessions.{limit}", 2)
    sessions = [ledger_app.vended() for _ in range(3)]
    assert [ledger_app.revoke(session).status for session in sessions[:2]] == [200, 200]
    before = written(ledger_app)
    answer = ledger_app.revoke(sessions[2])
    assert (answer.status, answer.body["Code"], answer.headers["Retry-After"]) == (429, "TooManyRevoked", "900")
    assert written(ledger_app) == before and "operators" in str(answer.body["Message"])
    # Another role's policy has room of its own; and what has ended takes none.
    assert ledger_app.revoke(ledger_app.vended("brief")).status == 200
    for item in ledger_app.database.items(QUOTAS.name):
        if str(item["id"]["S"]).startswith("#revoked-"):
            (first, *others) = cast(list[str], item["live"]["SS"])
            ended = f"1000000000#{first.partition('#')[2]}"
            ledger_app.database.put(QUOTAS.name, {**item, "live": {"SS": [ended, *others]}})
    assert ledger_app.revoke(sessions[2]).status == 200


def test_what_is_tried_anew_takes_no_more_room(ledger_app: LedgerApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.own_sessions.MOST_REVOKED", 1)
    session = ledger_app.vended()
    assert ledger_app.revoke(session).status == 200
    ledger_app.change(session, revoke_problem={"S": "The operator role is missing."})
    assert ledger_app.revoke(session).status == 200
    assert "revoke_problem" not in (ledger_app.database.item(SESSIONS.name, session) or {})


def test_a_session_that_nobody_was_given_can_be_ended(ledger_app: LedgerApp) -> None:
    """It may have been made all the same."""
    session = ledger_app.vended()
    ledger_app.change(session, state={"S": "requested"})
    assert ledger_app.revoke(session).status == 200


@pytest.mark.parametrize("key", [caller_key(ALICE), ALL])
def test_who_is_blocked_sees_and_ends_its_sessions(ledger_app: LedgerApp, key: str) -> None:
    session = ledger_app.vended()
    for number in range(96):
        gate: Json = {"id": {"S": gate_id(number)}, attribute(key): {"N": "9999999999"}}
        ledger_app.database.put(BLOCKS.name, gate)
    assert ledger_app.app.vend({"role": "reader"}).status in (403, 503)
    assert session in ids(ledger_app.sessions().body)
    assert ledger_app.revoke(session).status == 200


def test_a_session_whose_role_has_left_the_catalog_can_be_ended(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended()
    ledger_app.change(session, role={"S": "gone"}, role_arn={"S": "arn:aws:iam::111122223333:role/gone"})
    assert ledger_app.revoke(session).status == 200
    (item,) = ledger_app.database.items(REVOCATIONS.name)
    assert item["role_arn"] == {"S": "arn:aws:iam::111122223333:role/gone"}


def test_a_session_that_is_shared_ends_for_all_who_share_it(ledger_app: LedgerApp) -> None:
    """Its tag names the request that made it, and so does what denies it."""
    made, shares, another = (ledger_app.vended() for _ in range(3))
    ledger_app.change(shares, shared_with={"S": made})
    answer = ledger_app.revoke(shares)
    assert answer.status == 200 and one(answer.body)["Id"] == made
    (item,) = ledger_app.database.items(REVOCATIONS.name)
    assert item["request_id"] == {"S": made}
    assert one(ledger_app.read(shares).body)["State"] == one(ledger_app.read(made).body)["State"] == "revoking"
    ledger_app.change(made, revoke_written=PAST)
    assert one(ledger_app.read(shares).body)["State"] == "revoked"
    assert ids(ledger_app.sessions({"live": "true"}).body) == [another]
    states = {
        each["Id"]: each["State"] for each in cast(list[Json], ledger_app.sessions({"limit": "3"}).body["Sessions"])
    }
    assert states == {made: "revoked", shares: "revoked", another: "live"}


# Troubles


def test_a_table_that_cannot_be_asked_is_a_503_with_a_record(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended()
    ledger_app.app.records()
    asking: list[tuple[str, Callable[[], object], str]] = [
        ("Query", ledger_app.sessions, "read.denied"),
        ("BatchGetItem", ledger_app.sessions, "read.denied"),
        ("GetItem", lambda: ledger_app.read(session), "read.denied"),
        ("GetItem", lambda: ledger_app.revoke(session), "revocation.refused"),
        ("TransactWriteItems", lambda: ledger_app.revoke(session), "revocation.refused"),
    ]
    for operation, ask, event in asking:
        for fault in ("ResourceNotFoundException", "AccessDeniedException", LoseRequest()):
            ledger_app.database.faults.always(operation, fault)
            answer = ask()
            ledger_app.database.faults.clear()
            assert (answer.status, answer.body["Code"]) == (503, "LedgerUnavailable")  # type: ignore[attr-defined]
            assert answer.headers["Retry-After"] == "2"  # type: ignore[attr-defined]
            (record,) = ledger_app.app.records()
            assert (record["event"], record["cause"]) == (event, "LedgerUnavailable")


def test_where_an_answer_got_lost_asking_again_does_no_harm(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended()
    ledger_app.database.faults.next("TransactWriteItems", LoseAnswer(), LoseAnswer())
    assert ledger_app.revoke(session).status == 503
    before = written(ledger_app)
    answer = ledger_app.revoke(session)
    assert answer.status == 200 and one(answer.body)["State"] == "revoking" and written(ledger_app) == before


def test_who_comes_second_is_told_of_the_first(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended()

    def operators() -> None:
        ledger_app.change(session, revoke_requested={"N": "1800000000000"}, revoked_by={"S": "operator"})

    ledger_app.database.faults.next("TransactWriteItems", Before(operators))
    answer = ledger_app.revoke(session, '{"reason": "mine"}')
    assert answer.status == 200
    assert cast(Json, one(answer.body)["Revocation"])["Requested"] == "2027-01-15T08:00:00Z"
    assert ledger_app.database.items(REVOCATIONS.name) == []  # the operators' own is not ours to write


def test_a_session_that_ends_meanwhile_is_not_revoked(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended()
    fail: Callable[[], None] = lambda: ledger_app.change(session, state={"S": "failed"})  # noqa: E731
    ledger_app.database.faults.next("TransactWriteItems", Before(fail))
    assert ledger_app.revoke(session).status == 409 and ledger_app.database.items(REVOCATIONS.name) == []


def test_what_operators_write_down_is_not_for_the_caller(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended()
    ledger_app.change(
        session, revoke_requested=PAST, revoked_by={"S": "operator-7"}, revoke_reason={"S": "under suspicion"}
    )
    text = ledger_app.read(session).text + ledger_app.sessions().text + ledger_app.revoke(session).text
    assert "operator-7" not in text and "suspicion" not in text


def test_a_log_that_fails_keeps_nobody_from_ending_a_session(
    ledger_app: LedgerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = ledger_app.vended()
    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.audit.standard_output.StandardOutput.write_line", lambda *_: 1 / 0)
        answer = ledger_app.revoke(session)
    assert (answer.status, answer.body["Code"]) == (500, "AuditFailed")
    assert "revoke_requested" in (ledger_app.database.item(SESSIONS.name, session) or {})


def test_an_item_that_is_no_entry_hides_no_other(ledger_app: LedgerApp) -> None:
    session, spoilt = ledger_app.vended(), ledger_app.vended()
    ledger_app.change(spoilt, state={"S": "odd"})
    assert ids(ledger_app.sessions().body) == [session]
    assert ledger_app.read(spoilt).status == 503


def test_without_a_ledger_there_is_nothing_to_see(
    credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_config(tmp_path)
    (config / "sessions.yaml").write_text("ledger: false\n")
    for settings in (Settings("eu-west-1"), Settings("eu-west-1", ledger_tables=TABLES)):
        monkeypatch.setattr(app_module, "service", load_service(config, settings))
        for method, path in (
            ("GET", "/v1/iam/sessions"),
            ("GET", "/v1/iam/sessions/{session}"),
            ("POST", "/v1/iam/sessions/{session}/revoke"),
        ):
            answer = credvend.call(method, path, session="7b1c9c8e-0000-4000-8000-000000000001")
            assert (answer.status, answer.body["Code"]) == (404, "NoLedger")
            assert "ledger" in str(answer.body["Message"])
            assert credvend.records()[-1]["cause"] == "NoLedger"


@pytest.mark.parametrize(("left", "operations"), [(21.0, 2), (22.0, 4)])
def test_what_is_changed_by_others_is_tried_again_only_where_time_is_left_to_record_it(
    ledger_app: LedgerApp, left: float, operations: int
) -> None:
    session = ledger_app.vended()

    def operators() -> None:
        ledger_app.change(session, revoke_requested=PAST, revoke_problem={"S": "once"})
        ledger_app.change(session, state={"S": "failed"})

    def again() -> None:
        ledger_app.change(session, state={"S": "vended"})

    ledger_app.database.operations()
    ledger_app.database.faults.next("TransactWriteItems", Before(operators))
    ledger_app.database.faults.next("GetItem", None, Before(again))
    own, caller = app_module.service.own_sessions(), identify_caller(iam_user("alice"))
    if operations == 2:
        with pytest.raises(LedgerUnread):
            own.revoke(caller, session, None, (), lambda: left)
    else:
        assert own.revoke(caller, session, None, (), lambda: left).roles == (READER,)
    assert len(ledger_app.database.operations()) == operations
