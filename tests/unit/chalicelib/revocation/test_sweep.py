"""What the stream has given up, or holds up, is tried again until it is written or its sessions have ended."""

from dataclasses import replace

import pytest

from chalicelib.revocation import requests
from chalicelib.revocation.policy import POLICY_NAME
from chalicelib.revocation.sweep import find_pending, is_sweep
from testing.dynamodb.credvend_tables import SESSIONS
from testing.dynamodb.faults import LoseRequest
from testing.iam_policy import Json
from tests.unit.chalicelib.revocation.revoked import HOUR, NOW, Session, request_id, revocation
from tests.unit.chalicelib.revocation.world import PLAIN, PROBED, READER, World, denied, session

ID = f"session#{request_id(1)}"
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
EVENT: Json = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "111122223333",
    "time": "2026-11-26T18:00:00Z",
    "region": "eu-west-1",
    "resources": ["arn:aws:events:eu-west-1:111122223333:rule/credvend-prod-sweep"],
    "detail": {},
}
MINUTE = 60


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("chalicelib.revocation.probe.PROBE_SECONDS", 0)
    monkeypatch.setattr("chalicelib.revocation.probe.PAUSE_SECONDS", 0.01)
    return World()


def sweep(world: World) -> None:
    assert world.revoker.handle(EVENT, world.context) == {}


def test_what_the_stream_has_given_up_is_written_once_iam_is_well(world: World) -> None:
    world.ask(session(1))
    world.new_changes()  # brought as often as AWS does, and given up
    world.clock.now += 2 * MINUTE
    sweep(world)
    assert Session(request_id(1)).is_denied(world.policy()) and world.item(ID)["state"] == {"S": requests.WRITTEN}
    assert world.events() == ["revocation.written"]


def test_it_is_tried_until_it_is_written_and_its_failure_is_on_record_once(world: World) -> None:
    world.ask(session(1))
    world.iam.failures = [denied() for _ in range(6)]
    world.run()
    for _ in range(5):
        world.clock.now += MINUTE
        sweep(world)
    assert world.iam.failures == [] and world.events() == ["revocation.failed"]
    world.clock.now += MINUTE
    sweep(world)
    assert world.events() == ["revocation.failed", "revocation.written"] and "problem" not in world.item(ID)


def test_another_problem_than_before_is_noted_and_on_record(world: World) -> None:
    world.ask(session(1))
    world.iam.failures = [denied("no"), denied("never")]
    world.run()
    world.clock.now += MINUTE
    sweep(world)
    assert world.events() == ["revocation.failed"] * 2 and world.item(ID)["problem"] == {"S": "never"}


def test_what_is_bad_holds_up_nobody_behind_it(world: World) -> None:
    for role in (READER, PLAIN):
        world.ask(session(1, role.arn))
    world.new_changes()
    world.clock.now += MINUTE
    world.iam.failures = [denied(passes=True)]
    sweep(world)
    first, other = sorted([READER.arn, PLAIN.arn], key=lambda arn: POLICY_NAME in world.iam.policies.get(arn, {}))
    assert "written" not in world.item(ID, first) and "written" in world.item(ID, other)


def test_what_is_younger_is_left_to_the_stream(world: World) -> None:
    world.ask(session(1))
    world.clock.now += MINUTE - 1
    sweep(world)
    assert world.iam.written == 0 and world.records == []


def test_what_has_ended_is_left_alone(world: World) -> None:
    world.ask(session(1, until=NOW + MINUTE))
    world.clock.now += MINUTE
    sweep(world)
    assert world.iam.written == 0 and world.records == []


def test_where_nothing_is_pending_it_asks_the_table_once_and_nothing_else(world: World) -> None:
    world.ask(session(1))
    world.run()
    world.clock.now += 5 * MINUTE
    world.database.operations()
    sweep(world)
    assert world.database.operations() == ["Scan"] and world.iam.written == 1 and len(world.records) == 1


def test_what_was_written_and_not_seen_in_force_is_proved(world: World) -> None:
    world.ask(session(1, PROBED.arn))
    world.bring(world.new_changes())
    world.new_changes()  # to be proved: given up
    world.clock.now += MINUTE
    world.sessions.answers = [True, False]
    sweep(world)
    assert "in_force" in world.item(ID, PROBED.arn)


def test_a_policy_that_somebody_took_off_before_it_was_seen_is_written_again(world: World) -> None:
    world.ask(session(1, PROBED.arn))
    world.bring(world.new_changes())
    world.new_changes()
    world.iam.policies.clear()
    world.clock.now += MINUTE
    sweep(world)
    assert Session(request_id(1)).is_denied(world.policy(PROBED.arn))
    assert world.events() == ["revocation.written", "revocation.unproved", "revocation.written"]


def test_the_ledger_is_told_of_what_was_written(world: World) -> None:
    world.database.put(SESSIONS.name, {"id": {"S": request_id(1)}})
    world.ask(session(1))
    world.bring(world.new_changes())
    world.new_changes()
    assert "told" not in world.item(ID)
    world.clock.now += MINUTE
    sweep(world)
    assert world.item(ID)["told"] == {"S": "written"}


def test_it_is_safe_beside_the_stream(world: World) -> None:
    world.ask(session(1))
    world.clock.now += MINUTE
    world.iam.before_put.append(lambda: sweep(world))
    world.ask(session(2))
    world.run()
    assert all(Session(request_id(number)).is_denied(world.policy()) for number in (1, 2))


def test_a_table_that_cannot_be_asked_waits_for_the_next_sweep(world: World) -> None:
    world.ask(session(1))
    world.clock.now += MINUTE
    world.database.faults.next("Scan", LoseRequest())
    sweep(world)
    assert world.records == []
    sweep(world)
    assert "written" in world.item(ID)


def test_it_begins_with_nothing_when_its_time_is_over(world: World) -> None:
    for role in (READER, PLAIN):
        world.ask(session(1, role.arn))
    world.clock.now += MINUTE

    def slow() -> None:
        world.clock.now += 31

    world.iam.before_put.append(slow)
    sweep(world)
    assert world.iam.written == 1
    world.clock.now += MINUTE
    sweep(world)
    assert all("written" in world.item(ID, role.arn) for role in (READER, PLAIN))


def test_at_first_it_is_tried_each_minute_and_then_less_often() -> None:
    one = revocation(until=NOW + 12 * HOUR)

    def tries(first: int, last: int) -> int:
        minutes = range(first, last)
        return sum(bool(find_pending([one], NOW + m * 60, lambda _: False).to_write) for m in minutes)

    assert (tries(0, 1), tries(1, 10), tries(10, 60), tries(60, 720)) == (0, 9, 10, 44)
    ahead = replace(one, requested=(NOW + HOUR) * 1000)
    assert find_pending([ahead], NOW, lambda _: False).to_write == [one.role_arn]


def test_each_role_comes_first_at_some_minute() -> None:
    some = [revocation(role_arn=f"arn:aws:iam::111122223333:role/{name}") for name in "abc"]
    first = {find_pending(some, NOW + m * 60, lambda _: False).to_write[0] for m in range(1, 4)}
    assert len(first) == 3


def test_a_batch_of_the_stream_is_no_sweep() -> None:
    assert is_sweep(EVENT) and not is_sweep({"Records": []}) and not is_sweep({"source": "aws.s3"})
