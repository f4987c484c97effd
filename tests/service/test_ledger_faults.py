"""Whatever goes wrong with the tables, nothing is vended that the ledger does not hold, and a record says why."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import boto3
import pytest

import app as app_module
from chalicelib.admission.with_ledger import WithLedger
from chalicelib.audit.log import AuditLog, EventName
from chalicelib.errors import AuditFailed
from testing.dynamodb.credvend_tables import QUOTAS
from testing.dynamodb.faults import LoseAnswer, LoseRequest, Refuse, cancel
from testing.dynamodb.serving import served
from testing.ledgered import Ledgered, ledgered, service

__all__ = ["ledgered"]
UNAVAILABLE = (503, "LedgerUnavailable", "2")
# What DynamoDB may say, with nothing written.
REFUSED = [
    Refuse("ResourceNotFoundException"),
    Refuse("ProvisionedThroughputExceededException"),
    Refuse("InternalServerError"),
    Refuse("AccessDeniedException"),
    Refuse("ThrottlingException"),
    Refuse("RequestLimitExceeded"),
]


def told(ledgered: Ledgered, number: int) -> tuple[int, object, str | None]:
    answer = ledgered.vend(number)
    assert "SecretAccessKey" not in answer.text
    return answer.status, answer.body["Code"], answer.headers.get("Retry-After")


@pytest.mark.parametrize("fault", [*REFUSED, LoseRequest()], ids=str)
def test_where_the_first_write_fails_sts_is_not_asked(ledgered: Ledgered, fault: Refuse | LoseRequest) -> None:
    ledgered.database.faults.always("TransactWriteItems", fault)
    assert told(ledgered, 1) == UNAVAILABLE
    assert ledgered.app.sts.asked == [] and ledgered.items() == []
    assert ledgered.events() == [("credentials.denied", "LedgerUnavailable")]
    ledgered.database.faults.clear()
    assert ledgered.vend(2).status == 200


def test_where_every_answer_to_the_first_write_is_lost_the_intent_stays(ledgered: Ledgered) -> None:
    ledgered.database.faults.always("TransactWriteItems", LoseAnswer())
    assert told(ledgered, 1) == UNAVAILABLE
    entry = ledgered.entry(1)
    assert entry is not None and (entry.state, entry.access_key_id) == ("requested", None)
    assert ledgered.app.sts.asked == []
    assert ledgered.events() == [("credentials.denied", "LedgerUnavailable")]


def test_an_answer_that_got_lost_once_costs_nobody_anything(
    ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore asks again: of the first write with the same token, of the second with the same access key id."""
    ledgered.configure("quotas: [{name: one, per_minute: 1, live: 1}]", monkeypatch)
    ledgered.database.faults.next("TransactWriteItems", LoseAnswer())
    ledgered.database.faults.next("UpdateItem", LoseAnswer())
    assert ledgered.vend(1).status == 200
    assert ledgered.database.operations() == ["TransactWriteItems"] * 2 + ["UpdateItem"] * 2
    entry = ledgered.entry(1)
    assert entry is not None and entry.state == "vended" and len(ledgered.items()) == 1
    taken = [item["taken"] for item in ledgered.database.items(QUOTAS.name) if "taken" in item]
    assert taken == [{"N": "1"}]
    assert ledgered.events() == [("credentials.requested", None), ("credentials.vended", None)]


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_that_meets_others_is_made_again(ledgered: Ledgered, reason: str) -> None:
    ledgered.database.faults.next("TransactWriteItems", *[cancel("None", reason)] * 3)
    assert ledgered.vend(1).status == 200
    assert ledgered.database.operations() == ["TransactWriteItems"] * 4 + ["UpdateItem"]
    assert len(ledgered.items()) == 1


def test_it_is_made_again_with_another_copy_of_what_is_blocked(ledgered: Ledgered) -> None:
    ledgered.database.faults.next("TransactWriteItems", *[cancel("TransactionConflict")] * 5)
    ledgered.vend(1)
    gates = {
        str(action["ConditionCheck"]["Key"]["id"]["S"])
        for asked in ledgered.database.asked
        for action in asked.parameters.get("TransactItems", [])  # type: ignore[attr-defined]
        if "ConditionCheck" in action
    }
    assert len(gates) > 1


def test_a_transaction_that_meets_others_for_ever_is_given_up(ledgered: Ledgered) -> None:
    ledgered.database.faults.always("TransactWriteItems", cancel("TransactionConflict"))
    assert told(ledgered, 1) == UNAVAILABLE
    asked = ledgered.database.operations()
    # Its patience may end before that, where pauses happen to be long.
    assert {*asked} == {"TransactWriteItems"} and 3 <= len(asked) <= 6
    assert ledgered.app.sts.asked == [] and ledgered.items() == []


