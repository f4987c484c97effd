"""TransactWriteItems: all of it, or nothing.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from testing.dynamodb.refused import InvalidRequest, Refused
from testing.dynamodb.tables import Key, Table
from testing.dynamodb.values import Item
from testing.dynamodb.writes import ConditionFailed, Write

ACTIONS: Final = ("Put", "Update", "Delete", "ConditionCheck")
# The codes of reasons, and what AWS says with each.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html#API_TransactWriteItems_Errors
REASONS: Final[Mapping[str, str | None]] = {
    "None": None,
    "ConditionalCheckFailed": "The conditional request failed",
    "ItemCollectionSizeLimitExceeded": "Collection size exceeded.",
    "TransactionConflict": "Transaction is ongoing for the item",
    "ProvisionedThroughputExceeded": "The level of configured provisioned throughput for the table was exceeded. "
    "Consider increasing your provisioning level with the UpdateTable API.",
    "ThrottlingError": "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically "
    "scaling your table or index so please try again shortly. If exceptions persist, check if you have a hot key: "
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html.",
    "ValidationError": "One or more parameter values were invalid.",
}
_MOST_BYTES: Final = 4 * 1024 * 1024
_REMEMBERED_SECONDS: Final = 600


def cancelled(reasons: Sequence[Mapping[str, object]]) -> Refused:
    """The answer to a transaction of which nothing was done.

    Args:
        reasons: one for each action, in order.
    """
    codes = ", ".join(str(reason["Code"]) for reason in reasons)
    return Refused(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        CancellationReasons=[dict(reason) for reason in reasons],
    )


def reason(code: str, item: Item | None = None, message: str | None = None) -> dict[str, object]:
    """Why a transaction was cancelled, as to one of its actions."""
    said = message or REASONS[code]
    told: dict[str, object] = {"Code": code} if said is None else {"Code": code, "Message": said}
    return told if item is None else {**told, "Item": item}


@dataclass(frozen=True)
class _Remembered:
    at: float
    parameters: str
    done: bool


class Transactions:
    """Carries out transactions, and remembers their tokens for ten minutes."""

    def __init__(self, find: Callable[[str], Table], clock: Callable[[], float]) -> None:
        """
        Args:
            find: a table, by its name.
        """
        self._find = find
        self._clock = clock
        self._remembered: dict[str, _Remembered] = {}

    def write(self, request: Mapping[str, object]) -> dict[str, object]:
        """Do all that a request wants, or nothing.

        Raises:
            Refused: nothing was done.
        """
        token = cast(str | None, request.get("ClientRequestToken"))
        if token is None:
            self._write(request)
            return {}
        parameters = json.dumps({**request, "ReturnConsumedCapacity": None}, sort_keys=True)
        known = self._remembered.get(token)
        if known is not None and self._clock() >= known.at + _REMEMBERED_SECONDS:
            known = None
        # AWS does not say whether it knows the token of a transaction that it has cancelled. Here it does, but carries
        # out the same one again: who takes an old token for something else is refused in any case.
        if known is not None and known.parameters != parameters:
            raise Refused(
                "IdempotentParameterMismatchException",
                "Request was made with the same ClientRequestToken but with different parameters",
            )
        if known is None or not known.done:
            self._remembered[token] = _Remembered(self._clock(), parameters, False)
            self._write(request)
            self._remembered[token] = _Remembered(self._clock(), parameters, True)
        return {}

    def _write(self, request: Mapping[str, object]) -> None:
        writes = [_write_of(action) for action in cast(list[dict[str, object]], request["TransactItems"])]
        if sum(write.payload for write in writes) > _MOST_BYTES:
            raise InvalidRequest("Transaction payload size cannot exceed 4 MB")
        tables = [self._find(write.table) for write in writes]
        keys = _keys(writes, tables)
        reasons: list[dict[str, object]] = []
        items: list[Item | None] = []
        for write, table, key in zip(writes, tables, keys, strict=True):
            try:
                items.append(write.new_item(table, table.items.get(key)))
                reasons.append(reason("None"))
            except ConditionFailed as failed:
                reasons.append(reason("ConditionalCheckFailed", failed.item))
            except InvalidRequest as invalid:
                reasons.append(reason("ValidationError", message=invalid.message))
        if len(items) < len(writes):
            raise cancelled(reasons)
        for write, table, key, item in zip(writes, tables, keys, items, strict=True):
            if write.kind != "ConditionCheck":
                table.write(key, item)


def _write_of(action: Mapping[str, object]) -> Write:
    if len(action) != 1:
        raise InvalidRequest("TransactItems can only contain one of Check, Put, Update or Delete")
    ((kind, parameters),) = action.items()
    return Write.of(kind, cast(Mapping[str, object], parameters))


def _keys(writes: Sequence[Write], tables: Sequence[Table]) -> list[Key]:
    """The key of each write.

    Raises:
        Refused: one does not fit its table, or two are the same item's.
    """
    keys: list[Key] = []
    for write, table in zip(writes, tables, strict=True):
        try:
            keys.append(write.key(table))
        except InvalidRequest as invalid:
            # AWS looks at no action behind the first that is wrong, nor at any condition.
            reasons = [reason("None") for _ in writes]
            reasons[len(keys)] = reason("ValidationError", message=invalid.message)
            raise cancelled(reasons) from None
    if len({(write.table, key) for write, key in zip(writes, keys, strict=True)}) < len(writes):
        raise InvalidRequest("Transaction request cannot include multiple operations on one item")
    return keys
