"""An entry reads back as it was written, and is found under keys that are spread."""

from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ledger.entry import Entry, entry_of, item_of
from chalicelib.ledger.index_keys import SHARDS, at, index_keys, partitions, value_of_caller

ENTRY = Entry(
    id="7b1c9c8e-0000-4000-8000-000000000001",
    state="requested",
    caller="oidc:okta:alice@example.com",
    caller_type="OidcSubject",
    session_name="oidc=okta=alice@example.com",
    role="reader",
    role_arn="arn:aws:iam::111122223333:role/reader",
    account="111122223333",
    tagged=True,
    requested_at=1_800_000_000_123,
    duration=900,
    expires=1_800_000_900,
)
texts = st.none() | st.text(min_size=1)
numbers = st.none() | st.integers(0, 10**15)


@given(
    *(texts, texts, texts, texts, numbers, numbers),
    st.frozensets(st.text(min_size=1), max_size=3),
)
def test_an_entry_reads_back(
    identity: str | None,
    tag: str | None,
    key: str | None,
    reason: str | None,
    requested: int | None,
    written: int | None,
    live_in: frozenset[str],
) -> None:
    entry = replace(
        ENTRY,
        source_identity=identity,
        caller_tag=tag,
        access_key_id=key,
        reason=reason,
        revoke_requested=requested,
        revoke_written=written,
        live_in=tuple(sorted(live_in)),
    )
    assert entry_of(item_of(entry, 1)) == entry


def test_nothing_is_written_that_is_not_known() -> None:
    """An attribute that is a key of an index must be a text, or not be there."""
    item = item_of(ENTRY, 60)
    assert "access_key_id" not in item and "live_in" not in item and item["ttl"] == {"N": "1800000960"}


@pytest.mark.parametrize("missing", ["id", "state", "caller", "requested_at", "expires"])
def test_what_is_no_entry_is_told(missing: str) -> None:
    item = item_of(ENTRY, 1)
    del item[missing]
    with pytest.raises(ValueError, match="session "):
        entry_of(item)


def test_it_is_live_until_it_ends_fails_or_is_revoked() -> None:
    assert ENTRY.is_live(1_800_000_899) and not ENTRY.is_live(1_800_000_900)
    assert not replace(ENTRY, state="failed").is_live(0) and replace(ENTRY, state="vended").is_live(0)
    assert replace(ENTRY, revoke_requested=1).is_live(0) and not replace(ENTRY, revoke_written=1).is_live(0)


def test_ids_spread_over_all_partitions_of_a_day() -> None:
    """Lambda's ids are UUIDs; also those of one moment must not meet in one partition."""
    ids = [str(UUID(int=0x7B1C9C8E000040008000000000000000 + number, version=4)) for number in range(8000)]
    keys = Counter(index_keys(one, "a", "reader", "111122223333", 0)["by_caller"] for one in ids)
    assert len(keys) == SHARDS and min(keys.values()) > 0.8 * 1000


def test_every_key_is_among_the_partitions_that_are_read() -> None:
    keys = index_keys(ENTRY.id, ENTRY.caller, ENTRY.role, ENTRY.account, ENTRY.requested_at)
    since, until = ENTRY.requested_at - 86_400_000, ENTRY.requested_at + 1
    assert keys["by_caller"] in list(partitions(value_of_caller(ENTRY.caller), since, until))
    assert keys["by_role"] in list(partitions("reader", since, until))
    assert keys["by_day"] in list(partitions(None, since, until))
    assert len(list(partitions(None, since, until))) == 2 * SHARDS


def test_no_role_or_account_shares_a_key_with_another() -> None:
    one = index_keys(ENTRY.id, "a", "reader", "111122223333", 0)
    other = index_keys(ENTRY.id, "b", "reader-2", "111122223334", 0)
    assert not {one[name] for name in ("by_caller", "by_role", "by_account")} & set(other.values())


def test_moments_sort_as_they_come() -> None:
    moments = [1_800_000_000_009, 1_800_000_000_010, 1_800_000_000_999, 1_800_000_001_000]
    assert sorted(map(at, moments)) == list(map(at, moments)) and at(moments[0]) == "2027-01-15T08:00:00.009Z"
