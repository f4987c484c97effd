"""Requests of records are asked again, each once; what cannot be is counted."""

import io
import json
from collections.abc import Mapping

import pytest

from ops.comparing.replay import Counts, Replay, lines_of
from tests.unit.ops.commands.test_explain import RECORD

Record = Mapping[str, object]


def record(number: int, **more: object) -> dict[str, object]:
    return RECORD | {"request_id": f"r{number}", **more}


def read(*records: Record) -> tuple[list[str], Counts]:
    replay = Replay(map(json.dumps, records))
    return [asking.request.role for asking in replay.requests()], replay.counts


def test_each_request_is_asked_once_whatever_records_there_are_of_it() -> None:
    first = record(1, event="credentials.requested", decision="allow", requested_role="a")
    roles, counts = read(first, first | {"event": "credentials.vended"}, record(2, requested_role="b"))
    assert roles == ["a", "b"]
    assert (counts.requests, counts.undecided, counts.unreadable) == (2, 0, 0)


def test_what_is_not_asked_again_is_counted() -> None:
    undecided = {name: value for name, value in record(1).items() if name != "decision"}
    unreadable = {name: value for name, value in record(2).items() if name != "caller_type"}
    roles, counts = read(
        undecided,
        unreadable,
        record(3, dry_run=True),
        {"service": "credvend.audit", "event": "roles.listed", "request_id": "r4"},
        record(5, service="somebody-else"),
        record(6, narrowed=True, decision_time="2026-01-02T00:00:00+00:00"),
        record(7, decision_time="2026-01-01T00:00:00+00:00"),
    )
    assert len(roles) == 2
    assert counts == Counts(2, 1, 1, 1, 1, "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00")


@pytest.mark.parametrize(
    "text",
    [
        '{"service": "credvend.audit", "a": 1}\n{"service": "credvend.audit", "a": 2}\n',
        '2026-01-01T00:00:00Z {"service": "credvend.audit", "a": 1}\nSTART\n{"service": "credvend.audit", "a": 2}',
        '[{"service": "credvend.audit", "a": 1},\n{"service": "credvend.audit", "a": 2}]',
        '[\n{"service": "credvend.audit", "a": 1}, {"service": "credvend.audit", "a": 2}\n]',
    ],
)
def test_files_hold_records_line_by_line_or_as_one_document(text: str) -> None:
    found = [json.loads(line[line.find("{") :]) for line in lines_of(io.StringIO(text)) if "{" in line]
    assert [one["a"] for one in found] == [1, 2]


def test_one_record_on_several_lines_is_one() -> None:
    text = json.dumps({"service": "credvend.audit", "a": 1}, indent=2)
    assert [json.loads(line)["a"] for line in lines_of(io.StringIO(text))] == [1]
