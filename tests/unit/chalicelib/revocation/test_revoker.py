"""The policies of roles are what the table says, whatever goes wrong on the way; the table tells how far they are."""

import json
from collections.abc import Callable

import pytest

from chalicelib.revocation import requests
from chalicelib.revocation.policy import POLICY_NAME
from chalicelib.revocation.probe import NotAsked
from testing.dynamodb.credvend_tables import REVOCATIONS, SESSIONS
from testing.dynamodb.faults import Before, LoseAnswer, LoseRequest
from tests.unit.chalicelib.revocation.revoked import HOUR, NOW, Session, request_id
from tests.unit.chalicelib.revocation.world import (
    CHAINED,
    PLAIN,
    PROBED,
    READER,
    World,
    asked,
    denied,
    number_of,
    session,
)

ID = f"session#{request_id(1)}"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("chalicelib.revocation.probe.PROBE_SECONDS", 0)
    monkeypatch.setattr("chalicelib.revocation.probe.PAUSE_SECONDS", 0.01)
    return World()


def test_what_is_asked_for_is_written_and_noted_and_on_record(world: World) -> None:
    world.database.put(SESSIONS.name, {"id": {"S": request_id(1)}})
    world.ask(session(1))
    world.clock.now += 2
    world.run()
    assert Session(request_id(1)).is_denied(world.policy())
    assert world.item(ID)["written"] == {"N": str((NOW + 2) * 1000)}
    assert world.item(ID)["state"] == {"S": requests.WRITTEN}
    entry = world.database.item(SESSIONS.name, request_id(1))
    assert entry is not None and entry["revoke_written"] == {"N": str((NOW + 2) * 1000)}
    ((event, fields),) = world.records
    assert event == "revocation.written"
    assert (fields["role"], fields["role_arn"], fields["revocations"]) == ("reader", READER.arn, [ID])


def test_a_role_without_a_probe_is_written_and_never_said_to_be_in_force(world: World) -> None:
    world.ask(session(1))
    world.run()
    assert "in_force" not in world.item(ID) and world.sessions.opened == []


def test_what_it_notes_itself_does_not_bring_it_back(world: World) -> None:
    world.ask(session(1))
    world.run()
    assert (world.iam.written, len(world.records)) == (1, 1)


def test_twenty_that_are_asked_for_while_it_writes_are_all_in_the_policy(world: World) -> None:
    for number in range(1, 20):
        world.iam.before_put.append(lambda number=number: world.ask(session(number)))  # type: ignore[misc]
    world.ask(session(0))
    world.run()
    assert all(Session(request_id(number)).is_denied(world.policy()) for number in range(20))
    assert all("written" in world.item(f"session#{request_id(number)}") for number in range(20))


def test_an_older_state_that_another_invocation_writes_late_does_not_stay(world: World) -> None:
    """Both read; the other writes first and is done; then the older state is written over it."""
    world.ask(session(1))
    first = world.new_changes()

    def the_other() -> None:
        world.ask(session(2))
        world.bring(world.new_changes())

    world.iam.before_put.append(the_other)
    assert world.bring(first) == []
    assert all(Session(request_id(number)).is_denied(world.policy()) for number in (1, 2))


def test_what_was_asked_for_anew_meanwhile_is_not_noted_as_written(world: World) -> None:
    def later() -> None:
        world.ask(requests.role_item(asked(at=NOW + 60)))

    world.ask(requests.role_item(asked()))
    # After it was read for the last time, and before it is noted.
    world.database.faults.next("UpdateItem", Before(later))
    first = world.new_changes()
    world.bring(first)
    assert "written" not in world.item("role")
    world.run()
    assert "written" in world.item("role")
    assert Session(issued=NOW + 59).is_denied(world.policy())


def test_an_earlier_request_that_comes_late_does_not_take_a_later_one_back(world: World) -> None:
    world.ask(requests.role_item(asked(at=NOW + 60)))
    assert not requests.ask(world.table, requests.role_item(asked()))
    world.run()
    assert Session(issued=NOW + 59).is_denied(world.policy())


def test_other_inline_policies_stay_and_count(world: World) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "x" * 9_700}]})
    world.iam.policies[READER.arn] = {"by-hand": text}
    for number in range(20):
        world.ask(session(number, at=NOW + number))
    world.run()
    assert world.iam.policies[READER.arn]["by-hand"] == text
    assert all(Session(request_id(number)).is_denied(world.policy()) for number in range(20))
    widened = [
        number for number in range(20) if world.item(f"session#{request_id(number)}")["widened"] == {"BOOL": True}
    ]
    assert widened and widened == list(range(len(widened)))
    (_, fields) = world.records[0]
    assert fields["widened"] == [f"session#{request_id(number)}" for number in widened]


