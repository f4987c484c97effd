"""What a revocation ends is noted with the sessions and counted as live no more, once it is written, whoever waits."""

from collections.abc import Mapping

import pytest

from chalicelib.ledger.entry import Entry, entry_of, item_of
from chalicelib.quotas.counts import member
from chalicelib.revocation import requests
from testing.dynamodb.credvend_tables import QUOTAS, SESSIONS
from testing.dynamodb.faults import LoseAnswer
from tests.unit.chalicelib.ledger.ledger_world import session
from tests.unit.chalicelib.revocation.revoked import NOW
from tests.unit.chalicelib.revocation.world import PROBED, READER, World, asked, denied

ALICE, BOB = "arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:user/bob"
SETS = ("few#live#x", "many#live#y")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("chalicelib.revocation.probe.PROBE_SECONDS", 0)
    return World()


def add(world: World, id: str, caller: str = ALICE, **changes: object) -> Entry:
    """A session that is live, and counted by the end that it could have at most: STS has said one a second later."""
    names: Mapping[str, object] = {"caller": caller, "caller_tag": caller, "role_arn": READER.arn, "live_in": SETS}
    entry = session(id, NOW - 60, **{**names, "expires": NOW - 60 + 3600 + 1, **changes})
    world.database.put(SESSIONS.name, item_of(entry, 90 * 86_400))
    for live in SETS:
        there = world.database.item(QUOTAS.name, live) or {"live": {"SS": ["9999999999#another"]}}
        counted = [*there["live"]["SS"], member(id, NOW - 60 + 3600)]  # type: ignore[misc]
        world.database.put(QUOTAS.name, {"id": {"S": live}, "live": {"SS": counted}})
    return entry


def entry(world: World, id: str) -> Entry:
    item = world.database.item(SESSIONS.name, id)
    assert item is not None
    return entry_of(item)  # type: ignore[arg-type]


def live(world: World) -> set[str]:
    """The ids of those that quotas count."""
    (one, other) = (world.database.item(QUOTAS.name, name) for name in SETS)
    assert one is not None and other is not None and one["live"] == other["live"]
    return {str(text).partition("#")[2] for text in one["live"]["SS"]}  # type: ignore[attr-defined]


def test_a_session_is_counted_as_live_until_its_end_is_written(world: World) -> None:
    """Else whoever may have five live sessions has any number, of a role whose policy cannot be written."""
    add(world, "a")
    world.ask(requests.session_item(asked(), "a"))
    world.iam.failures = [denied()]
    world.run()
    assert live(world) == {"a", "another"}
    world.ask(requests.session_item(asked(at=NOW + 1), "a"))
    world.run()
    assert live(world) == {"another"} and not entry(world, "a").is_live(NOW)


def test_it_is_taken_out_by_either_end_that_it_may_be_counted_by(world: World) -> None:
    one = add(world, "a")
    world.database.put(QUOTAS.name, {"id": {"S": SETS[0]}, "live": {"SS": [member("a", one.expires), "9#another"]}})
    world.database.put(QUOTAS.name, {"id": {"S": SETS[1]}, "live": {"SS": [member("a", NOW + 3540), "9#another"]}})
    world.ask(requests.session_item(asked(), "a"))
    world.run()
    assert live(world) == {"another"}


@pytest.mark.parametrize(
    ("item", "ended"),
    [
        (requests.caller_item(asked(), ALICE, ALICE, None), {"a", "b"}),
        (requests.role_item(asked(), {"reader", "reader-2"}), {"a", "b", "bob"}),
        (requests.caller_item(asked(chained=True), ALICE, ALICE, "alice"), set()),
    ],
)
def test_all_that_a_caller_s_or_a_role_s_revocation_ends_is_noted_though_nobody_waits(
    world: World, item: requests.Item, ended: set[str]
) -> None:
    add(world, "a")
    add(world, "b", role="reader-2")
    add(world, "bob", BOB)
    add(world, "later", expires=NOW + 5 + 3600)
    add(world, "elsewhere", role_arn=PROBED.arn)
    add(world, "over", requested_at=(NOW - 4000) * 1000, expires=NOW - 400)
    world.ask(item)
    world.iam.policies[str(item["role_arn"]["S"])] = {}
    world.run()
    everybody = {"a", "b", "bob", "later", "elsewhere", "over"}
    assert {id for id in everybody if entry(world, id).revoke_written is not None} == ended
    assert live(world) == everybody - ended | {"another"}


def test_when_it_was_seen_in_force_is_noted_as_well(world: World) -> None:
    add(world, "a", role_arn=PROBED.arn, role="probed")
    world.ask(requests.role_item(asked(PROBED.arn), {"probed"}))
    world.sessions.answers = [True, True]  # the session of the tag is still let in, at first
    world.bring(world.new_changes())
    changes = world.new_changes()
    again = world.bring(changes)
    assert entry(world, "a").revoke_written == NOW * 1000 and entry(world, "a").revoke_in_force is None
    assert again
    world.clock.now += 3
    world.bring(changes)
    assert entry(world, "a").revoke_in_force == (NOW + 3) * 1000
    # Told once: what it notes itself does not bring it back.
    world.database.operations()
    world.run()
    assert "UpdateItem" not in world.database.operations()


@pytest.mark.parametrize("operation", ["Query", "BatchGetItem", "UpdateItem"])
@pytest.mark.parametrize("fault", ["ThrottlingException", LoseAnswer()])
def test_a_table_that_does_not_answer_leaves_nothing_out(world: World, operation: str, fault: object) -> None:
    for number in range(5):
        add(world, f"a{number}")
    world.ask(requests.caller_item(asked(), ALICE, ALICE, None))
    world.bring(world.new_changes())
    changes = world.new_changes()
    # The first asked of the table of revocations, and of the sessions, is let through.
    world.database.faults.next(operation, *[None] * (2 if operation != "BatchGetItem" else 0), fault)  # type: ignore[arg-type]
    assert world.bring(changes)
    world.run()
    world.bring(changes)
    assert live(world) == {"another"}
    assert all(entry(world, f"a{number}").revoke_written is not None for number in range(5))


def test_who_has_no_time_left_goes_on_where_it_was(world: World) -> None:
    for number in range(5):
        add(world, f"a{number}")
    world.ask(requests.caller_item(asked(), ALICE, ALICE, None))
    world.bring(world.new_changes())
    changes = world.new_changes()
    looks = iter([60_000, 60_000, 60_000, 0])
    world.context.get_remaining_time_in_millis = lambda: next(looks)  # type: ignore[method-assign]
    assert world.bring(changes)
    noted = {number for number in range(5) if entry(world, f"a{number}").revoke_written is not None}
    assert len(noted) == 2
    world.context.get_remaining_time_in_millis = lambda: 300_000  # type: ignore[method-assign]
    assert world.bring(changes) == []
    assert live(world) == {"another"}
