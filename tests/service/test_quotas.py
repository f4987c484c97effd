"""A quota lets exactly so many through, whoever else asks at the same moment, and says when to come again."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import pytest

import app as app_module
from chalicelib.admission.with_ledger import WithLedger
from chalicelib.audit.log import AuditLog, EventName
from chalicelib.aws.transaction import PATIENCE_SECONDS
from chalicelib.callers.origin import Origin
from chalicelib.errors import QuotaExceeded
from chalicelib.wire.incoming import Incoming
from testing.app import Answer
from testing.clock import Clock
from testing.dynamodb.credvend_tables import QUOTAS
from testing.dynamodb.faults import After
from testing.events import iam_user, role_session
from testing.ledgered import Ledgered, ledgered, session_id
from testing.sts_server import Refusal

__all__ = ["ledgered"]


def limited(ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch, *quotas: str) -> None:
    listed = ", ".join(f"{{name: q{number}, {quota}}}" for number, quota in enumerate(quotas))
    ledgered.configure(f"quotas: [{listed}]", monkeypatch)


def refused(answer: Answer) -> tuple[int, object, str | None]:
    return answer.status, answer.body["Code"], answer.headers.get("Retry-After")


def test_a_minute_has_so_many_vends_and_the_next_one_as_many(
    ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(ledgered, monkeypatch, "per_minute: 2")
    ledgered.clock.now += 45  # of a minute that began 45 s ago
    assert [ledgered.vend(number).status for number in range(2)] == [200, 200]
    ledgered.app.records()
    third = ledgered.vend(2)
    assert refused(third) == (429, "QuotaExceeded", "15")
    assert "quota q0: 2 a minute" in str(third.body["Message"])
    (record,) = ledgered.app.records()
    told = {name: record[name] for name in ("event", "cause", "quota", "limit")}
    assert told == {"event": "credentials.denied", "cause": "QuotaExceeded", "quota": "q0", "limit": "2 a minute"}
    assert ledgered.entry(2) is None and len(ledgered.app.sts.asked) == 2
    ledgered.clock.now += 15
    assert ledgered.vend(3).status == 200


def test_a_day_has_so_many_vends(ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(ledgered, monkeypatch, "per_day: 1")
    assert ledgered.vend(1).status == 200
    ledgered.clock.now += 57_599  # 23:59:59 UTC
    assert refused(ledgered.vend(2)) == (429, "QuotaExceeded", "1")
    ledgered.clock.now += 1
    assert ledgered.vend(3).status == 200


def test_one_caller_takes_nothing_from_another(ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(ledgered, monkeypatch, "per_minute: 1, per_day: 1, live: 1")
    assert ledgered.vend(1).status == 200 and ledgered.vend(2).status == 429
    assert ledgered.vend(3, identity=iam_user("bob")).status == 200


def test_sessions_that_are_live_are_counted_until_they_end(ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(ledgered, monkeypatch, "live: 2")
    assert ledgered.vend(1).status == 200
    ledgered.clock.now += 300
    assert ledgered.vend(2).status == 200
    assert refused(ledgered.vend(3)) == (429, "QuotaExceeded", "60")
    ledgered.clock.now += 600  # the first ends
    ledgered.database.operations()
    assert ledgered.vend(4).status == 200
    # What has ended is taken out when the set is full: one round trip, and the transaction again.
    assert ledgered.database.operations() == ["TransactWriteItems", "UpdateItem", "TransactWriteItems", "UpdateItem"]
    assert refused(ledgered.vend(5)) == (429, "QuotaExceeded", "60")


def test_of_several_sets_that_are_full_of_ended_sessions_none_refuses(
    ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(ledgered, monkeypatch, "live: 1", "live: 1", "live: 1")
    assert [ledgered.vend(number).status for number in range(2)] == [200, 429]
    ledgered.clock.now += 900
    ledgered.database.operations()
    assert ledgered.vend(3).status == 200
    assert ledgered.database.operations() == [*["TransactWriteItems", "UpdateItem"] * 4]


@pytest.mark.parametrize("slow", ["TransactWriteItems", "UpdateItem"])
def test_a_set_that_is_full_of_ended_sessions_takes_no_time_that_sts_needs(
    ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    limited(ledgered, monkeypatch, "live: 1")
    assert ledgered.vend(1).status == 200
    ledgered.clock.now += 900
    running = Clock()
    admission = cast(WithLedger, app_module.service.admission)
    patient = admission._replace(transactions=replace(admission.transactions, clock=running))
    monkeypatch.setattr(app_module, "service", app_module.service._replace(admission=patient))

    def pass_time() -> None:
        running.now += PATIENCE_SECONDS + 0.1

    ledgered.database.faults.next(slow, After(pass_time))
    assert refused(ledgered.vend(2)) == (503, "LedgerUnavailable", "2") and len(ledgered.app.sts.asked) == 1
    assert ledgered.vend(3).status == 200


def test_what_sts_refuses_lives_no_longer_but_was_a_vend(ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(ledgered, monkeypatch, "live: 1", "per_minute: 2")
    ledgered.app.sts.refusals.append(Refusal("AccessDenied"))
    assert [ledgered.vend(number).status for number in range(3)] == [502, 200, 429]
    ledgered.clock.now += 60
    third = ledgered.vend(4)
    assert third.status == 429 and "q0: 1 live" in str(third.body["Message"])


def test_of_several_quotas_all_are_taken_from_or_none(ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(ledgered, monkeypatch, "per_day: 5", "per_minute: 1", "live: 5")
    assert [ledgered.vend(number).status for number in range(4)] == [200, 429, 429, 429]
    ledgered.clock.now += 60
    assert [ledgered.vend(number).status for number in range(10, 14)] == [200, 429, 429, 429]
    (day,) = (item for item in ledgered.database.items(QUOTAS.name) if "#day#" in str(item["id"]["S"]))
    (live,) = (item for item in ledgered.database.items(QUOTAS.name) if "#live#" in str(item["id"]["S"]))
    assert day["taken"] == {"N": "2"} and len(list(live["live"]["SS"])) == 2  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("quota", "counts"),
    [
        ("per_minute: 1, kind: IamUser", True),
        ("per_minute: 1, kind: IamRole", False),
        ("per_minute: 1, role: reader", True),
        ("per_minute: 1, role: brief", False),
        ("per_minute: 1, role_group: open", True),
        ("per_minute: 1, issuer: main", False),
        ("per_minute: 1, issuer: main, group: ops", False),
    ],
)
def test_a_quota_is_about_whom_it_says(
    ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch, quota: str, counts: bool
) -> None:
    limited(ledgered, monkeypatch, quota)
    assert [ledgered.vend(number).status for number in range(2)] == [200, 429 if counts else 200]


@pytest.mark.parametrize(("per", "second"), [("caller", 200), ("principal", 429)])
def test_sessions_of_one_role_may_count_together(
    ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch, per: str, second: int
) -> None:
    """Whoever may assume a role chooses the names of its sessions."""
    limited(ledgered, monkeypatch, f"per_minute: 1, per: {per}")
    sent = [ledgered.vend(n, identity=role_session("Dev", name)).status for n, name in enumerate(("a", "b"))]
    assert sent == [200, second]
    assert ledgered.vend(9, identity=role_session("Ops", "a")).status == 200


class OneLog(AuditLog):
    """What all threads write, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self.events: list[dict[str, object]] = []

    def write(self, event: EventName, fields: dict[str, object]) -> None:
        with self._lock:
            self.events.append({"event": event, **fields})


