"""Whoever has any token of a trusted issuer may ask for its sessions, and makes the table work no more than it must."""

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.wire.own_sessions import parse_sessions_query
from testing.ledger_app import LedgerApp

TEN_YEARS = 3650 * 86_400


@pytest.mark.parametrize("since", ["91d", "3650d", "7776001"])
def test_a_ledger_that_keeps_long_is_not_read_that_far_back(since: str) -> None:
    with pytest.raises(InvalidRequest, match='"since" must be at most 90d and more than nothing'):
        parse_sessions_query({"since": (since,)}, TEN_YEARS)
    assert parse_sessions_query({"since": ("90d",)}, TEN_YEARS).since_seconds == 90 * 86_400


@pytest.mark.no_cover
def test_a_stranger_s_list_is_a_query_for_each_part_of_a_day(ledger_app: LedgerApp) -> None:
    ledger_app.database.operations()
    assert ledger_app.sessions({"since": "90d", "limit": "1000"}).body["Sessions"] == []
    assert len(ledger_app.database.operations()) <= 91 * 8


def test_ending_a_session_reads_no_other(ledger_app: LedgerApp) -> None:
    """However many the caller has had: one with very many must be able to end them all the same."""
    sessions = [ledger_app.vended() for _ in range(5)]
    ledger_app.database.operations()
    assert ledger_app.revoke(sessions[0]).status == 200
    assert ledger_app.database.operations() == ["GetItem", "TransactWriteItems"]


def test_of_many_that_have_ended_no_more_are_read_than_there_is_time_for(
    ledger_app: LedgerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.own_sessions.MOST_READ", 3)
    monkeypatch.setattr("chalicelib.ledger.reading.LARGEST", 1)
    monkeypatch.setattr("chalicelib.ledger.reading._AHEAD", 1)
    sessions = [ledger_app.vended("brief") for _ in range(5)]
    for session in sessions[:2] + sessions[3:]:
        ledger_app.change(session, expires={"N": "1"})
    ledger_app.database.operations()
    answer = ledger_app.sessions({"live": "true"}).body
    listed = [one["Id"] for one in answer["Sessions"]]  # type: ignore[attr-defined]
    assert (listed, answer["LeftOut"]) == ([sessions[2]], 1000)
    assert ledger_app.database.operations().count("BatchGetItem") <= 4
    monkeypatch.setattr("chalicelib.own_sessions.MOST_READ", 5)
    assert ledger_app.sessions({"live": "true"}).body["LeftOut"] == 0
