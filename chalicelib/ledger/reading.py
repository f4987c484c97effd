"""Which sessions are there? Read by index, never by going through the whole table, the latest first.

An index has the keys alone: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html. It is asked, all
partitions of a day at once, and the entries are read from the table, as they are by then.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from chalicelib.aws.batches import LARGEST, batch_get
from chalicelib.aws.durations import MAXIMUM_SECONDS
from chalicelib.ledger.entry import Entry, entry_of
from chalicelib.ledger.index_keys import SHARDS, Index, at, partitions, value_of_caller
from chalicelib.operators_log import tell_operators

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef

    from chalicelib.ledger.entry import Item

# Batches that are asked for before they are wanted.
_AHEAD: Final = 4
# Keys in a page of an index: 150 KB.
_PAGE: Final = 1000
# A session begins when STS answers, a while after it was asked for; and clocks differ.
_CLOCKS_SECONDS: Final = 300

_T = TypeVar("_T")
_Page = tuple[list[tuple[str, str]], "Item | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which sessions: those for which all of it is true.

    Attributes:
        since, until: when they were asked for, both included; milliseconds since 1970, UTC.
        caller: its identifier.
        role: catalog name.
        account: of the role, 12 digits.
        keys: access key ids; empty: any.
        live_at: live at that moment, as far as the ledger knows; seconds since 1970, UTC. None: whatever they are.
    """

    since: int
    until: int
    caller: str | None = None
    role: str | None = None
    account: str | None = None
    keys: tuple[str, ...] = ()
    live_at: float | None = None

    @property
    def earliest(self) -> int:
        """Before, none of them can have been asked for; milliseconds since 1970, UTC."""
        if self.live_at is None:
            return self.since
        return max(self.since, int((self.live_at - MAXIMUM_SECONDS - _CLOCKS_SECONDS) * 1000))

    def matches(self, entry: Entry) -> bool:
        """Whether it is one of them."""
        return (
            self.since <= entry.requested_at <= self.until
            and self.caller in (None, entry.caller)
            and self.role in (None, entry.role)
            and self.account in (None, entry.account)
            and (not self.keys or entry.access_key_id in self.keys)
            and (self.live_at is None or entry.is_live(self.live_at))
        )


class ReadEnough(Exception):
    """As many sessions were read as was to be read; there may be more that are wanted."""


class By(NamedTuple):
    """An index, and what it is asked for.

    Attributes:
        value: None: for days alone.
    """

    name: Index
    value: str | None


def index_for(wanted: Wanted) -> By:
    """The index that narrows most: a caller has fewer sessions than a role, and a role fewer than its account."""
    if wanted.caller is not None:
        return By("by_caller", value_of_caller(wanted.caller))
    if wanted.role is not None:
        return By("by_role", wanted.role)
    if wanted.account is not None:
        return By("by_account", wanted.account)
    return By("by_day", None)


def _tell(message: str) -> None:
    tell_operators("%s", message)