@pytest.mark.parametrize("fault", [*REFUSED, LoseRequest(), LoseAnswer()], ids=str)
def test_where_the_second_write_fails_nothing_is_handed_out(
    ledgered: Ledgered, fault: Refuse | LoseRequest | LoseAnswer
) -> None:
    if isinstance(fault, LoseAnswer):
        ledgered.database.faults.next("UpdateItem", LoseAnswer(), LoseRequest())
    else:
        ledgered.database.faults.always("UpdateItem", fault)
    assert told(ledgered, 1) == UNAVAILABLE
    entry = ledgered.entry(1)
    assert entry is not None and entry.state == ("vended" if isinstance(fault, LoseAnswer) else "requested")
    records = ledgered.app.records()
    assert [record["event"] for record in records] == ["credentials.requested", "credentials.failed"]
    assert records[1]["cause"] == "LedgerUnavailable" and records[1]["access_key_id"] == "ASIAEXAMPLE"


def test_an_entry_that_is_there_already_is_not_written_over(ledgered: Ledgered) -> None:
    """Lambda gives each invocation an id of its own. Were one to come twice, the first entry would be lost."""
    assert ledgered.vend(1).status == 200
    before = ledgered.items()
    assert told(ledgered, 1) == UNAVAILABLE
    assert ledgered.items() == before and len(ledgered.app.sts.asked) == 1


def test_an_entry_that_somebody_took_away_meanwhile_is_not_made_up(ledgered: Ledgered) -> None:
    ledgered.database.faults.next("UpdateItem", Refuse("ConditionalCheckFailedException"))
    assert told(ledgered, 1) == UNAVAILABLE


class Torn(AuditLog):
    """A log that cannot be written from some event on."""

    def __init__(self, event: EventName) -> None:
        super().__init__()
        self._torn = event

    def write(self, event: EventName, fields: dict[str, object]) -> None:
        if event == self._torn:
            raise AuditFailed
        super().write(event, fields)


@pytest.mark.parametrize(
    ("event", "state", "asked"), [("credentials.requested", "failed", 0), ("credentials.vended", "vended", 1)]
)
def test_where_the_log_fails_the_ledger_says_what_may_be(
    ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch, event: EventName, state: str, asked: int
) -> None:
    monkeypatch.setattr(app_module, "service", app_module.service._replace(audit_log=Torn(event)))
    assert told(ledgered, 1) == (500, "AuditFailed", None)
    entry = ledgered.entry(1)
    assert entry is not None and entry.state == state and len(ledgered.app.sts.asked) == asked


# The function killed between each two steps: where, and what ledger and log then hold.
KILLED = {
    "before the first write": ((), None),
    "after the first write": ((), "requested"),
    "after the record of the intent": (("credentials.requested",), "requested"),
    "after STS has answered": (("credentials.requested",), "requested"),
    "after the second write": (("credentials.requested",), "vended"),
    "after the last record": (("credentials.requested", "credentials.vended"), "vended"),
}


def die(*_: object) -> None:
    """As Lambda kills: nothing is cleaned up."""
    os._exit(9)


def dying_at(place: str) -> tuple[str, Callable[..., object]]:
    """A step, and what is put in its place: the end of the process, perhaps after it."""
    admit, vended, write = WithLedger.admit, WithLedger.vended, AuditLog.write

    def then_die(step: Callable[..., object]) -> Callable[..., object]:
        def both(*arguments: object) -> None:
            step(*arguments)
            die()

        return both

    def write_and_die(last: EventName) -> Callable[..., object]:
        def write_one(self: AuditLog, event: EventName, fields: dict[str, object]) -> None:
            write(self, event, fields)
            if event == last:
                die()

        return write_one

    ledger, log = "chalicelib.admission.with_ledger.WithLedger", "chalicelib.audit.log.AuditLog.write"
    places: dict[str, tuple[str, Callable[..., object]]] = {
        "before the first write": (f"{ledger}.admit", die),
        "after the first write": (f"{ledger}.admit", then_die(admit)),
        "after the record of the intent": (log, write_and_die("credentials.requested")),
        "after STS has answered": (f"{ledger}.vended", die),
        "after the second write": (f"{ledger}.vended", then_die(vended)),
        "after the last record": (log, write_and_die("credentials.vended")),
    }
    return places[place]


@pytest.mark.parametrize("place", KILLED)
def test_a_function_that_is_killed_leaves_no_session_without_an_entry(
    ledgered: Ledgered, place: str, tmp_path: Path
) -> None:
    """In a process of its own, which is ended as Lambda ends one: nothing is cleaned up."""
    events, state = vend_and_die(ledgered, place, tmp_path / "log")
    assert (tuple(events), state) == KILLED[place]
    # Whoever was not answered asks again, and is a new request.
    assert ledgered.vend(2).status == 200


def vend_and_die(ledgered: Ledgered, place: str, log: Path) -> tuple[list[str], str | None]:
    """The events that the log holds, and the state of the entry."""
    with served(ledgered.database) as url:
        there = boto3.client("dynamodb", region_name="ap-northeast-2", endpoint_url=url)
        with (
            patch.object(app_module, "service", service(ledgered.config, there, ledgered.clock)),
            patch(*dying_at(place)),
        ):
            child = os.fork()
            if child == 0:
                with log.open("w", encoding="utf-8") as sys.stdout:
                    ledgered.vend(1)
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    entry = ledgered.entry(1)
    lines = log.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["event"] for line in lines], None if entry is None else entry.state
