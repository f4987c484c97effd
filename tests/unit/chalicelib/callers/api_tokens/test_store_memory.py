"""What is remembered of API tokens, for how long, and how much of it."""

import pytest

from chalicelib.callers.api_tokens.store import CACHE_SECONDS, CACHE_TOKENS, TokenStore
from chalicelib.callers.api_tokens.token import api_token_of, hash_api_token, new_api_token
from chalicelib.errors import TokenStoreUnavailable
from tests.unit.chalicelib.callers.api_tokens.one_token import DAY, HERE, World, number


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


@pytest.mark.no_cover
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


@pytest.mark.no_cover
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


def test_without_the_table_what_is_remembered_goes_on_and_no_longer(world: World) -> None:
    world.find()
    world.table.failures += ["InternalServerError"] * 2
    world.find()
    world.clock.now += CACHE_SECONDS
    with pytest.raises(TokenStoreUnavailable):
        world.find()
