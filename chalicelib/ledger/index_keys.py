"""Under which keys a session is found again: by caller, role, account and day, each spread over some partitions.

A partition of an index takes 1,000 writes a second, and a day's key has eight of them: docs/sessions.md does the sums.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-sharding.html
"""

import hashlib
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

Index = Literal["by_caller", "by_role", "by_account", "by_day"]
SHARDS: Final = 8


def index_keys(session: str, caller: str, role: str, account: str, requested_at: int) -> dict[str, str]:
    """The attributes by which a session is found.

    Args:
        session: its id.
        caller: its identifier; hashed, for it may be longer than a key may be.
        requested_at: milliseconds since 1970, UTC.
    """
    moment = at(requested_at)
    end = f"{moment[:10]}#{zlib.crc32(session.encode()) % SHARDS}"
    return {
        "by_caller": f"{value_of_caller(caller)}#{end}",
        "by_role": f"{role}#{end}",
        "by_account": f"{account}#{end}",
        "by_day": end,
        "at": moment,
    }


def partitions(value: str | None, since: int, until: int) -> Iterator[str]:
    """The keys of all partitions of an index that hold sessions of a time.

    Args:
        value: what the index is by, of callers `value_of_caller`; None: by day.
        since, until: milliseconds since 1970, UTC.
    """
    prefix = "" if value is None else f"{value}#"
    for day in _days(since, until):
        for shard in range(SHARDS):
            yield f"{prefix}{day.isoformat()}#{shard}"


def value_of_caller(identifier: str) -> str:
    """What a caller is in its index: 32 hexadecimal digits."""
    return hashlib.sha256(identifier.encode()).hexdigest()[:32]


def at(milliseconds: int) -> str:
    """A moment as it is sorted by: RFC 3339, UTC, with milliseconds.

    Args:
        milliseconds: since 1970, UTC.
    """
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def _days(since: int, until: int) -> Iterator[date]:
    """From the latest to the earliest: what people ask for is near the end."""
    first, day = (datetime.fromtimestamp(moment // 1000, UTC).date() for moment in (since, until))
    while day >= first:
        yield day
        day -= timedelta(days=1)
