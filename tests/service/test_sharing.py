"""Identical requests of one caller may share a session for a moment, if that is switched on; no others ever do."""

import json
from collections.abc import Iterator

import pytest

import app as app_module
from chalicelib.blocks.gates import FOR_GOOD, GATES, gate_id
from chalicelib.blocks.keys import attribute
from chalicelib.sessions.sharing import SharedSessions
from testing.dynamodb.credvend_tables import BLOCKS, QUOTAS, SESSIONS
from testing.events import iam_user, unsigned
from testing.ledgered import KEY, Ledgered, ledgered, session_id
from testing.sts_server import Refusal
from testing.tokens import ISSUER, honest_claims, sign

__all__ = ["ledgered"]
SETTINGS = "{share_identical: 1s, quotas: [{name: q, per_day: 10, live: 2}]}"


@pytest.fixture
def sharing(ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledgered]:
    ledgered.configure(SETTINGS, monkeypatch)
    shared = SharedSessions(app_module.service.configuration().sessions.share_seconds, ledgered.clock)
    monkeypatch.setattr(app_module, "service", app_module.service._replace(sharing=shared))
    yield ledgered


def calls(ledgered: Ledgered) -> int:
    return len(ledgered.app.sts.asked)


def test_identical_requests_within_a_second_are_one_session_and_an_entry_and_records_each(sharing: Ledgered) -> None:
    answers = [sharing.vend(number) for number in range(5)]
    assert [answer.status for answer in answers] == [200] * 5 and calls(sharing) == 1
    assert len({json.dumps(answer.body["Credentials"]) for answer in answers}) == 1
    assert [answer.body["RequestId"] for answer in answers] == [session_id(number) for number in range(5)]
    entries = [sharing.entry(number) for number in range(5)]
    assert [entry and entry.shared_with for entry in entries] == [None] + [session_id(0)] * 4
    assert {entry and entry.tag for entry in entries} == {session_id(0)}
    assert {entry and (entry.state, entry.access_key_id) for entry in entries} == {("vended", "ASIAEXAMPLE")}
    vended = [record for record in sharing.app.records() if record["event"] == "credentials.vended"]
    assert [record.get("shared_with") for record in vended] == [None] + [session_id(0)] * 4
    assert {str(record["session_tags"]["credvend:request"]) for record in vended} == {session_id(0)}  # type: ignore[index]


def test_each_counts_as_a_vend_and_all_together_as_one_live_session(sharing: Ledgered) -> None:
    for number in range(5):
        assert sharing.vend(number).status == 200
    counts = {str(item["id"]["S"]).split("#")[1]: item for item in sharing.database.items(QUOTAS.name)}
    assert counts["day"]["taken"] == {"N": "5"} and len(list(counts["live"]["live"]["SS"])) == 1  # type: ignore[call-overload]


def test_after_a_second_there_is_another_session(sharing: Ledgered) -> None:
    sharing.vend(1)
    sharing.clock.now += 1
    sharing.vend(2)
    assert calls(sharing) == 2


@pytest.mark.parametrize(
    "other",
    [{"role": "brief"}, {"duration": "20m"}, {"reason": "x"}, {"policy": {"Version": "2012-10-17", "Statement": []}}],
)
def test_what_differs_in_anything_shares_nothing(sharing: Ledgered, other: dict[str, object]) -> None:
    if "policy" in other:
        statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
        other = {"policy": {"Version": "2012-10-17", "Statement": [statement]}}
    sharing.vend(1)
    assert sharing.vend(2, {"role": "reader", **other}).status == 200
    assert calls(sharing) == 2


def test_another_caller_shares_nothing(sharing: Ledgered) -> None:
    sharing.vend(1)
    assert sharing.vend(2, identity=iam_user("bob")).status == 200 and calls(sharing) == 2


def test_a_dry_run_neither_shares_nor_is_shared(sharing: Ledgered) -> None:
    sharing.vend(1, {"role": "reader", "dry_run": True})
    assert calls(sharing) == 0
    sharing.vend(2)
    explained = sharing.vend(3, {"role": "reader", "dry_run": True})
    assert "SecretAccessKey" not in explained.text and session_id(3) in explained.text and calls(sharing) == 1


def test_what_failed_is_not_shared(sharing: Ledgered) -> None:
    sharing.app.sts.refusals.append(Refusal("AccessDenied"))
    assert [sharing.vend(1).status, sharing.vend(2).status] == [502, 200]


def test_a_token_that_vends_once_shares_nothing(sharing: Ledgered) -> None:
    for number in range(2):
        sharing.at(number)
        token = sign(honest_claims(iss=f"{ISSUER}/once", jti=str(number)), KEY)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        sent = sharing.app.call("POST", "/v1/credentials", '{"role": "reader"}', unsigned(), headers)
        assert sent.status == 200
    assert calls(sharing) == 2


def test_it_is_off_unless_it_is_switched_on(ledgered: Ledgered) -> None:
    assert [ledgered.vend(number).status for number in range(2)] == [200, 200] and calls(ledgered) == 2


@pytest.mark.parametrize("noted", ["revoke_requested", "revoke_written"])
def test_a_session_that_is_to_end_is_shared_no_more(sharing: Ledgered, noted: str) -> None:
    assert [sharing.vend(number).status for number in range(2)] == [200, 200]
    item = sharing.database.item(SESSIONS.name, session_id(0))
    assert item is not None
    sharing.database.put(SESSIONS.name, {**item, noted: {"N": "1"}})
    sharing.app.records()
    answer = sharing.vend(2)
    assert answer.status == 200 and calls(sharing) == 2
    entry = sharing.entry(2)
    assert entry is not None and (entry.state, entry.shared_with) == ("vended", None)
    tags = [record["session_tags"]["credvend:request"] for record in sharing.app.records()]  # type: ignore[index]
    assert tags == [session_id(2)] * 2
    assert sharing.vend(3).status == 200 and calls(sharing) == 2  # which is shared from then on
    counts = {str(one["id"]["S"]).split("#")[1]: one for one in sharing.database.items(QUOTAS.name)}
    assert counts["day"]["taken"] == {"N": "4"} and len(list(counts["live"]["live"]["SS"])) == 2  # type: ignore[call-overload]


def test_whoever_is_blocked_shares_nothing(sharing: Ledgered) -> None:
    assert sharing.vend(0).status == 200
    for number in range(GATES):
        gate = {"id": {"S": gate_id(number)}, attribute("role:reader"): {"N": str(FOR_GOOD)}}
        sharing.database.put(BLOCKS.name, gate)
    assert (sharing.vend(1).status, sharing.entry(1)) == (403, None)