def test_a_role_without_room_says_how_much_is_needed(world: World) -> None:
    world.iam.policies[READER.arn] = {"by-hand": "x" * 10_200}
    world.ask(session(1))
    world.run()
    problem = str(world.item(ID)["problem"]["S"])
    assert "leave 40 of IAM's 10,240 characters" in problem and "make room" in problem
    assert world.records[0][1]["cause"] == "no_room"


@pytest.mark.no_cover
def test_where_iam_counts_more_characters_it_widens_further(world: World) -> None:
    for number in range(300):
        world.ask(session(number, at=NOW + number))
    world.iam.counts_more = 400
    world.run()
    assert all(Session(request_id(number)).is_denied(world.policy()) for number in range(300))
    world.iam.policies[READER.arn] = {"by-hand": "x" * 9_500}
    world.iam.counts_more = 5_000
    world.ask(session(300))
    world.run()
    assert world.records[-1][1]["cause"] == "no_room"


@pytest.mark.no_cover
def test_three_hundred_of_one_role_stay_within_the_limit(world: World) -> None:
    for number in range(300):
        world.ask(session(number, at=NOW + number))
    world.run()
    assert len(world.iam.policies[READER.arn][POLICY_NAME]) <= 10_240
    assert all(Session(request_id(number)).is_denied(world.policy()) for number in range(300))


def test_what_has_ended_is_pruned_and_the_last_takes_the_policy_with_it(world: World) -> None:
    world.ask(session(1, until=NOW + 60))
    world.ask(session(2))
    world.run()
    world.clock.now += 61 + 86_400
    world.database.delete_expired(REVOCATIONS.name)  # brings REMOVE: only the first
    assert world.database.item(REVOCATIONS.name, READER.arn, ID) is None
    world.clock.now = NOW + 61
    world.run()
    assert not Session(request_id(1)).is_denied(world.policy())
    assert Session(request_id(2)).is_denied(world.policy())
    world.clock.now += HOUR + 2 * 86_400
    world.database.delete_expired(REVOCATIONS.name)
    world.run()
    assert world.iam.policies[READER.arn] == {}


def test_what_others_made_of_a_role_is_denied_for_as_long_as_it_may_last(world: World) -> None:
    """Credvend's sessions last an hour, others' twelve: they must not be let in again by the next revocation."""
    world.ask(requests.role_item(asked()))
    world.run()
    world.clock.now += 12 * HOUR
    world.ask(session(1, at=NOW + 12 * HOUR, until=NOW + 13 * HOUR))
    world.run()
    assert Session(issued=NOW).is_denied(world.policy())


def test_sessions_that_were_chained_are_denied_at_the_role_they_went_on_to(world: World) -> None:
    world.ask(session(1, CHAINED, chained=True))
    world.run()
    assert Session(request_id(1)).is_denied(world.policy(CHAINED))


def test_a_role_that_the_catalog_does_not_know_is_left_alone(world: World) -> None:
    stranger = "arn:aws:iam::111122223333:role/stranger"
    world.ask(session(1, stranger))
    world.run()
    assert stranger not in world.iam.policies
    assert "put it into roles.yaml" in str(world.item(ID, stranger)["problem"]["S"])
    assert world.records[0][1]["cause"] == "not_in_catalog"


def test_one_role_s_trouble_does_not_keep_the_others_from_theirs(world: World) -> None:
    for role in (READER, PLAIN):
        world.ask(session(1, role.arn))
    world.iam.failures = [denied("Ask the owner.")]
    world.run()
    assert world.item(ID)["problem"] == {"S": "Ask the owner."} and world.item(ID)["state"] == {"S": requests.FAILED}
    assert Session(request_id(1)).is_denied(world.policy(PLAIN.arn))
    assert world.events() == ["revocation.failed", "revocation.written"]


def test_what_passes_is_brought_again_and_what_does_not_is_not(world: World) -> None:
    world.ask(session(1))
    batch = world.new_changes()
    world.iam.failures = [denied(passes=True), denied()]
    assert world.bring(batch) == [number_of(batch[0])]
    assert world.bring(batch) == []
    assert world.bring(batch) == []
    assert "problem" not in world.item(ID) and "written" in world.item(ID)


