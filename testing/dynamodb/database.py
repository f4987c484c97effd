"""A DynamoDB in memory, as strict as AWS: what requests do, whoever brings them."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from local.strict.model_rules import check_model
from testing.clock import Clock
from testing.dynamodb.batches import batch_get, batch_write
from testing.dynamodb.faults import After, Before, Cancel, Fault, Faults, LoseAnswer, LoseRequest, Refuse, Unprocessed
from testing.dynamodb.queries import PAGE_BYTES, Search
from testing.dynamodb.reads import Read
from testing.dynamodb.refused import Refused
from testing.dynamodb.tables import Change, Schema, Table
from testing.dynamodb.transactions import Transactions, cancelled, reason
from testing.dynamodb.values import Item, check_item, copy_of, number
from testing.dynamodb.writes import Write, attributes_to_return

Json = dict[str, object]
_EXPRESSIONS: Final = ("ExpressionAttributeNames", "ExpressionAttributeValues")
_MANY: Final = (
    *_EXPRESSIONS,
    "TableName",
    "IndexName",
    "ConsistentRead",
    "ExclusiveStartKey",
    "FilterExpression",
    "Limit",
    "ProjectionExpression",
    "Select",
)
_CONDITIONAL: Final = (*_EXPRESSIONS, "TableName", "ConditionExpression", "ReturnValuesOnConditionCheckFailure")
# What each operation is asked for here. What else AWS knows is older than expressions, or counts capacity.
_KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "PutItem": (*_CONDITIONAL, "Item", "ReturnValues"),
    "UpdateItem": (*_CONDITIONAL, "Key", "UpdateExpression", "ReturnValues"),
    "DeleteItem": (*_CONDITIONAL, "Key", "ReturnValues"),
    "TransactWriteItems": ("TransactItems", "ClientRequestToken"),
    "BatchGetItem": ("RequestItems",),
    "BatchWriteItem": ("RequestItems",),
    "Query": (*_MANY, "KeyConditionExpression", "ScanIndexForward"),
    "Scan": _MANY,
    "GetItem": ("TableName", "Key", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"),
}
# Parameters that may say NONE.
_COUNTED: Final = ("ReturnConsumedCapacity", "ReturnItemCollectionMetrics")


@dataclass(frozen=True)
class Asked:
    """A request."""

    operation: str
    parameters: Json


@dataclass(frozen=True)
class Reply:
    """An answer in HTTP."""

    status: int
    body: Json


class NoReply(Exception):
    """The caller waits in vain."""


class Database:
    """Tables, what they were asked, and what goes wrong with it. Any number of threads may ask.

    Attributes:
        clock: seconds since 1970; no time passes but by it. Where it was given one, its answers tell the time.
        faults: the script of what goes wrong.
        asked: each request, in order; one that went wrong, or that botocore sent again, as well.
        page_bytes: after as many, a page of Query or Scan ends.
    """

    def __init__(self, *schemas: Schema, clock: Callable[[], float] | None = None) -> None:
        """These tables, and nothing in them."""
        self.clock: Callable[[], float] | None = clock
        self.faults = Faults()
        self.asked: list[Asked] = []
        self.page_bytes = PAGE_BYTES
        self._lock = threading.RLock()
        self._tables = {schema.name: Table(schema) for schema in schemas}
        self._own_clock = Clock()
        self._transactions = Transactions(self._find, self._now)

    @property
    def round_trips(self) -> int:
        """How many requests there were."""
        return len(self.asked)

    def operations(self) -> list[str]:
        """The operations since the last look."""
        with self._lock:
            names = [asked.operation for asked in self.asked]
            self.asked.clear()
        return names

    def items(self, table: str) -> list[Item]:
        """What a table holds: copies, in no order that means anything."""
        with self._lock:
            return [copy_of(item) for item in self.table(table).items.values()]

    def item(self, table: str, *key: str) -> Item | None:
        """A copy of one item, by the content of its key, or None."""
        with self._lock:
            found = (item for held, item in self.table(table).items.items() if tuple(part for _, part in held) == key)
            item = next(found, None)
            return None if item is None else copy_of(item)

    def put(self, table: str, item: Mapping[str, object]) -> None:
        """Have an item in a table, without a request.

        Raises:
            Refused: no request could write it.
        """
        with self._lock:
            found, checked = self.table(table), check_item(item)
            found.write(found.key_of_item(checked), checked)

    def changes(self, table: str) -> list[Change]:
        """What was written so far, in order, as the table's stream would tell it."""
        with self._lock:
            return [change.copy() for change in self.table(table).changes]

    def delete_expired(self, table: str) -> None:
        """What DynamoDB does at some time within days: items whose time to live is over go."""
        with self._lock:
            found = self.table(table)
            name = found.schema.ttl
            assert name is not None, f"{table} has no time to live"
            for key, item in list(found.items.items()):
                if "N" in item.get(name, {}) and number(item[name]) < int(self._now()):
                    found.write(key, None)

    def table(self, name: str) -> Table:
        """A table itself, which is not safe for threads."""
        return self._tables[name]

    def _now(self) -> float:
        return (self.clock or self._own_clock)()

    def _find(self, name: str) -> Table:
        # By its ARN as well: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
        found = self._tables.get(name.rpartition(":table/")[2])
        if found is None:
            raise Refused("ResourceNotFoundException", "Requested resource not found")
        return found

    def answer(self, target: str, body: bytes) -> Reply:
        """The answer to a request; `target` is its header X-Amz-Target.

        Raises:
            NoReply: it is lost.
            Exception: what the script has instead of an answer.
        """
        asked = Asked(target.partition(".")[2], cast(Json, json.loads(body)))
        with self._lock:
            self.asked.append(asked)
        fault = self.faults.take(asked.operation)
        if isinstance(fault, Exception):
            raise fault
        if isinstance(fault, LoseRequest):
            raise NoReply
        try:
            reply = Reply(200, self._meet(asked, fault))
        except Refused as refused:
            reply = Reply(refused.status, refused.body)
        if isinstance(fault, LoseAnswer):
            raise NoReply
        return reply

    def _meet(self, asked: Asked, fault: Fault | None) -> Json:
        """Carry out a request as the script has it. Calls of the test may ask other things meanwhile."""
        match fault:
            case Refuse(code, message):
                raise Refused(code, message)
            case Cancel(codes):
                actions = cast(list[object], asked.parameters["TransactItems"])
                assert len(codes) <= len(actions), f"{len(codes)} reasons for {len(actions)} actions"
                raise cancelled([reason(code) for code in codes + ("None",) * (len(actions) - len(codes))])
            case Before(call):
                call()
        try:
            with self._lock:
                left_over = fault.count if isinstance(fault, Unprocessed) else 0
                return self._carry_out(asked.operation, asked.parameters, left_over)
        finally:
            if isinstance(fault, After):
                fault.call()

    def _carry_out(self, operation: str, request: Json, left_over: int) -> Json:
        refusal = check_model("dynamodb", operation, request)
        if refusal is not None:
            raise Refused(refusal.code, refusal.message)
        _expect_known(operation, request)
        match operation:
            case "PutItem" | "UpdateItem" | "DeleteItem":
                return self._write(Write.of(operation.removesuffix("Item"), request), request)
            case "TransactWriteItems":
                return self._transactions.write(request)
            case "GetItem":
                item = Read.of(request).get(self._find, cast(Json, request["Key"]))
                return {} if item is None else {"Item": item}
            case "Query":
                return Search.of(request).query(self._find(str(request["TableName"])), self.page_bytes)
            case "Scan":
                return Search.of(request).scan(self._find(str(request["TableName"])), self.page_bytes)
            case "BatchGetItem":
                return batch_get(self._find, request, left_over)
            case "BatchWriteItem":
                return batch_write(self._find, request, left_over)
        raise NotImplementedError(f"testing/dynamodb does not do {operation}")

    def _write(self, write: Write, request: Json) -> Json:
        table = self._find(write.table)
        key = write.key(table)
        old = table.items.get(key)
        new = write.new_item(table, old)
        answer = attributes_to_return(write, str(request.get("ReturnValues", "NONE")), old, new)
        table.write(key, new)
        return answer


def _expect_known(operation: str, request: Json) -> None:
    known = {*_KNOWN.get(operation, ()), *_COUNTED}
    strange = {name for name in request if name not in known or (name in _COUNTED and request[name] != "NONE")}
    if operation in _KNOWN and strange:
        raise NotImplementedError(f"testing/dynamodb does not know {', '.join(sorted(strange))} of {operation}")
