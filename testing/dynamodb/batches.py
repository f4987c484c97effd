"""BatchGetItem and BatchWriteItem: many items in one request, each on its own.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
"""

from collections.abc import Callable, Mapping
from typing import Final, cast

from testing.dynamodb.reads import Read
from testing.dynamodb.refused import InvalidRequest
from testing.dynamodb.tables import Key, Table
from testing.dynamodb.writes import Write

Find = Callable[[str], Table]
_MOST_READ: Final = 100
_MOST_WRITTEN: Final = 25
_KNOWN: Final = ("Keys", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames")


def batch_get(find: Find, request: Mapping[str, object], left_over: int) -> dict[str, object]:
    """The answer to BatchGetItem.

    Args:
        left_over: how many keys are not looked for, the last ones.

    Raises:
        Refused: DynamoDB does not take it.
    """
    wanted = cast(Mapping[str, Mapping[str, object]], request["RequestItems"])
    keys = [(name, key) for name, of_table in wanted.items() for key in cast(list[object], of_table["Keys"])]
    if len(keys) > _MOST_READ:
        raise InvalidRequest("Too many items requested for the BatchGetItem call")
    reads = {}
    for name, of_table in wanted.items():
        if {*of_table} - {*_KNOWN}:
            raise NotImplementedError(f"testing/dynamodb does not know {', '.join({*of_table} - {*_KNOWN})}")
        reads[name] = Read.of(of_table, name)
    _refuse_duplicates([(name, reads[name].key(find, key)[1]) for name, key in keys])
    done = len(keys) - left_over
    responses: dict[str, list[object]] = {name: [] for name in wanted}
    for name, key in keys[:done]:
        item = reads[name].get(find, key)
        if item is not None:
            responses[name].append(item)
    unprocessed: dict[str, dict[str, object]] = {}
    for name, key in keys[done:]:
        left = unprocessed.setdefault(name, {**wanted[name], "Keys": []})
        cast(list[object], left["Keys"]).append(key)
    for found in responses.values():
        found.reverse()  # "The items are returned in no particular order", and who counts on one learns of it
    return {"Responses": responses, "UnprocessedKeys": unprocessed}


def batch_write(find: Find, request: Mapping[str, object], left_over: int) -> dict[str, object]:
    """The answer to BatchWriteItem.

    Args:
        left_over: how many items are not written, the last ones.

    Raises:
        Refused: DynamoDB does not take it.
    """
    wanted = cast(Mapping[str, list[dict[str, dict[str, object]]]], request["RequestItems"])
    asked = [(name, one) for name, of_table in wanted.items() for one in of_table]
    if len(asked) > _MOST_WRITTEN:
        raise InvalidRequest("Too many items requested for the BatchWriteItem call")
    writes: list[tuple[Write, Table, Key]] = []
    for name, one in asked:
        if len(one) != 1:
            raise InvalidRequest("Supplied AttributeValue has more than one operation, must contain exactly one")
        ((operation, parameters),) = one.items()
        write = Write.of(operation.removesuffix("Request"), {"TableName": name, **parameters})
        table = find(name)
        writes.append((write, table, write.key(table)))
    _refuse_duplicates([(write.table, key) for write, _, key in writes])
    done = len(asked) - left_over
    for write, table, key in writes[:done]:
        table.write(key, write.new_item(table, table.items.get(key)))
    unprocessed: dict[str, list[object]] = {}
    for name, one in asked[done:]:
        unprocessed.setdefault(name, []).append(one)
    return {"UnprocessedItems": unprocessed}


def _refuse_duplicates(keys: list[tuple[str, Key]]) -> None:
    if len({*keys}) < len(keys):
        raise InvalidRequest("Provided list of item keys contains duplicates")