def vend_from_threads(log: OneLog, count: int, threads: int = 20) -> list[str]:
    """So many vends of alice's; for each, its outcome."""
    service = app_module.service._replace(audit_log=log)

    def vend(number: int) -> str:
        origin = Origin(session_id(number), "", "198.51.100.7", "", cold_start=False)
        body = json.dumps({"role": "reader"}).encode()
        incoming = Incoming("sigv4", iam_user(), origin, body=body, content_type="application/json")
        try:
            service.vend(incoming)
        except QuotaExceeded:
            return "over"
        return "vended"

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(vend, range(count)))


@pytest.mark.no_cover
@pytest.mark.parametrize("quota", ["per_minute: 100", "per_day: 100", "live: 100"])
def test_a_quota_of_100_lets_exactly_100_through(
    ledgered: Ledgered, monkeypatch: pytest.MonkeyPatch, quota: str
) -> None:
    limited(ledgered, monkeypatch, quota)
    log = OneLog()
    outcomes = vend_from_threads(log, 160)
    assert (outcomes.count("vended"), outcomes.count("over")) == (100, 60)
    assert len(ledgered.app.sts.asked) == len(ledgered.items()) == 100
    assert len([1 for event in log.events if event["event"] == "credentials.vended"]) == 100


@pytest.mark.no_cover
def test_ledger_log_and_sts_agree_one_to_one_on_2000_vends_from_20_threads(ledgered: Ledgered) -> None:
    log = OneLog()
    assert set(vend_from_threads(log, 2000)) == {"vended"}
    ids = {session_id(number) for number in range(2000)}
    entries = ledgered.entries()
    vended = [event for event in log.events if event["event"] == "credentials.vended"]
    requested = [event for event in log.events if event["event"] == "credentials.requested"]
    asked = [call["Tags.member.2.Value"] for call in ledgered.app.sts.asked]
    logged = [[str(event["request_id"]) for event in events] for events in (requested, vended)]
    for told in ([entry.id for entry in entries], *logged, asked):
        assert len(told) == 2000 and set(told) == ids
    keys = {str(event["request_id"]): event["access_key_id"] for event in vended}
    assert all(entry.state == "vended" and entry.access_key_id == keys[entry.id] for entry in entries)
