"""Finding API tokens: which are taken, for how long that is remembered, and what happens without the table."""

import hmac
import ipaddress
import logging
from dataclasses import replace

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.table import Table, dynamodb_client
from chalicelib.callers.api_tokens.store import CACHE_SECONDS, CACHE_TOKENS, LAST_USED_SECONDS, TokenStore
from chalicelib.callers.api_tokens.stored_token import StoredToken, stored_token
from chalicelib.callers.api_tokens.token import api_token_id, api_token_of, hash_api_token, new_api_token
from chalicelib.errors import InvalidToken, TokenStoreUnavailable
from testing.token_table import NAME, Clock, Item, TokenTable

HERE = "198.51.100.7"
DAY = 86_400


class World:
    """A store on a table with one token in it, and the time."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.table = TokenTable()
        self.store = TokenStore(Table(NAME, self.table.client), self.clock)
        self.token = new_api_token()
        self.hashed = hash_api_token(self.token)
        self.write()

    def write(self, **changes: dict[str, object] | None) -> None:
        """The token's item as operators write it, with changes; None: without it."""
        now = int(self.clock.now)
        item: dict[str, dict[str, object] | None] = {
            "hash": {"S": self.hashed},
            "name": {"S": "ci"},
            "owner": {"S": "Team A"},
            "tags": {"M": {"team": {"S": "a"}, "env": {"S": "prod"}}},
            "cidrs": {"L": []},
            "created": {"N": str(now)},
            "expires": {"N": str(now + 90 * DAY)},
            "ttl": {"N": str(now + 120 * DAY)},
            "last_used": {"N": str(now)},
        }
        whole: Item = {name: value for name, value in (item | changes).items() if value is not None}
        self.table.items[self.hashed] = whole

    def find(self, source_ip: str = HERE) -> StoredToken:
        return self.store.token_of(self.token, source_ip)

    def refusal(self, token: str | None = None, source_ip: str = HERE) -> InvalidToken:
        with pytest.raises(InvalidToken) as refusal:
            self.store.token_of(token or self.token, source_ip)
        return refusal.value


@pytest.fixture
def world() -> World:
    return World()


def number(value: float) -> dict[str, object]:
    return {"N": str(int(value))}


def networks(*cidrs: str) -> dict[str, object]:
    return {"L": [{"S": cidr} for cidr in cidrs]}


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
    assert (refusal.token_id, refusal.token_name) == (api_token_id(hash_api_token(other)), None)


def test_the_table_is_not_asked_about_a_typo(world: World) -> None:
    assert world.refusal(world.token[:-1]).cause == "malformed"
    assert world.table.operations() == []


def test_a_revoked_token_is_refused_and_named(world: World) -> None:
    world.write(revoked_at=number(world.clock.now))
    refusal = world.refusal()
    assert refusal.cause == "revoked"
    assert (refusal.token_id, refusal.token_name) == (world.hashed[:12], "ci")


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
        assert refusal.cause == "wrong_address" and refusal.token_id == world.hashed[:12]


def test_where_a_token_was_taken_from_does_not_help_it_elsewhere(world: World) -> None:
    world.write(cidrs=networks("198.51.100.0/24"))
    world.find()
    assert world.refusal(source_ip="203.0.113.9").cause == "wrong_address"
    assert world.table.operations() == ["GetItem"]


def test_a_revocation_is_heeded_after_a_minute_and_the_table_is_not_asked_before(world: World) -> None:
    world.find()
    world.write(revoked_at=number(world.clock.now))
    world.clock.now += CACHE_SECONDS - 0.001
    world.find()
    assert world.table.operations() == ["GetItem"]
    world.clock.now += 0.001
    assert world.refusal().cause == "revoked"
    assert world.table.operations() == ["GetItem"]


def test_using_a_token_does_not_prolong_how_long_it_is_remembered(world: World) -> None:
    for _ in range(CACHE_SECONDS):
        world.find()
        world.clock.now += 1
    world.find()
    assert world.table.operations() == ["GetItem", "GetItem"]


def test_an_unknown_token_is_remembered_for_a_minute(world: World) -> None:
    del world.table.items[world.hashed]
    for passed in (0, CACHE_SECONDS - 1):
        world.clock.now += passed
        assert world.refusal().cause == "unknown_token"
    assert world.table.operations() == ["GetItem"]
    world.write()
    world.clock.now += 1
    world.find()


@pytest.mark.parametrize("known", [True, False])
def test_a_clock_that_was_set_back_makes_nothing_last_longer(world: World, known: bool) -> None:
    if not known:
        del world.table.items[world.hashed]
    for _ in range(2):
        if known:
            world.find()
        else:
            world.refusal()
        world.clock.now -= DAY
    assert world.table.operations() == ["GetItem", "GetItem"]


def test_guesses_fill_no_memory_and_push_out_no_token(world: World) -> None:
    world.find()
    for secret in range(CACHE_TOKENS + 50):
        world.refusal(api_token_of(secret))
    world.table.operations()
    world.find()  # still known
    world.refusal(api_token_of(CACHE_TOKENS + 49))  # still known not to be
    assert world.table.operations() == []
    world.refusal(api_token_of(0))  # forgotten
    assert world.table.operations() == ["GetItem"]
    assert kept(world.store) == (1, CACHE_TOKENS)


def test_of_many_tokens_the_latest_are_remembered(world: World) -> None:
    item = world.table.items[world.hashed]
    for secret in range(CACHE_TOKENS + 1):
        hashed = hash_api_token(api_token_of(secret))
        world.table.items[hashed] = item | {"hash": {"S": hashed}}
        world.store.token_of(api_token_of(secret), HERE)
    assert kept(world.store) == (CACHE_TOKENS, 0)
    world.table.operations()
    world.store.token_of(api_token_of(1), HERE)
    assert world.table.operations() == []
    world.store.token_of(api_token_of(0), HERE)
    assert world.table.operations() == ["GetItem"]


def kept(store: TokenStore) -> tuple[int, int]:
    """How many tokens, and how many that do not exist, are kept in memory."""
    return len(store._found._values), len(store._missing._values)


def test_no_token_itself_is_kept_in_memory_or_shown(world: World) -> None:
    found = world.find()
    world.refusal(new_api_token())
    assert all(len(key) == 64 for key in (*world.store._found._values, *world.store._missing._values))
    assert world.hashed not in repr(found)


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


def test_without_the_table_what_is_remembered_goes_on_and_no_longer(world: World) -> None:
    world.find()
    world.table.failures += ["InternalServerError"] * 2
    world.find()
    world.clock.now += CACHE_SECONDS
    with pytest.raises(TokenStoreUnavailable):
        world.find()


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


@given(st.text())
def test_whatever_is_sent_as_a_token_is_refused_and_nothing_else(text: str) -> None:
    with pytest.raises(InvalidToken):
        STORE.token_of(f"cvt_{text}", HERE)


STORE = TokenStore(Table(NAME, TokenTable().client))


def test_the_client_gives_up_long_before_the_function_does() -> None:
    config = vars(dynamodb_client("eu-central-1").meta.config)
    assert (config["connect_timeout"], config["read_timeout"]) == (1, 2)
    assert config["retries"]["total_max_attempts"] == 2


def test_live_is_what_is_neither_revoked_nor_expired(world: World) -> None:
    found = world.find()
    assert found.is_live(found.expires - 1) and not found.is_live(found.expires)
    assert not replace(found, revoked_at=1).is_live(found.created)


def test_no_record_of_the_log_holds_a_token(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.write(last_used=None)
    world.find()
    world.refusal(world.token[:-1])
    assert world.token[4:40] not in caplog.text
