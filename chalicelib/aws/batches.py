"""Many items of a table of DynamoDB in few requests, where some may be left over and are asked for again.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from chalicelib.aws.table import TableUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, KeysAndAttributesTypeDef

    Item = dict[str, AttributeValueTypeDef]

# Keys in a request.
LARGEST: Final = 100
# What is left over is asked for again, so many times, after up to so long.
ATTEMPTS: Final = 8
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 2.0


def batch_get(
    client: "DynamoDBClient", table: str, ids: Sequence[str], wait: Callable[[float], None] = time.sleep
) -> "dict[str, Item]":
    """The items of a table whose key is `id`, as they are now, by their ids. What is not there is left out.

    Args:
        ids: at most 100.

    Raises:
        TableUnavailable: the table stays too busy. What botocore raises goes through.
    """
    left: list[Item] = [{"id": {"S": one}} for one in dict.fromkeys(ids)]
    found: dict[str, Item] = {}
    for attempt in range(ATTEMPTS):
        if not left:
            break
        if attempt:
            wait(min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt))
        # Consistent: a copy of the table that lags behind would have items missing.
        request: KeysAndAttributesTypeDef = {"Keys": left, "ConsistentRead": True}
        answer = client.batch_get_item(RequestItems={table: request})
        found |= {item["id"]["S"]: dict(item) for item in answer["Responses"].get(table, [])}
        rest = answer.get("UnprocessedKeys", {}).get(table)
        left = [{"id": key["id"]} for key in rest["Keys"]] if rest else []
    if left:
        raise TableUnavailable("BatchGetItem")
    return found
