"""The ledger that is made from the audit log is the one that the service has written, and nothing newer is lost."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.ledger.entry import Entry, item_of
from ops.errors import NotFinished
from ops.ledger.rebuilding import Rebuilding
from testing.dynamodb.credvend_tables import SESSIONS
from testing.dynamodb.faults import Before
from tests.unit.chalicelib.ledger.ledger_world import ALICE, DAY, session
from tests.unit.ops.stage_tables import StageTables

KEEP = 90 * DAY


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(entry: Entry, event: str, seconds: float, **more: object) -> dict[str, Any]:
    """What the service writes of it: docs/audit.md."""
    tags = {"credvend:caller": entry.caller_tag, "credvend:request": entry.tag} if entry.tagged else {}
    fields = {
        "level": "INFO", "message": event, "service": "credvend.audit", "event": event, "timestamp": moment(seconds),
        "request_id": entry.id, "caller": entry.caller, "caller_type": entry.caller_type, "role": entry.role,
        "role_arn": entry.role_arn, "duration": entry.duration, "session_name": entry.session_name,
        "source_identity": entry.source_identity, "session_tags": tags, "reason": entry.reason, "dry_run": False,
        "live_in": list(entry.live_in) or None,
    }  # fmt: skip
    return {name: value for name, value in (fields | more).items() if value is not None}


class Log:
    """Lines, each with its moment."""

    def __init__(self) -> None:
        self.lines: list[tuple[float, str]] = []
        self.asked: list[tuple[int, int]] = []

    def add(self, entry: Entry, end: str | None = "vended", took: float = 1.0) -> None:
        """What a request leaves behind."""
        asked = entry.requested_at / 1000 + 0.02
        self.write(asked, record(entry, "credentials.requested", asked))
        if end == "vended":
            more = {"access_key_id": entry.access_key_id, "expiration": moment(entry.expires)}
            self.write(asked + took, record(entry, "credentials.vended", asked + took, **more))
        elif end == "failed":
            more = {"access_key_id": entry.access_key_id, "cause": entry.cause}
            self.write(asked + took, record(entry, "credentials.failed", asked + took, **more))

    def write(self, seconds: float, line: object) -> None:
        self.lines.append((seconds, line if isinstance(line, str) else json.dumps(line)))

    def read(self, since: int, until: int) -> Iterator[str]:
        self.asked.append((since, until))
        return (line for seconds, line in self.lines if since <= seconds * 1000 < until)


@pytest.fixture
def tables() -> StageTables:
    return StageTables()


@pytest.fixture
def log() -> Log:
    return Log()


def rebuild(tables: StageTables, log: Log, since: float = 2 * DAY, dry: bool = False) -> Counter[str]:
    now = int(tables.clock.now * 1000)
    rebuilding = Rebuilding(tables.operator(), SESSIONS.name, log.read, KEEP, dry)
    counts = rebuilding.rebuild(now - int(since * 1000), now + 60_000, lambda _: None)
    return Counter({what: count for what, count in counts.items() if count})


def some(tables: StageTables) -> list[tuple[Entry, str | None]]:
    """One of each kind, as the service writes them."""
    now = tables.clock.now
    return [
        (session("vended", now - 500, reason="because", live_in=("few#live#x", "many#live#y")), "vended"),
        (session("shares", now - 490, shared_with="vended"), "vended"),
        (session("shared-nothing", now - 480, state="requested", access_key_id=None, shared_with="vended"), None),
        (session("plain", now - 400, source_identity=None, tagged=False, caller_tag=None), "vended"),
        (session("refused", now - 300, state="failed", access_key_id=None, cause="throttled"), "failed"),
        (session("nobody-has-it", now - 200, state="failed", cause="LedgerUnavailable"), "failed"),
        (session("lost", now - 100, state="requested", access_key_id=None), None),
        (session("yesterday", now - 1.5 * DAY), "vended"),
    ]


def items(tables: StageTables) -> dict[str, dict[str, Any]]:
    return {str(item["id"]["S"]): item for item in tables.database.items(SESSIONS.name)}


def without_moment(item: dict[str, Any]) -> dict[str, Any]:
    """The log has another reading of the clock."""
    return {name: value for name, value in item.items() if name not in ("at", "requested_at", "expires", "ttl")}


def test_a_ledger_that_is_gone_comes_back_whole(tables: StageTables, log: Log) -> None:
    for entry, end in some(tables):
        log.add(entry, end)
    assert rebuild(tables, log) == {"records": 14, "sessions": 8, "written": 8}
    expected = {entry.id: item_of(entry, KEEP) for entry, _ in some(tables)}
    found = items(tables)
    assert found.keys() == expected.keys()
    for id_, item in found.items():
        assert without_moment(item) == without_moment(expected[id_]), id_
        assert abs(int(item["requested_at"]["N"]) - int(expected[id_]["requested_at"]["N"])) <= 20
    assert found["vended"]["expires"] == expected["vended"]["expires"]
    assert rebuild(tables, log) == {"records": 14, "sessions": 8, "as it was": 8}


def test_a_ledger_that_is_whole_is_left_as_it_is(tables: StageTables, log: Log) -> None:
    for entry, end in some(tables):
        log.add(entry, end, took=20)
        tables.database.put(SESSIONS.name, item_of(replace(entry, live_in=entry.live_in[::-1]), KEEP))
    before = items(tables)
    tables.database.operations()
    assert rebuild(tables, log) == {"records": 14, "sessions": 8, "as it was": 8}
    assert items(tables) == before and {*tables.database.operations()} == {"BatchGetItem"}


def test_what_older_records_do_not_tell_of_quotas_stays(tables: StageTables, log: Log) -> None:
    meant = session("a", tables.clock.now - 500)
    log.add(meant)
    tables.database.put(SESSIONS.name, item_of(replace(meant, live_in=("few#live#x",)), KEEP))
    assert rebuild(tables, log) == {"records": 2, "sessions": 1, "as it was": 1}


def test_what_differs_is_repaired_and_what_is_noted_of_its_end_stays(tables: StageTables, log: Log) -> None:
    now = tables.clock.now
    ends = {"revoke_requested": 5, "revoke_written": 6, "revoke_in_force": 7, "revoked_by": "me", "revoke_reason": "x"}
    meant = session("a", now - 500, live_in=("x",), **ends)
    log.add(meant)
    broken: list[dict[str, Any]] = [
        item_of(replace(meant, state="requested", access_key_id=None), KEEP),
        item_of(replace(meant, state="failed", access_key_id=None, cause="throttled"), KEEP),
        item_of(replace(meant, caller="somebody else", role="other"), KEEP),
        item_of(replace(meant, live_in=()), KEEP),
        item_of(replace(meant, expires=meant.expires + 50), KEEP),
        {name: value for name, value in item_of(meant, KEEP).items() if name not in ("state", "role_arn", "by_day")},
    ]
    for item in broken:
        tables.database.put(SESSIONS.name, item)
        assert rebuild(tables, log) == {"records": 2, "sessions": 1, "repaired": 1}
        assert tables.entry("a") == meant and items(tables)["a"] == item_of(meant, KEEP)
        assert rebuild(tables, log)["as it was"] == 1


def test_what_the_ledger_knows_later_than_the_log_stays(tables: StageTables, log: Log) -> None:
    now = tables.clock.now
    for entry in (
        session("vended", now - 5),
        session("failed", now - 5, state="failed", cause="throttled", access_key_id=None),
    ):
        log.add(entry, None)
        tables.database.put(SESSIONS.name, item_of(entry, KEEP))
    before = items(tables)
    assert rebuild(tables, log) == {"records": 2, "sessions": 2, "as it was": 2}
    assert items(tables) == before


def test_what_changes_at_the_same_moment_is_not_overwritten(tables: StageTables, log: Log) -> None:
    now = tables.clock.now
    meant = session("a", now - 5)
    log.add(replace(meant, state="failed", cause="throttled", access_key_id=None), "failed")
    tables.database.put(SESSIONS.name, item_of(replace(meant, state="requested", access_key_id=None), KEEP))
    newer = item_of(meant, KEEP)
    tables.database.faults.next("UpdateItem", Before(lambda: tables.database.put(SESSIONS.name, newer)))
    assert rebuild(tables, log)["changed"] == 1 and items(tables)["a"] == newer
    log.add(session("b", now - 5))
    other = item_of(session("b", now - 4), KEEP)
    tables.database.faults.next("PutItem", Before(lambda: tables.database.put(SESSIONS.name, other)))
    assert rebuild(tables, log)["changed"] == 1 and items(tables)["b"] == other


def test_a_dry_run_counts_and_writes_nothing(tables: StageTables, log: Log) -> None:
    now = tables.clock.now
    log.add(session("missing", now - 500))
    log.add(session("differs", now - 400))
    tables.database.put(SESSIONS.name, item_of(session("differs", now - 400, role="other"), KEEP))
    before = items(tables)
    assert rebuild(tables, log, dry=True) == {"records": 4, "sessions": 2, "written": 1, "repaired": 1}
    assert items(tables) == before


def test_what_has_had_its_time_does_not_come_back(tables: StageTables, log: Log) -> None:
    log.add(session("old", tables.clock.now - 100 * DAY))
    assert rebuild(tables, log, since=101 * DAY) == {"records": 2, "sessions": 1, "forgotten": 1}
    assert items(tables) == {}


def test_a_request_that_ends_in_the_next_hour_is_one(tables: StageTables, log: Log) -> None:
    since = 2 * 3600
    edge = tables.clock.now - since + 3600
    log.add(session("a", edge - 1), took=5)
    assert rebuild(tables, log, since=since) == {"records": 2, "sessions": 1, "written": 1}
    assert tables.entry("a").state == "vended" and tables.entry("a").requested_at == int(edge * 1000) - 980
    log.asked.sort()
    assert all(one[1] == other[0] for one, other in zip(log.asked, log.asked[1:], strict=False))


def test_other_lines_are_none_of_it(tables: StageTables, log: Log) -> None:
    now = tables.clock.now - 60
    entry = session("a", now)
    for line in (
        "START RequestId: a Version: $LATEST",
        '{"service": "credvend.audit", "event": "credentials.requested"',
        '["credvend.audit"]',
        record(entry, "credentials.requested", now, dry_run=True),
        record(entry, "credentials.denied", now),
        record(entry, "credentials.vended", now, service="somebody"),
    ):
        log.write(now, line)
    assert rebuild(tables, log) == {}
    log.write(now, record(entry, "credentials.vended", now, caller=5))
    broken = record(entry, "credentials.vended", now)
    del broken["session_tags"]
    log.write(now, broken)
    assert rebuild(tables, log) == {"records": 2, "unreadable": 2} and items(tables) == {}


def test_a_table_that_stays_busy_is_told(tables: StageTables, log: Log) -> None:
    log.add(session("a", tables.clock.now - 60))
    tables.database.faults.always("PutItem", "ThrottlingException")
    with pytest.raises(NotFinished, match="1 entries were not written"):
        rebuild(tables, log)


def test_many_are_written(tables: StageTables, log: Log) -> None:
    for number in range(250):
        log.add(session(f"s{number}", tables.clock.now - number, caller=ALICE))
    assert rebuild(tables, log)["written"] == 250 and len(items(tables)) == 250
