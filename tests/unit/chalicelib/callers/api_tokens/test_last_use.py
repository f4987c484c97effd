"""When a token was used last: written down seldom, and at nobody's cost."""

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.aws.table import Table
from chalicelib.callers.api_tokens.store import LAST_USED_SECONDS, TokenStore
from chalicelib.callers.api_tokens.stored_token import StoredToken, stored_token
from testing.dynamodb.values import Item
from testing.token_table import NAME, TokenTable
from tests.unit.chalicelib.callers.api_tokens.one_token import World, networks, number


def test_when_a_token_was_used_is_noted_once_an_hour(world: World) -> None:
    started = int(world.clock.now)
    world.write(last_used=None)
    for _ in range(2 * LAST_USED_SECONDS // 30 + 1):
        world.find()
        if int(world.clock.now) == started:
            assert world.table.items[world.hashed]["last_used"] == number(started)
        world.clock.now += 30
    assert world.table.operations().count("UpdateItem") == 3
    assert world.table.items[world.hashed]["last_used"] == number(started + 2 * LAST_USED_SECONDS)


def test_one_of_many_functions_notes_the_use(world: World, caplog: pytest.LogCaptureFixture) -> None:
    used = int(world.clock.now)
    world.write(last_used=number(used - LAST_USED_SECONDS))
    before = dict(world.table.items[world.hashed])
    world.find()
    another = TokenStore(Table(NAME, world.table.client), world.clock)
    another._note_use(stored_token_of(before), used + 1)  # which it read before the first wrote
    assert world.table.items[world.hashed]["last_used"] == number(used)
    assert caplog.text == ""  # as it should be


def stored_token_of(item: Item) -> StoredToken:
    """An item as the client of DynamoDB would give it."""
    table = TokenTable(items={"": item})
    return stored_token(table.client.scan(TableName=NAME)["Items"][0])


def test_noting_the_use_changes_nothing_else_and_brings_no_deleted_token_back(world: World) -> None:
    world.write(last_used=None)
    before = dict(world.table.items[world.hashed])
    found = world.find()
    assert world.table.items[world.hashed] == before | {"last_used": number(world.clock.now)}
    del world.table.items[world.hashed]
    world.store._note_use(found, int(world.clock.now))
    assert world.hashed not in world.table.items


@pytest.mark.parametrize("failure", ["AccessDeniedException", EndpointConnectionError(endpoint_url="https://dynamodb")])
def test_a_use_that_cannot_be_noted_fails_no_request(
    world: World, failure: str | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    world.write(last_used=None)
    world.table.before("UpdateItem", lambda: world.table.failures.append(failure))
    assert world.find().last_used is None
    assert world.table.operations() == ["GetItem", "UpdateItem"]
    assert f"UpdateItem on table {NAME} failed" in caplog.text


@pytest.mark.parametrize(
    "change",
    [{"revoked_at": number(1)}, {"expires": number(1)}, {"cidrs": networks("192.0.2.0/24")}],
    ids=["revoked", "expired", "elsewhere"],
)
def test_a_use_that_was_refused_is_none(world: World, change: dict[str, dict[str, object]]) -> None:
    world.write(last_used=None, **change)
    world.refusal()
    assert world.table.operations() == ["GetItem"]


def test_a_slow_table_is_not_asked_to_write_too(world: World) -> None:
    def wait() -> None:
        world.clock.now += 1

    world.write(last_used=None)
    world.table.before("GetItem", wait)
    world.find()
    assert world.table.operations() == ["GetItem"]
