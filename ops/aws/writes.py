"""Writes to DynamoDB that may meet others, told apart by what became of them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, cast

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef, UpdateTypeDef

# `busy`: nothing was written, and may be the next time. `changed`: its condition does not hold.
Outcome = Literal["written", "busy", "changed"]
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_BUSY: Final = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ThrottlingError",
        "ThrottlingException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
    }
)
_CHANGED: Final = frozenset({"ConditionalCheckFailed", "ConditionalCheckFailedException"})


def write_together(client: "DynamoDBClient", actions: "Sequence[TransactWriteItemTypeDef]") -> Outcome:
    """Write all, or nothing. What botocore raises for other reasons goes through."""
    try:
        client.transact_write_items(TransactItems=actions)
    except ClientError as error:
        return _outcome(error)
    return "written"


def write_update(client: "DynamoDBClient", update: "UpdateTypeDef") -> Outcome:
    """Change one item. What botocore raises for other reasons goes through."""
    try:
        client.update_item(**update)
    except ClientError as error:
        return _outcome(error)
    return "written"


def put_if(
    client: "DynamoDBClient",
    table: str,
    item: "Mapping[str, AttributeValueTypeDef]",
    condition: str,
    names: Mapping[str, str],
    values: "Mapping[str, AttributeValueTypeDef]",
) -> Outcome:
    """Write one item whole, if a condition holds of the one that is there. Others go through."""
    more = {"ExpressionAttributeValues": values} if values else {}
    try:
        client.put_item(
            TableName=table,
            Item=item,
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            **more,  # type: ignore[arg-type]
        )
    except ClientError as error:
        return _outcome(error)
    return "written"


def _outcome(error: ClientError) -> Outcome:
    """What became of it.

    Raises:
        ClientError: it was refused for another reason.
    """
    reasons = cast(Sequence[Mapping[str, str]], error.response.get("CancellationReasons", []))
    codes = {str(reason.get("Code")) for reason in reasons} | {str(error.response.get("Error", {}).get("Code"))}
    if codes & _CHANGED:
        return "changed"
    if codes & _BUSY:
        return "busy"
    raise error