@dataclass(frozen=True, slots=True)
class LedgerReader:
    """Reads the table of sessions. What botocore raises goes through.

    Attributes:
        client: one that several threads may use at once, with as many connections.
        table: its name.
        threads: how many.
        unreadable: told of each item that is no entry, which is then left out.
    """

    client: "DynamoDBClient"
    table: str
    threads: int = 2 * SHARDS
    unreadable: Callable[[str], None] = _tell
    wait: Callable[[float], None] = time.sleep

    def get(self, session: str) -> Entry | None:
        """The entry of a session as it is now, by its id; None: there is none.

        Raises:
            ValueError: what is there is no entry.
        """
        answer = self.client.get_item(TableName=self.table, Key={"id": {"S": session}}, ConsistentRead=True)
        item = answer.get("Item")
        return None if item is None else entry_of(item)

    def find(self, wanted: Wanted, most: int | None = None) -> Iterator[Entry]:
        """The sessions that are wanted, the latest first. What was written within the last second may be missing.

        It reads a little ahead, and no further than it is asked.

        Args:
            most: as many are read at most, wanted or not: an index does not tell which are live. None: all.

        Raises:
            ReadEnough: there are more than that.
            TableUnavailable: the table stays too busy.
        """
        executor = ThreadPoolExecutor(self.threads)
        try:
            found = self._by_key(executor, wanted) if wanted.keys else self._by_time(executor, wanted)
            yield from filter(wanted.matches, islice(found, most))
            if most is not None and next(found, None) is not None:
                raise ReadEnough
        finally:
            executor.shutdown(cancel_futures=True)

    def _by_key(self, executor: ThreadPoolExecutor, wanted: Wanted) -> Iterator[Entry]:
        keys = dict.fromkeys(wanted.keys)
        ids = (one for found in executor.map(self._with_key, keys) for one in found)
        yield from sorted(self._entries(executor, ids), key=lambda entry: (-entry.requested_at, entry.id))

    def _by_time(self, executor: ThreadPoolExecutor, wanted: Wanted) -> Iterator[Entry]:
        yield from self._entries(executor, self._ids(executor, wanted))

    def _ids(self, executor: ThreadPoolExecutor, wanted: Wanted) -> Iterator[str]:
        """Day by day, and the partitions of a day merged. The next day is asked for meanwhile."""
        by = index_for(wanted)
        keys = partitions(by.value, wanted.earliest, wanted.until)
        begun: deque[list[Iterator[tuple[str, str]]]] = deque()
        for day in _chunks(keys, SHARDS):
            begun.append([self._partition(executor, by.name, key, wanted) for key in day])
            if len(begun) > 1:
                yield from _merged(begun.popleft())
        for streams in begun:
            yield from _merged(streams)

    def _partition(
        self, executor: ThreadPoolExecutor, index: Index, key: str, wanted: Wanted
    ) -> Iterator[tuple[str, str]]:
        """Moments and ids of one partition, the latest first; its first page is asked for at once."""
        asked: QueryInputTypeDef = {
            "TableName": self.table,
            "IndexName": index,
            "KeyConditionExpression": "#key = :key AND #at BETWEEN :since AND :until",
            "ExpressionAttributeNames": {"#key": index, "#at": "at"},
            "ExpressionAttributeValues": {
                ":key": {"S": key},
                ":since": {"S": at(wanted.earliest)},
                ":until": {"S": at(wanted.until)},
            },
            "ScanIndexForward": False,
            "Limit": _PAGE,
        }
        return self._rows(executor, asked, executor.submit(self._page, asked, None))

    def _rows(
        self, executor: ThreadPoolExecutor, asked: "QueryInputTypeDef", page: "Future[_Page] | None"
    ) -> Iterator[tuple[str, str]]:
        while page is not None:
            rows, last = page.result()
            page = None if last is None else executor.submit(self._page, asked, last)
            yield from rows

    def _page(self, asked: "QueryInputTypeDef", last: "Item | None") -> _Page:
        answer = self.client.query(**(asked if last is None else asked | {"ExclusiveStartKey": last}))
        return [(item["at"]["S"], item["id"]["S"]) for item in answer["Items"]], answer.get("LastEvaluatedKey")

    def _with_key(self, access_key_id: str) -> list[str]:
        answer = self.client.query(
            TableName=self.table,
            IndexName="by_key",
            KeyConditionExpression="#key = :key",
            ExpressionAttributeNames={"#key": "access_key_id"},
            ExpressionAttributeValues={":key": {"S": access_key_id}},
        )
        return [item["id"]["S"] for item in answer["Items"]]

    def _entries(self, executor: ThreadPoolExecutor, ids: Iterable[str]) -> Iterator[Entry]:
        for items in _ahead(executor, (partial(self._items, some) for some in _chunks(ids, LARGEST))):
            for item in items:
                try:
                    yield entry_of(item)
                except ValueError as error:  # it must not hide the others
                    self.unreadable(f"table {self.table}: {error}")

    def _items(self, ids: Sequence[str]) -> "list[Item]":
        """The items of up to 100 sessions, in that order. One that is gone meanwhile is left out."""
        found = batch_get(self.client, self.table, ids, self.wait)
        return [found[one] for one in dict.fromkeys(ids) if one in found]


def _merged(streams: Sequence[Iterator[tuple[str, str]]]) -> Iterator[str]:
    return (one for _, one in heapq.merge(*streams, key=lambda row: row[0], reverse=True))


def _chunks(values: Iterable[_T], size: int) -> Iterator[list[_T]]:
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def _ahead(executor: ThreadPoolExecutor, calls: Iterable[Callable[[], _T]]) -> Iterator[_T]:
    """The results of calls, in order, with some of them made before they are wanted."""
    running: deque[Future[_T]] = deque()
    for call in calls:
        running.append(executor.submit(call))
        if len(running) >= _AHEAD:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()
