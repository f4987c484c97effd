"""Whoever can write a line into the log group can neither stop the rebuild of the ledger, nor hide a live session."""

import json
from dataclasses import replace

import pytest

from chalicelib.ledger.entry import item_of
from testing.dynamodb.credvend_tables import SESSIONS
from tests.unit.chalicelib.ledger.ledger_world import session
from tests.unit.ops.ledger.test_rebuilding import KEEP, Log, items, moment, rebuild, record
from tests.unit.ops.stage_tables import StageTables


@pytest.fixture
def tables() -> StageTables:
    return StageTables()


@pytest.fixture
def log() -> Log:
    return Log()


NO_SESSIONS: dict[str, dict[str, object]] = {
    "tags that are a list": {"session_tags": ["credvend:caller"]},
    "tags that are a text": {"session_tags": "credvend:caller"},
    "tags that are none": {"session_tags": 0},
    "a tag that is no text": {"session_tags": {"credvend:caller": {"S": "x"}}},
    "an endless duration": {"duration": float("inf")},
    "a duration that is no number": {"duration": float("nan")},
    "a duration in text": {"duration": "3600"},
    "a truth for a duration": {"duration": True},
    "a duration that no role has": {"duration": 10**15},
    "no duration": {"duration": 0},
    "a session that never ends": {"expiration": "9999-12-31T23:59:59Z"},
    "a session that ended long before": {"expiration": "0001-01-01T00:00:00Z"},
    "a moment before all": {"timestamp": "0001-01-01T00:00:00Z"},
    "an id that is empty": {"request_id": ""},
    "an id that is too long for a key": {"request_id": "a" * 3000},
    "an id that no request has": {"request_id": "session#a"},
    "an id with an escape": {"request_id": "a\x1b[2J"},
    "half of a surrogate pair": {"caller": "\ud800"},
    "a caller of some MB": {"caller": "a" * 500_000},
    "a reason of some MB": {"reason": "a" * 500_000},
    "a role that is too long for a key": {"role": "r" * 3000},
    "no role": {"role": ""},
    "a role's ARN that is none": {"role_arn": "reader"},
    "a key that is empty": {"access_key_id": ""},
    "a key that is too long for a key": {"access_key_id": "A" * 3000},
    "sets that are a text": {"live_in": "q#live#x"},
    "a set that is no text": {"live_in": [1]},
    "a set that is empty": {"live_in": [""]},
    "a set that is too long for a key": {"live_in": ["q" * 3000]},
    "more sets than a vend is in": {"live_in": [f"q{number}" for number in range(98)]},
    "a tag of another that is none": {"session_tags": {"credvend:request": "*"}},
    "an id of another that is none": {"shared_with": "*"},
}


@pytest.mark.parametrize("forged", NO_SESSIONS.values(), ids=NO_SESSIONS)
def test_a_line_that_tells_of_no_session_is_left_out(tables: StageTables, log: Log, forged: dict[str, object]) -> None:
    now = tables.clock.now - 60
    end = {"expiration": moment(now + 3600), "access_key_id": "ASIAFORGED"}
    log.write(now, record(session("forged", now), "credentials.vended", now, **{**end, **forged}))
    log.add(session("a", now + 1))
    assert rebuild(tables, log) == {"records": 3, "sessions": 1, "unreadable": 1, "written": 1}
    assert items(tables).keys() == {"a"}


@pytest.mark.parametrize("nested", ["[" * 200_000, '{"a":' * 200_000], ids=["lists", "objects"])
def test_a_line_that_is_nested_without_end_is_no_record(tables: StageTables, log: Log, nested: str) -> None:
    log.write(tables.clock.now - 60, f'{{"service": "credvend.audit", "session_tags": {nested}')
    log.add(session("a", tables.clock.now - 50))
    assert rebuild(tables, log)["written"] == 1


def test_no_line_hides_a_session_that_was_vended(tables: StageTables, log: Log) -> None:
    now = tables.clock.now - 60
    vended = session("a", now)
    log.add(vended)
    tables.database.put(SESSIONS.name, item_of(vended, KEEP))
    before = items(tables)
    for more in ({"cause": "throttled"}, {"cause": "LedgerUnavailable", "access_key_id": "ASIAOTHER"}):
        log.write(now + 5, json.dumps(record(vended, "credentials.failed", now + 5, **more)))
        assert rebuild(tables, log)["as it was"] == 1
        assert items(tables) == before


def test_tags_of_a_role_s_own_are_no_tags_of_credvend_s(tables: StageTables, log: Log) -> None:
    entry = session("a", tables.clock.now - 60)
    end = {"access_key_id": "ASIAA", "expiration": moment(entry.expires), "session_tags": {"team": "", "x": "y"}}
    log.write(tables.clock.now - 60, record(entry, "credentials.vended", tables.clock.now - 60, **end))
    assert rebuild(tables, log)["written"] == 1
    assert (tables.entry("a").tagged, tables.entry("a").caller_tag) == (False, None)


def test_a_session_that_is_shared_comes_back_with_whose_it_is(tables: StageTables, log: Log) -> None:
    now = tables.clock.now - 60
    shared = session("b", now, shared_with="a", access_key_id="ASIAA")
    log.write(now, record(shared, "credentials.requested", now))
    end = {"access_key_id": "ASIAA", "expiration": moment(shared.expires), "shared_with": "a"}
    log.write(now + 1, record(shared, "credentials.vended", now + 1, **end))
    rebuild(tables, log)
    assert tables.entry("b").shared_with == "a"  # its own id is in no session's tag, and by it nothing is revoked
    tables.database.put(SESSIONS.name, item_of(replace(shared, shared_with=None), KEEP))
    assert rebuild(tables, log)["repaired"] == 1 and tables.entry("b").tag == "a"