def test_a_failure_is_asked_for_again_by_the_next_that_is_about_the_role(world: World) -> None:
    world.ask(session(1))
    world.iam.failures = [denied()]
    world.run()
    world.ask(session(2))
    world.run()
    assert all("written" in world.item(f"session#{request_id(number)}") for number in (1, 2))


@pytest.mark.parametrize("operation", ["Query", "UpdateItem"])
@pytest.mark.parametrize("fault", ["ThrottlingException", LoseRequest(), LoseAnswer(), "ResourceNotFoundException"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_table_that_does_not_answer_costs_another_try_and_nothing_else(
    world: World, operation: str, fault: object, place: int
) -> None:
    world.database.put(SESSIONS.name, {"id": {"S": request_id(1)}})
    world.ask(session(1))
    world.database.faults.next(operation, *[None] * place, fault)  # type: ignore[arg-type]
    batch = world.new_changes()
    assert world.bring(batch) == [number_of(batch[0])]
    assert world.records[-1][1]["cause"] == "table_unavailable"
    world.run()
    assert world.bring(batch) == []
    assert Session(request_id(1)).is_denied(world.policy()) and "written" in world.item(ID)
    entry = world.database.item(SESSIONS.name, request_id(1))
    assert entry is not None and "revoke_written" in entry


def test_something_unforeseen_is_on_record_and_comes_again(world: World) -> None:
    world.ask(session(1))
    world.iam.failures = [RuntimeError("secret")]
    world.run()
    event, fields = world.records[0]
    assert (event, fields["cause"], fields["error_type"]) == ("revocation.failed", "unforeseen", "RuntimeError")
    assert "secret" not in json.dumps(world.records)
    assert "written" in world.item(ID)


def test_without_a_record_nothing_is_noted_as_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    world.ask(session(1))
    batch = world.new_changes()
    with monkeypatch.context() as patch:
        patch.setattr(world, "write", full)
        with pytest.raises(OSError, match="No space"):
            world.bring(batch)
    assert "written" not in world.item(ID)


def test_who_has_no_time_left_begins_nothing(world: World) -> None:
    world.context.milliseconds = 59_999
    world.ask(session(1))
    batch = world.new_changes()
    assert world.bring(batch) == [number_of(batch[0])]
    assert world.records == [] and world.iam.policies == {}


def test_killed_between_any_two_steps_nothing_is_lost() -> None:
    for steps in range(40):
        world = World()
        world.database.put(SESSIONS.name, {"id": {"S": request_id(1)}})
        for item in (session(1), session(1, PROBED.arn), session(2), requests.role_item(asked(PLAIN.arn))):
            world.ask(item)
        world.steps_left = steps
        world.run()
        assert Session(request_id(1)).is_denied(world.policy()) and Session(request_id(2)).is_denied(world.policy())
        assert Session().is_denied(world.policy(PLAIN.arn))
        for role, id in ((READER, ID), (READER, f"session#{request_id(2)}"), (PLAIN, "role")):
            assert world.item(id, role.arn)["state"] == {"S": requests.WRITTEN}
        assert world.item(ID, PROBED.arn)["state"] == {"S": requests.IN_FORCE}
        on_record = {fields["role"] for event, fields in world.records if event == "revocation.written"}
        assert on_record == {"reader", "probed", "plain"}
        if world.steps_left is not None:  # it was not killed any more: every step has had its turn
            return
    raise AssertionError("there are more steps than were tried")


def test_a_role_with_a_probe_is_seen_in_force(world: World) -> None:
    world.database.put(SESSIONS.name, {"id": {"S": request_id(1)}})
    world.ask(session(1, PROBED.arn))
    world.clock.now += 3
    world.run()
    assert world.item(ID, PROBED.arn)["in_force"] == {"N": str((NOW + 3) * 1000)}
    entry = world.database.item(SESSIONS.name, request_id(1))
    assert entry is not None and entry["revoke_in_force"] == {"N": str((NOW + 3) * 1000)}
    assert world.events() == ["revocation.written", "revocation.in_force"]
    assert world.records[1][1]["probe"] == "ec2:DescribeInstances"


def test_one_proof_is_for_all_that_the_policy_denies(world: World) -> None:
    for number in range(30):
        world.ask(session(number, PROBED.arn))
    world.ask(requests.role_item(asked(PROBED.arn)))
    world.run()
    assert all("in_force" in world.item(f"session#{request_id(number)}", PROBED.arn) for number in range(30))
    assert "in_force" in world.item("role", PROBED.arn)
    assert world.events().count("revocation.in_force") == 1


def test_a_probe_that_is_refused_whatever_the_policy_says_proves_nothing(world: World) -> None:
    world.sessions.may_probe = False
    world.ask(session(1, PROBED.arn))
    world.run()
    assert "in_force" not in world.item(ID, PROBED.arn)
    assert (world.events()[1], world.records[1][1]["cause"]) == ("revocation.unproved", "probe_not_allowed")


def test_what_is_still_let_in_is_asked_again(world: World) -> None:
    world.sessions.answers = [True, True]  # the other session, as it should be; and that of the tag
    world.ask(session(1, PROBED.arn))
    world.run()
    assert world.events() == ["revocation.written", "revocation.unproved", "revocation.in_force"]
    assert "in_force" in world.item(ID, PROBED.arn)


def test_a_role_that_does_not_trust_the_revoker_is_written_all_the_same(world: World) -> None:
    world.sessions.answers = [NotAsked("It does not let the revoker in.", "probe_not_trusted")]
    world.ask(session(1, PROBED.arn))
    world.run()
    assert world.item(ID, PROBED.arn)["state"] == {"S": requests.WRITTEN}
    assert world.records[1][1]["cause"] == "probe_not_trusted"


def test_what_the_policy_does_not_deny_any_more_is_not_said_to_be_in_force(world: World) -> None:
    world.ask(session(1, PROBED.arn))
    world.bring(world.new_changes())
    changes = world.new_changes()
    world.iam.policies[PROBED.arn][POLICY_NAME] = world.iam.policies[PROBED.arn][POLICY_NAME].replace(
        request_id(1), request_id(2)
    )
    world.bring(changes)
    assert "in_force" not in world.item(ID, PROBED.arn)


def test_a_policy_that_iam_shows_late_is_looked_at_again(world: World) -> None:
    """GetRolePolicy may answer for a while with what was before."""
    world.ask(session(1, PROBED.arn))
    world.run()
    before = world.iam.policies[PROBED.arn][POLICY_NAME]
    world.ask(session(2, PROBED.arn))
    world.bring(world.new_changes())
    now, world.iam.policies[PROBED.arn][POLICY_NAME] = world.iam.policies[PROBED.arn][POLICY_NAME], before
    changes = world.new_changes()
    assert world.bring(changes) and world.records[-1][1]["cause"] == "not_as_written"
    world.iam.policies[PROBED.arn][POLICY_NAME] = now
    assert world.bring(changes) == []
    assert "in_force" in world.item(f"session#{request_id(2)}", PROBED.arn)


@pytest.mark.parametrize(
    "change",
    [
        lambda item: item.pop("request_id"),
        lambda item: item.update(form={"S": "other"}),
        lambda item: item.update(request_id={"S": '*"]}'}),
        lambda item: item.update(requested={"S": "x"}),
        lambda item: item.update(form={"S": "issued_before"}, issued_before={"N": "9" * 12}),
        lambda item: item.update(form={"S": "issued_before"}, issued_before={"N": "-99999999999999"}),
        lambda item: item.update(until={"N": "9" * 20}),
    ],
)
def test_an_item_that_is_no_revocation_is_left_out_and_harms_no_other(
    world: World, change: Callable[[dict[str, object]], object], caplog: pytest.LogCaptureFixture
) -> None:
    broken: dict[str, object] = {**session(2)}
    change(broken)
    world.database.put(REVOCATIONS.name, broken)
    world.ask(session(1))
    world.run()
    assert Session(request_id(1)).is_denied(world.policy())
    assert "is none" in caplog.text


def test_callers_that_cannot_be_told_apart_are_not_asked_for() -> None:
    with pytest.raises(ValueError, match="neither tags nor a source identity"):
        requests.caller_item(asked(), "alice", None, None)


def test_sessions_of_one_caller_that_have_no_room_are_noted_as_folded_and_on_record(world: World) -> None:
    for number in range(300):
        world.ask(requests.session_item(asked(at=NOW + number), request_id(number), "greedy"))
    world.run()
    noted = world.item(f"session#{request_id(7)}")
    assert (noted["folded"], noted["widened"]) == ({"BOOL": True}, {"BOOL": False})
    (_, fields) = world.records[0]
    assert len(str(fields["folded"]).split(",")) == 300 and "widened" not in fields
    assert not Session("another", "somebody", issued=NOW - HOUR).is_denied(world.policy())
