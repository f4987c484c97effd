"""The ledger is told how far the revocation of a session is, for whoever asked for it."""

from dataclasses import replace

import pytest

from chalicelib.aws.table import Table
from chalicelib.revocation.items import RevocationTable
from chalicelib.revocation.revocation import Revocation
from testing.dynamodb.credvend_tables import REVOCATIONS, SESSIONS
from testing.dynamodb.database import Database
from testing.dynamodb.serving import client_of
from testing.dynamodb.values import Item

ONE = Revocation("arn:aws:iam::111122223333:role/reader", "session#7b1c", "session", 1000, 9_999_999, request_id="7b1c")


@pytest.fixture
def database() -> Database:
    database = Database(REVOCATIONS, SESSIONS)
    database.put(SESSIONS.name, {"id": {"S": "7b1c"}})
    return database


@pytest.fixture
def table(database: Database) -> RevocationTable:
    client = client_of(database)
    return RevocationTable(Table(REVOCATIONS.name, client), Table(SESSIONS.name, client))


def entry(database: Database) -> Item:
    return database.item(SESSIONS.name, "7b1c") or {}


def test_a_problem_is_told_until_it_is_written_all_the_same(database: Database, table: RevocationTable) -> None:
    for problem in ("The role is missing.", "It is missing still."):
        table.set_problem(ONE, problem)
        assert entry(database)["revoke_problem"] == {"S": problem}
    table.set_written(ONE, 2000, room="own")
    assert entry(database) == {"id": {"S": "7b1c"}, "revoke_written": {"N": "2000"}}
    table.set_problem(ONE, "A later one.")
    table.set_written(ONE, 3000, room="own")
    assert entry(database) == {"id": {"S": "7b1c"}, "revoke_written": {"N": "2000"}}


def test_it_is_told_once_when_it_was_seen_in_force(database: Database, table: RevocationTable) -> None:
    table.set_in_force(ONE, 3000)
    table.set_in_force(ONE, 4000)
    assert entry(database)["revoke_in_force"] == {"N": "3000"}


def test_nothing_is_told_of_what_the_ledger_has_forgotten_or_of_other_roles(
    database: Database, table: RevocationTable
) -> None:
    for other in (replace(ONE, request_id="gone"), replace(ONE, chained=True)):
        table.set_problem(other, "No.")
        table.set_written(other, 2000, room="own")
    assert database.items(SESSIONS.name) == [{"id": {"S": "7b1c"}}]
