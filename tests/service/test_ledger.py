"""Every vend is in the ledger before STS is asked, and again with what was vended; and nothing secret is."""

import json

import pytest

from chalicelib.blocks.gates import FOR_GOOD, GATES, gate_id
from chalicelib.blocks.keys import ALL, attribute, caller_key, issuer_key, principal_key, role_key
from chalicelib.ledger.entry import Entry
from chalicelib.ledger.index_keys import value_of_caller
from testing.dynamodb.credvend_tables import BLOCKS, QUOTAS, USED_TOKENS
from testing.events import iam_user, role_session, unsigned
from testing.ledgered import KEY, Ledgered, ledgered, session_id
from testing.sts_server import SECRET, TOKEN, Refusal, tags_of
from testing.tokens import ISSUER, honest_claims, sign

__all__ = ["ledgered"]
ALICE = "arn:aws:iam::111122223333:user/alice"
NOW = 1_800_000_000


def block(ledgered: Ledgered, key: str, until: int = FOR_GOOD) -> None:
    for number in range(GATES):
        there = ledgered.database.item(BLOCKS.name, gate_id(number)) or {"id": {"S": gate_id(number)}}
        ledgered.database.put(BLOCKS.name, there | {attribute(key): {"N": str(until)}})


def with_token(ledgered: Ledgered, number: int, issuer: str = ISSUER, **claims: object) -> int:
    ledgered.at(number)
    token = sign(honest_claims(iss=issuer, jti=str(number), **claims), KEY)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return ledgered.app.call("POST", "/v1/credentials", json.dumps({"role": "reader"}), unsigned(), headers).status


def test_a_vend_is_two_round_trips_and_one_entry(ledgered: Ledgered) -> None:
    answer = ledgered.vend(1, {"role": "reader", "reason": "to see"})
    assert answer.status == 200
    assert ledgered.database.operations() == ["TransactWriteItems", "UpdateItem"]
    entry = ledgered.entry(1)
    assert entry is not None and entry.expires > NOW - 10**9
    (requested, vended) = ledgered.app.records()
    assert entry == Entry(
        id=session_id(1),
        state="vended",
        caller=ALICE,
        caller_type="IamUser",
        session_name=str(vended["session_name"]),
        role="reader",
        role_arn="arn:aws:iam::111122223333:role/reader",
        account="111122223333",
        tagged=True,
        requested_at=NOW * 1000,
        duration=900,
        expires=entry.expires,
        source_identity=str(vended["source_identity"]),
        caller_tag=ALICE,
        access_key_id=str(vended["access_key_id"]),
        reason="to see",
    )
    assert requested["request_id"] == vended["request_id"] == entry.id
    assert tags_of(ledgered.app.sts.asked[0])["credvend:request"] == entry.id


def test_it_is_found_by_caller_role_account_day_and_key_and_holds_no_secret(ledgered: Ledgered) -> None:
    ledgered.vend(1)
    (item,) = ledgered.items()
    day = "2027-01-15"
    shard = str(item["by_day"]["S"]).rpartition("#")[2]
    assert item["by_caller"] == {"S": f"{value_of_caller(ALICE)}#{day}#{shard}"}
    assert item["by_role"] == {"S": f"reader#{day}#{shard}"}
    assert item["by_account"] == {"S": f"111122223333#{day}#{shard}"}
    assert item["by_day"] == {"S": f"{day}#{shard}"} and item["at"] == {"S": f"{day}T08:00:00.000Z"}
    assert item["access_key_id"] == {"S": "ASIAEXAMPLE"}
    text = json.dumps(item)
    assert SECRET not in text and TOKEN not in text


def test_an_entry_is_kept_for_as_long_as_is_set(ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch) -> None:
    ledgered.configure("keep: 2d", monkeypatch)
    ledgered.vend(1)
    (item,), entry = ledgered.items(), ledgered.entry(1)
    assert entry is not None and item["ttl"] == {"N": str(entry.expires + 2 * 86_400)}


