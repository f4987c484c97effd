"""Finding API tokens: which are taken, and what happens without the table."""

import hmac
import ipaddress
import logging

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.table import Table
from chalicelib.callers.api_tokens.store import TokenStore
from chalicelib.callers.api_tokens.stored_token import StoredToken
from chalicelib.callers.api_tokens.token import api_token_id, hash_api_token, new_api_token
from chalicelib.errors import InvalidToken, TokenStoreUnavailable
from testing.token_table import NAME, TokenTable
from tests.unit.chalicelib.callers.api_tokens.one_token import DAY, HERE, World, networks, number


def test_a_token_is_found_with_all_that_is_known_of_it(world: World) -> None:
    world.write(cidrs=networks("198.51.100.0/24", "2001:db8::/32"))
    now = int(world.clock.now)
    assert world.find() == StoredToken(
        hash=world.hashed,
        name="ci",
        owner="Team A",
        tags=(("env", "prod"), ("team", "a")),
        created=now,
        expires=now + 90 * DAY,
        revoked_at=None,
        last_used=now,
        cidrs=(ipaddress.ip_network("198.51.100.0/24"), ipaddress.ip_network("2001:db8::/32")),
    )


def test_the_table_is_asked_by_hash_alone_and_for_what_it_holds_now(world: World) -> None:
    world.find()
    (_, asked), *more = world.table.asked
    assert asked == {"TableName": NAME, "Key": {"hash": {"S": world.hashed}}, "ConsistentRead": True}
    assert not more and world.token not in str(world.table.asked)


def test_a_token_that_is_not_there_is_unknown(world: World) -> None:
    other = new_api_token()
    refusal = world.refusal(other)
    assert refusal.cause == "unknown_token"
    assert (refusal.token.token_id, refusal.token.token_name) == (api_token_id(hash_api_token(other)), None)


def test_the_table_is_not_asked_about_a_typo(world: World) -> None:
    assert world.refusal(world.token[:-1]).cause == "malformed"
    assert world.table.operations() == []


def test_a_revoked_token_is_refused_and_named(world: World) -> None:
    world.write(revoked_at=number(world.clock.now))
    refusal = world.refusal()
    assert refusal.cause == "revoked"
    assert (refusal.token.token_id, refusal.token.token_name) == (world.hashed[:12], "ci")


def test_a_token_expires_to_the_second_though_dynamodb_still_has_it(world: World) -> None:
    ends = int(world.clock.now) + 30
    world.write(expires=number(ends))
    world.clock.now = ends - 0.001
    world.find()
    world.clock.now = ends  # what is kept in memory expires like everything else
    assert world.refusal().cause == "expired"
    assert world.table.operations() == ["GetItem"]


@pytest.mark.parametrize(
    ("cidrs", "source_ip", "taken"),
    [
        ((), "203.0.113.9", True),
        ((), "2001:db8::1", True),
        (("198.51.100.0/24",), "198.51.100.255", True),
        (("198.51.100.0/24",), "198.51.101.0", False),
        (("192.0.2.1/32", "198.51.100.0/24"), "198.51.100.7", True),
        (("2001:db8::/32",), "2001:db8:ffff::1", True),
        (("2001:db8::/32",), "2001:db9::", False),
        (("0.0.0.0/0",), "2001:db8::1", False),
        (("::/0",), "198.51.100.7", False),
    ],
)
def test_a_token_is_taken_from_its_networks_only(
    world: World, cidrs: tuple[str, ...], source_ip: str, taken: bool
) -> None:
    world.write(cidrs=networks(*cidrs))
    if taken:
        world.find(source_ip)
    else:
        refusal = world.refusal(source_ip=source_ip)
        assert refusal.cause == "wrong_address" and refusal.token.token_id == world.hashed[:12]


def test_where_a_token_was_taken_from_does_not_help_it_elsewhere(world: World) -> None:
    world.write(cidrs=networks("198.51.100.0/24"))
    world.find()
    assert world.refusal(source_ip="203.0.113.9").cause == "wrong_address"
    assert world.table.operations() == ["GetItem"]


def test_hashes_are_compared_in_constant_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []
    compare = hmac.compare_digest

    def watched(one: str, other: str) -> bool:
        compared.append((one, other))
        return compare(one, other)

    monkeypatch.setattr("chalicelib.callers.api_tokens.store.hmac.compare_digest", watched)
    world.find()
    assert compared == [(world.hashed, world.hashed)]


def test_an_item_of_another_hash_than_was_asked_for_is_not_believed(world: World) -> None:
    other = new_api_token()
    world.table.items[hash_api_token(other)] = world.table.items[world.hashed]
    assert world.refusal(other).cause == "unknown_token"
    world.find()


@pytest.mark.parametrize(
    "change",
    [
        {"expires": None},
        {"expires": {"S": "2027-01-01"}},
        {"expires": {"N": "1e400"}},
        {"cidrs": None},
        {"cidrs": {"L": [{"S": "everywhere"}]}},
        {"cidrs": {"L": [{"S": "198.51.100.7/24"}]}},
        {"cidrs": {"SS": ["0.0.0.0/0"]}},
        {"revoked_at": {"BOOL": True}},
        {"revoked_at": {"NULL": True}},
        {"tags": {"M": {"team": {"N": "1"}}}},
        {"hash": None},
        {"name": None},
    ],
)
def test_an_item_that_cannot_be_read_lets_nobody_in_and_operators_are_told(
    world: World, change: dict[str, dict[str, object] | None], caplog: pytest.LogCaptureFixture
) -> None:
    world.write(**change)
    refusal = world.refusal()
    assert refusal.cause == "unknown_token" and "Tell the operators" in refusal.message
    assert NAME in caplog.text and world.hashed not in caplog.text
    world.write()  # mended, it works at once
    world.find()


@pytest.mark.parametrize(
    "failure",
    [
        "ProvisionedThroughputExceededException",
        "ResourceNotFoundException",
        "AccessDeniedException",
        EndpointConnectionError(endpoint_url="https://dynamodb"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
    ],
)
def test_without_the_table_the_answer_is_to_come_again(
    world: World, failure: str | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    world.table.failures.append(failure)
    with pytest.raises(TokenStoreUnavailable) as refusal:
        world.find()
    assert (refusal.value.status, refusal.value.retry_after) == (503, 2)
    name = failure if isinstance(failure, str) else type(failure).__name__
    assert f"GetItem on table {NAME} failed: {name}" in caplog.text
    world.find()  # nothing bad was remembered


@given(st.text())
def test_whatever_is_sent_as_a_token_is_refused_and_nothing_else(text: str) -> None:
    with pytest.raises(InvalidToken):
        STORE.token_of(f"cvt_{text}", HERE)


STORE = TokenStore(Table(NAME, TokenTable().client))


def test_no_record_of_the_log_holds_a_token(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.write(last_used=None)
    world.find()
    world.refusal(world.token[:-1])
    assert world.token[4:40] not in caplog.text
