"""Is anything about this vend blocked? A condition of the same write that records what is about to be vended.

All blocks stand in one item, of which the table holds copies: a vend asks one at random. Two transactions that ask the
same item at the same moment are in each other's way, and one item takes 1,000 writes a second:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
"""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from chalicelib.aws.transaction import Part
from chalicelib.blocks.keys import ALL, attribute
from chalicelib.errors import Blocked, VendingStopped

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from chalicelib.aws.transaction import Item

# With the item that describes the blocks, all copies are changed in one transaction, which takes 100:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
# Another number would leave copies behind that nobody changes.
GATES: Final = 96
# Until when what is blocked for good is blocked: in seconds since 1970, 2286.
FOR_GOOD: Final = 9_999_999_999


def gate_id(number: int) -> str:
    """The id of a copy."""
    return f"gate-{number:02}"


def gate_check(table: str, keys: Sequence[str], now: int) -> Part:
    """The condition that none of the keys is blocked. Where there is no such item, nothing is.

    Args:
        now: seconds since 1970, UTC.
    """
    names = {f"#k{place}": attribute(key) for place, key in enumerate(keys)}
    condition = " AND ".join(f"(attribute_not_exists({name}) OR {name} <= :now)" for name in names)

    def refusal(gate: "Item") -> Blocked | VendingStopped:
        blocked = [key for key in keys if _until(gate, key) > now]
        return VendingStopped() if ALL in blocked else Blocked(tuple(blocked))

    return Part(
        {
            "ConditionCheck": {
                "TableName": table,
                "Key": {"id": {"S": gate_id(random.randrange(GATES))}},  # noqa: S311 no secret
                "ConditionExpression": condition,
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": {":now": {"N": str(now)}},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        },
        refusal,
    )


def _until(gate: "Item", key: str) -> int:
    value: AttributeValueTypeDef = gate.get(attribute(key), {"N": "0"})
    return int(value.get("N", FOR_GOOD))  # what is no number was not written by us: DynamoDB has refused it as well