def test_what_is_not_vended_is_not_in_it(ledgered: Ledgered) -> None:
    assert ledgered.vend(1, {"role": "forbidden"}).status == 403
    assert ledgered.vend(2, {"role": "reader", "dry_run": True}).status == 200
    assert ledgered.vend(3, {"role": "reader", "duration": "10h"}).status == 400
    assert ledgered.items() == [] and ledgered.database.operations() == []


def test_what_sts_refuses_is_in_it_as_failed(ledgered: Ledgered) -> None:
    ledgered.app.sts.refusals.append(Refusal("AccessDenied"))
    assert ledgered.vend(1).status == 502
    entry = ledgered.entry(1)
    assert entry is not None and (entry.state, entry.cause, entry.access_key_id) == ("failed", "not_trusted", None)
    assert not entry.is_live(NOW)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (caller_key(ALICE), caller_key(ALICE)),
        (principal_key(ALICE), principal_key(ALICE)),
        (role_key("reader"), role_key("reader")),
    ],
)
def test_what_is_blocked_gets_nothing_from_the_next_request_on(ledgered: Ledgered, key: str, told: str) -> None:
    assert ledgered.vend(1).status == 200
    block(ledgered, key)
    ledgered.app.records()
    answer = ledgered.vend(2)
    assert (answer.status, answer.body["Code"]) == (403, "Blocked")
    assert ALICE not in answer.text and "reader" not in answer.text
    (record,) = ledgered.app.records()
    assert (record["event"], record["cause"], record["blocked"]) == ("credentials.denied", "Blocked", [told])
    assert ledgered.entry(2) is None and len(ledgered.app.sts.asked) == 1


def test_who_is_not_blocked_goes_on(ledgered: Ledgered) -> None:
    for key in (caller_key(ALICE), role_key("brief"), issuer_key("main"), principal_key("x")):
        block(ledgered, key)
    assert ledgered.vend(1, identity=iam_user("bob")).status == 200
    assert with_token(ledgered, 2, f"{ISSUER}/once") == 200
    assert with_token(ledgered, 3) == 403


def test_a_role_behind_sessions_is_blocked_whatever_they_call_themselves(ledgered: Ledgered) -> None:
    block(ledgered, principal_key("arn:aws:iam::111122223333:role/Dev"))
    names = ("alice", "somebody-else")
    assert [ledgered.vend(n, identity=role_session("Dev", name)).status for n, name in enumerate(names)] == [403, 403]
    assert ledgered.vend(9, identity=role_session("Ops", "alice")).status == 200


def test_a_block_ends_when_it_is_to_end(ledgered: Ledgered) -> None:
    block(ledgered, caller_key(ALICE), until=NOW + 60)
    assert ledgered.vend(1).status == 403
    ledgered.clock.now += 60
    assert ledgered.vend(2).status == 200


def test_the_red_button_stops_everybody_and_says_so(ledgered: Ledgered) -> None:
    block(ledgered, ALL)
    answer = ledgered.vend(1)
    assert (answer.status, answer.body["Code"], answer.headers["Retry-After"]) == (503, "VendingStopped", "60")
    assert with_token(ledgered, 2) == 503
    assert ledgered.app.sts.asked == [] and ledgered.items() == []


def test_a_token_that_vends_once_is_used_up_in_the_same_write(ledgered: Ledgered) -> None:
    assert with_token(ledgered, 1, f"{ISSUER}/once") == 200
    assert ledgered.database.operations() == ["TransactWriteItems", "UpdateItem"]
    ledgered.at(2)
    token = sign(honest_claims(iss=f"{ISSUER}/once", jti="1"), KEY)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    again = ledgered.app.call("POST", "/v1/credentials", '{"role": "reader"}', unsigned(), headers)
    assert (again.status, again.body["Code"]) == (401, "InvalidToken") and "used before" in again.text
    assert ledgered.entry(2) is None and len(ledgered.database.items(USED_TOKENS.name)) == 1


def test_a_blocked_caller_uses_up_no_token(ledgered: Ledgered) -> None:
    block(ledgered, issuer_key("once"))
    assert with_token(ledgered, 1, f"{ISSUER}/once") == 403
    assert ledgered.database.items(USED_TOKENS.name) == [] == ledgered.database.items(QUOTAS.name)
