"""The ledger is made anew from the audit log: what is missing is written, and what differs is put right.

The log is the record. What the ledger knows later than it stays, and so does all that is noted of revocations. To do it
again changes nothing more.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

from chalicelib.aws.batches import LARGEST, batch_get
from chalicelib.ledger.entry import Entry, item_of
from ops.aws.dynamodb import CONNECTIONS
from ops.aws.operator import Operator
from ops.aws.writes import Outcome, put_if, write_update
from ops.errors import NotFinished
from ops.ledger.audit_records import together, told

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

# `forgotten`: its time in the ledger is over. `changed`: somebody else wrote it at the same moment; once more sees it.
Done = Literal["as it was", "written", "repaired", "forgotten", "changed", "busy"]
_HOUR: Final = 3_600_000
# Several hours of the log are read at once: CloudWatch Logs lets a few requests a second through.
_HOURS_AT_ONCE: Final = 4
# The log tells of a request a moment after the ledger: each has a clock reading of its own.
_SAME_MOMENT_MILLISECONDS: Final = 60_000
# What the ledger knows before the log does.
_OF_THE_END: Final = frozenset({"state", "expires", "access_key_id", "cause", "ttl"})
# Not of the log: what is noted of revocations.
_OWN: Final = frozenset({"revoke_requested", "revoke_written", "revoke_in_force", "revoked_by", "revoke_reason"})
# Attributes that an entry may lack. What else is there is not ours to take away.
_KNOWN: Final = frozenset({"source_identity", "caller_tag", "access_key_id", "cause", "reason"})


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """Makes the ledger of a table anew.

    Attributes:
        read: the lines of the log from a moment up to another, in milliseconds since 1970, UTC.
        keep_seconds: how long an entry stays after its session has ended.
        dry: only count.
    """

    operator: Operator
    table: str
    read: Callable[[int, int], Iterator[str]]
    keep_seconds: int
    dry: bool = False

    def rebuild(self, since: int, until: int, progress: Callable[[str], None]) -> Counter[str]:
        """Rebuild what was asked for between two moments, in milliseconds since 1970, UTC; how many of which kind.

        Raises:
            NotFinished: some entries could not be written.
            OperationFailed: log or table cannot be asked.
        """
        counts: Counter[str] = Counter()
        waiting: dict[str, Entry] = {}
        hours = [(start, min(start + _HOUR, until)) for start in range(since, until, _HOUR)]
        pool = ThreadPoolExecutor(_HOURS_AT_ONCE)
        try:
            for (_, end), part in zip(hours, pool.map(lambda hour: told(self.read(*hour)), hours), strict=True):
                counts.update({"records": part.records, "unreadable": part.unreadable})
                waiting = together(waiting, part.entries)
                # One that has not ended may do so in the next hour.
                ended = {id_: entry for id_, entry in waiting.items() if entry.state != "requested" or end >= until}
                waiting = {id_: entry for id_, entry in waiting.items() if id_ not in ended}
                counts.update(self._settle(list(ended.values())))
                progress(f"{100 * (end - since) // (until - since)} %: {counts['sessions']:,} sessions so far")
        finally:
            pool.shutdown(cancel_futures=True)
        return counts

    def _settle(self, entries: Sequence[Entry]) -> Counter[str]:
        counts: Counter[str] = Counter(sessions=len(entries))
        rest = iter(entries)
        with self.operator.asked(self.table), ThreadPoolExecutor(CONNECTIONS) as pool:
            while some := list(islice(rest, LARGEST)):
                items = batch_get(self.operator.client, self.table, [entry.id for entry in some])
                counts.update(pool.map(lambda entry, items=items: self._one(items.get(entry.id), entry), some))
        if counts["busy"]:
            raise NotFinished(f"Table {self.table} is too busy: {counts['busy']} entries were not written. Try again.")
        return counts

    def _one(self, item: "Item | None", entry: Entry) -> Done:
        now = self.operator.now()
        if item is None:
            if entry.expires + self.keep_seconds <= now:
                return "forgotten"
            return "written" if self.dry else _done(self._put(entry), "written")
        wanted = item_of(_as_asked(item, entry), self.keep_seconds)
        # That one was vended is never taken back: it may be live, whatever a line of the log says.
        hides = entry.state == "failed" and item.get("state") == {"S": "vended"}
        changes = _changes(item, wanted, ended=entry.state != "requested" and not hides)
        if not changes:
            return "as it was"
        return "repaired" if self.dry else _done(self._update(item, entry.id, changes), "repaired")

    def _put(self, entry: Entry) -> Outcome:
        item = item_of(entry, self.keep_seconds)
        return put_if(self.operator.client, self.table, item, "attribute_not_exists(#id)", {"#id": "id"}, {})

    def _update(self, item: "Item", id_: str, changes: "Mapping[str, AttributeValueTypeDef | None]") -> Outcome:
        names = {f"#c{place}": name for place, name in enumerate(changes)} | {"#state": "state", "#id": "id"}
        sets = [f"#c{place} = :c{place}" for place, value in enumerate(changes.values()) if value is not None]
        gone = [f"#c{place}" for place, value in enumerate(changes.values()) if value is None]
        values = {f":c{place}": value for place, value in enumerate(changes.values()) if value is not None}
        condition = "attribute_exists(#id) AND attribute_not_exists(#state)"
        if "state" in item:
            condition, values[":was"] = "#state = :was", item["state"]
        expression = " ".join([f"SET {', '.join(sets)}"] * bool(sets) + [f"REMOVE {', '.join(gone)}"] * bool(gone))
        return write_update(
            self.operator.client,
            {
                "TableName": self.table,
                "Key": {"id": {"S": id_}},
                "UpdateExpression": expression,
                "ConditionExpression": condition,
                "ExpressionAttributeNames": {
                    name: text for name, text in names.items() if name in f"{expression} {condition}"
                },
                "ExpressionAttributeValues": values,
            },
        )


def _done(outcome: Outcome, otherwise: Done) -> Done:
    return otherwise if outcome == "written" else outcome


def _as_asked(item: "Item", entry: Entry) -> Entry:
    """The entry with the moments that the ledger has, where they are the same but for when each was written."""
    try:
        requested_at, expires = int(item["requested_at"]["N"]), int(item["expires"]["N"])
    except (KeyError, ValueError):
        return entry
    if abs(requested_at - entry.requested_at) <= _SAME_MOMENT_MILLISECONDS:
        entry = replace(entry, requested_at=requested_at)
    # Where STS has not said it, it is the latest that it can be.
    if entry.state != "vended" and abs(expires - entry.expires) * 1000 <= _SAME_MOMENT_MILLISECONDS:
        entry = replace(entry, expires=expires)
    return entry


def _changes(item: "Item", wanted: "Item", *, ended: bool) -> "dict[str, AttributeValueTypeDef | None]":
    """What is to be changed, by attribute; None: it goes.

    Args:
        ended: the log tells how the request has ended: else the ledger may know it already.
    """
    kept = _OWN if ended else _OWN | (_OF_THE_END if item.get("state") else frozenset())
    changes: dict[str, AttributeValueTypeDef | None] = {
        name: value
        for name, value in wanted.items()
        if name not in kept and name != "ttl" and not _same(item.get(name), value)
    }
    changes |= dict.fromkeys(name for name in item if name not in wanted and name not in kept and name in _KNOWN)
    # How long it stays was worked out by the setting of its time; only another end is another time.
    if "ttl" not in item or "expires" in changes:
        changes["ttl"] = wanted["ttl"]
    return changes


def _same(one: "AttributeValueTypeDef | None", other: "AttributeValueTypeDef") -> bool:
    """Whether two values are one; sets have no order."""
    if one is not None and "SS" in one and "SS" in other:
        return set(one["SS"]) == set(other["SS"])
    return one == other
