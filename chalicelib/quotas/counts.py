"""How much has the caller had? Counts in DynamoDB, taken from in the write that records what is about to be vended.

A window of time is an item of its own, so that its count begins at nothing and is forgotten by itself. Sessions that
are live are a set: one that has ended stays in it until the set is full, and is taken out then.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chalicelib.aws.table import Table
from chalicelib.aws.transaction import Part
from chalicelib.errors import QuotaExceeded
from chalicelib.quotas.quota import Quota

if TYPE_CHECKING:
    from chalicelib.aws.transaction import Item

_MINUTE: Final = 60
_DAY: Final = 86_400
# Counts are forgotten a day after they have become worthless: clocks differ, and DynamoDB takes its time.
_KEPT_SECONDS: Final = _DAY
# Whoever has too many live sessions may try again then: one may have ended, or been revoked.
_LIVE_RETRY_SECONDS: Final = 60
_TAKE_OUT: Final = "DELETE #live :out"
_OF_SET: Final = {"#live": "live", "#id": "id"}


class LiveSetFull(QuotaExceeded):
    """As many sessions are live as may be, or the set holds ended ones.

    Attributes:
        item: the id of the set.
        ended: what can be taken out of it.
    """

    def __init__(self, quota: Quota, item: str, ended: frozenset[str]) -> None:
        super().__init__(quota.name, f"{quota.live} live sessions at once", _LIVE_RETRY_SECONDS)
        self.item = item
        self.ended = ended


@dataclass(frozen=True, slots=True)
class Vend:
    """What is counted.

    Attributes:
        session: its id.
        now, expires: seconds since 1970, UTC.
    """

    session: str
    now: int
    expires: int


def counts(table: str, quotas: Iterable[tuple[Quota, str]], vend: Vend) -> Iterator[Part]:
    """The writes that take a vend from each quota.

    Args:
        quotas: each with who is counted.
    """
    for quota, who in quotas:
        if quota.per_minute is not None:
            yield _taken(table, quota, who, vend, "minute", _MINUTE, quota.per_minute)
        if quota.per_day is not None:
            yield _taken(table, quota, who, vend, "day", _DAY, quota.per_day)
        if quota.live is not None:
            yield _live(table, quota, who, vend, quota.live)


def live_sets(quotas: Iterable[tuple[Quota, str]]) -> tuple[str, ...]:
    """The ids of the sets that a session is in while it lives."""
    return tuple(_live_id(quota, who) for quota, who in quotas if quota.live is not None)


def take_out(table: Table, item: str, members: Iterable[str]) -> None:
    """Take sessions out of a set.

    Raises:
        ConditionFailed: there is no such set.
        TableUnavailable: the table could not be asked; they may be out all the same.
    """
    table.update({"id": {"S": item}}, _TAKE_OUT, "attribute_exists(#id)", _OF_SET, {":out": {"SS": sorted(members)}})


def taken_out(table: str, item: str, members: Iterable[str]) -> Part:
    """The same, as a part of a transaction. It is done whatever is there."""
    return Part(
        {
            "Update": {
                "TableName": table,
                "Key": {"id": {"S": item}},
                "UpdateExpression": _TAKE_OUT,
                "ExpressionAttributeNames": {"#live": "live"},
                "ExpressionAttributeValues": {":out": {"SS": sorted(members)}},
            }
        },
        lambda _: AssertionError("it has no condition"),
    )


def member(session: str, expires: int) -> str:
    """A session, as a set holds it.

    Args:
        expires: seconds since 1970, UTC.
    """
    return f"{expires}#{session}"


def _taken(table: str, quota: Quota, who: str, vend: Vend, window: str, seconds: int, limit: int) -> Part:
    start = vend.now // seconds * seconds
    return Part(
        {
            "Update": {
                "TableName": table,
                "Key": {"id": {"S": f"{quota.name}#{window}#{start}#{_hash(who)}"}},
                "UpdateExpression": "ADD #taken :one SET #ttl = :ttl",
                "ConditionExpression": "attribute_not_exists(#taken) OR #taken < :limit",
                "ExpressionAttributeNames": {"#taken": "taken", "#ttl": "ttl"},
                "ExpressionAttributeValues": {
                    ":one": {"N": "1"},
                    ":ttl": {"N": str(start + seconds + _KEPT_SECONDS)},
                    ":limit": {"N": str(limit)},
                },
            }
        },
        lambda _: QuotaExceeded(quota.name, f"{limit} a {window}", start + seconds - vend.now),
    )


def _live(table: str, quota: Quota, who: str, vend: Vend, limit: int) -> Part:
    item, it = _live_id(quota, who), member(vend.session, vend.expires)

    def refusal(there: "Item") -> LiveSetFull:
        ended = frozenset(one for one in there.get("live", {}).get("SS", ()) if _has_ended(one, vend.now))
        return LiveSetFull(quota, item, ended)

    return Part(
        {
            "Update": {
                "TableName": table,
                "Key": {"id": {"S": item}},
                "UpdateExpression": "ADD #live :one SET #ttl = :ttl",
                # One that is in it already takes no room: it may be written again.
                "ConditionExpression": "attribute_not_exists(#live) OR size(#live) < :limit OR contains(#live, :it)",
                "ExpressionAttributeNames": {"#live": "live", "#ttl": "ttl"},
                "ExpressionAttributeValues": {
                    ":one": {"SS": [it]},
                    ":it": {"S": it},
                    # Whatever is added later lives on from there.
                    ":ttl": {"N": str(vend.expires + _KEPT_SECONDS)},
                    ":limit": {"N": str(limit)},
                },
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        },
        refusal,
    )


def _live_id(quota: Quota, who: str) -> str:
    return f"{quota.name}#live#{_hash(who)}"


def _has_ended(one: str, now: int) -> bool:
    expires = one.partition("#")[0]
    return not expires.isdigit() or int(expires) <= now


def _hash(who: str) -> str:
    return hashlib.sha256(who.encode()).hexdigest()[:32]
