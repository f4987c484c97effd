"""How much has the caller had? Counts in DynamoDB, taken from in the write that records what is about to be vended.

A window of time is an item of its own, so that its count begins at nothing and is forgotten by itself. Sessions that
are live are a set: one that has ended stays in it until the set is full, and is taken out then.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chalicelib.aws.table import Table
from chalicelib.aws.transaction import Part
from chalicelib.errors import QuotaExceeded, TooManyRevoked
from chalicelib.quotas.quota import Quota

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

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


class RevokedSetFull(TooManyRevoked):
    """As many sessions of a role were revoked as may be, or the set holds ended ones.

    Attributes:
        item: the id of the set.
        ended: what can be taken out of it.
    """

    def __init__(self, most: int, item: str, ended: frozenset[str]) -> None:
        super().__init__(most)
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


def revoked(table: str, who: str, role_arn: str, vend: Vend, most: int) -> Part:
    """The write that counts one more session of a role whose end somebody has asked for; once, however often.

    Args:
        who: is counted.
        most: sessions at once.
    """
    item = f"#revoked#{_hash(role_arn)}#{_hash(who)}"  # no quota's name begins with `#`
    one = member(vend.session, vend.expires)

    def refusal(there: "Item") -> RevokedSetFull:
        return RevokedSetFull(most, item, _ended(there, vend.now))

    return _one_more(table, item, one, vend, most, "OR contains(#live, :member)", {":member": {"S": one}}, refusal)


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
    item = _live_id(quota, who)

    def refusal(there: "Item") -> LiveSetFull:
        return LiveSetFull(quota, item, _ended(there, vend.now))

    return _one_more(table, item, member(vend.session, vend.expires), vend, limit, "", {}, refusal)


def _one_more(
    table: str,
    item: str,
    one: str,
    vend: Vend,
    limit: int,
    or_else: str,
    values: "dict[str, AttributeValueTypeDef]",
    refusal: "Callable[[Item], Exception]",
) -> Part:
    """The write of one more member of a set, which may have so many.

    Args:
        or_else: in which case it may have more, with the values that it names.
    """
    return Part(
        {
            "Update": {
                "TableName": table,
                "Key": {"id": {"S": item}},
                "UpdateExpression": "ADD #live :one SET #ttl = :ttl",
                "ConditionExpression": f"attribute_not_exists(#live) OR size(#live) < :limit {or_else}".rstrip(),
                "ExpressionAttributeNames": {"#live": "live", "#ttl": "ttl"},
                "ExpressionAttributeValues": {
                    ":one": {"SS": [one]},
                    # Whatever is added later lives on from there.
                    ":ttl": {"N": str(vend.expires + _KEPT_SECONDS)},
                    ":limit": {"N": str(limit)},
                    **values,
                },
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        },
        refusal,
    )


def _ended(there: "Item", now: int) -> frozenset[str]:
    return frozenset(one for one in there.get("live", {}).get("SS", ()) if _has_ended(one, now))


def _live_id(quota: Quota, who: str) -> str:
    return f"{quota.name}#live#{_hash(who)}"


def _has_ended(one: str, now: int) -> bool:
    expires = one.partition("#")[0]
    return not expires.isdigit() or int(expires) <= now


def _hash(who: str) -> str:
    return hashlib.sha256(who.encode()).hexdigest()[:32]
