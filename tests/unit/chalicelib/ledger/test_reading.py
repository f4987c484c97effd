"""Sessions are found by index: the right ones, the latest first, and nothing else is read."""

from itertools import islice

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.table import TableUnavailable
from chalicelib.ledger.reading import Wanted
from testing.dynamodb.credvend_tables import SESSIONS
from testing.dynamodb.faults import Before, Unprocessed
from tests.unit.chalicelib.ledger.ledger_world import ACCOUNT, ALICE, DAY, LedgerWorld

BOB = f"arn:aws:iam::{ACCOUNT}:user/bob"


@pytest.fixture
def world() -> LedgerWorld:
    return LedgerWorld()


def test_each_filter_finds_its_own_by_its_own_index(world: LedgerWorld) -> None:
    world.add("a", 50)
    world.add("b", 40, caller=BOB)
    world.add("c", 30, role="writer")
    world.add("d", 20, account="999988887777")
    world.add("e", 10, caller=BOB, role="writer", account="999988887777")
    for wanted, expected, index in (
        ({}, "edcba", "by_day"),
        ({"caller": BOB}, "eb", "by_caller"),
        ({"role": "writer"}, "ec", "by_role"),
        ({"account": "999988887777"}, "ed", "by_account"),
        ({"caller": ALICE, "role": "writer"}, "c", "by_caller"),
        ({"role": "reader", "account": ACCOUNT}, "ba", "by_role"),
        ({"keys": ("ASIAB", "ASIAC", "ASIANOBODY")}, "cb", "by_key"),
        ({"keys": ("ASIAB", "ASIAC"), "role": "reader"}, "b", "by_key"),
        ({"caller": "nobody"}, "", "by_caller"),
    ):
        world.database.asked.clear()
        assert "".join(world.found(**wanted)) == expected, wanted
        queries = [asked.parameters for asked in world.database.asked if asked.operation == "Query"]
        assert {query["IndexName"] for query in queries} == {index}
        assert {asked.operation for asked in world.database.asked} <= {"Query", "BatchGetItem"}


def test_the_latest_come_first_over_partitions_and_days(world: LedgerWorld) -> None:
    for number in range(60):
        world.add(f"s{number:02}", number * 3600)
    assert world.found(since=3 * DAY) == [f"s{number:02}" for number in range(60)]
    assert world.found(since=5 * 3600) == [f"s{number:02}" for number in range(6)]


def test_both_ends_of_the_time_are_included(world: LedgerWorld) -> None:
    entries = [world.add(name, ago) for name, ago in (("a", 2.0), ("b", 1.0), ("c", 0.0))]
    moment = entries[1].requested_at
    for since, until, expected in ((moment, moment, "b"), (moment + 1, moment + 9, ""), (moment - 9, moment - 1, "")):
        found = world.reader.find(Wanted(since=since, until=until))
        assert "".join(entry.id for entry in found) == expected


def test_live_ones_are_those_that_somebody_may_use_now(world: LedgerWorld) -> None:
    now = world.clock.now
    world.add("live", 3000)
    world.add("at-its-end", 3600)
    world.add("over", 5000)
    world.add("failed", 10, state="failed", access_key_id=None)
    world.add("never-known", 10, state="requested", access_key_id=None)
    world.add("revoked", 10, revoke_written=int(now * 1000))
    world.add("asked-to-end", 10, revoke_requested=int(now * 1000))
    assert sorted(world.found(live_at=now)) == ["asked-to-end", "live", "never-known"]
    assert world.found(since=60, live_at=now) != world.found(live_at=now)


def test_what_is_live_is_looked_for_no_further_back_than_sessions_last(world: LedgerWorld) -> None:
    world.add("live")
    assert world.found(since=90 * DAY, live_at=world.clock.now) == ["live"]
    assert world.database.operations().count("Query") <= 16
    # A session begins when STS answers, which is a little later.
    world.add("slow", 3620, expires=int(world.clock.now) + 5)
    assert "slow" in world.found(since=90 * DAY, live_at=world.clock.now)


def test_many_sessions_are_read_in_batches_and_pages(world: LedgerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.ledger.reading._PAGE", 7)
    for number in range(250):
        world.add(f"s{number:03}", number)
    assert world.found() == [f"s{number:03}" for number in range(250)]
    asked = world.database.operations()
    assert asked.count("BatchGetItem") == 3 and asked.count("Query") > 30


def test_no_more_is_read_than_is_wanted_but_a_little(world: LedgerWorld) -> None:
    for number in range(900):
        world.add(f"s{number:03}", number)
    now = int(world.clock.now * 1000)
    found = world.reader.find(Wanted(since=now - 90 * DAY * 1000, until=now))
    assert [entry.id for entry in islice(found, 5)] == [f"s{number:03}" for number in range(5)]
    found.close()  # type: ignore[attr-defined]
    asked = world.database.operations()
    assert asked.count("BatchGetItem") <= 5 and asked.count("Query") <= 24


def test_what_a_batch_leaves_over_is_asked_for_again(world: LedgerWorld) -> None:
    for number in range(30):
        world.add(f"s{number:02}", number)
    world.database.faults.next("BatchGetItem", Unprocessed(29), Unprocessed(3))
    assert world.found() == [f"s{number:02}" for number in range(30)]
    assert len(world.waits) == 2 and world.waits[1] > world.waits[0] > 0


def test_a_table_that_stays_busy_is_no_empty_one(world: LedgerWorld) -> None:
    world.add("a")
    world.database.faults.always("BatchGetItem", Unprocessed(1))
    with pytest.raises(TableUnavailable):
        world.found()


def test_one_that_goes_between_index_and_table_is_left_out(world: LedgerWorld) -> None:
    world.add("a", 1)
    world.add("b", 2)
    client = world.reader.client
    gone = Before(lambda: client.delete_item(TableName=SESSIONS.name, Key={"id": {"S": "b"}}))
    world.database.faults.next("BatchGetItem", gone)
    assert world.found() == ["a"] and world.told == []


def test_an_item_that_is_none_of_ours_hides_no_others(world: LedgerWorld) -> None:
    world.add("a", 1)
    broken = world.add("b", 2)
    item = world.database.item(SESSIONS.name, "b")
    assert item is not None
    world.database.put(SESSIONS.name, {name: value for name, value in item.items() if name != "role_arn"})
    assert world.found() == ["a"]
    assert len(world.told) == 1 and "session b" in world.told[0] and "role_arn" in world.told[0]
    with pytest.raises(ValueError, match="role_arn"):
        world.reader.get(broken.id)


def test_one_session_is_read_whole(world: LedgerWorld) -> None:
    entry = world.add("a", reason="because", revoked_by="me", revoke_requested=5, live_in=("x", "y"))
    assert world.reader.get("a") == entry
    assert world.reader.get("b") is None


def test_what_dynamodb_refuses_is_not_swallowed(world: LedgerWorld) -> None:
    world.database.faults.always("Query", "ResourceNotFoundException")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        world.found()
