"""A table in DynamoDB: one client with short timeouts, one way to say that it cannot be asked now.

Import this module only when a table is asked: the client of DynamoDB is slow to set up.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from chalicelib.aws.answers import code_of
from chalicelib.aws.client import client_config, session
from chalicelib.operators_log import tell_operators

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

# Two attempts of at most 1 s + 2 s, and at most 1 s of back-off, end after 7 s at worst.
CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 2
ATTEMPTS: Final = 2
WORST_SECONDS: Final = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) + 1
# What botocore raises where a table was not asked, or did not answer as it should.
TROUBLE: Final = (BotoCoreError, ClientError, ResponseParserError)


class TableUnavailable(Exception):
    """The table could not be asked. The operators have been told why."""


class ConditionFailed(Exception):
    """Nothing was written, since the item is not as the condition demands."""


class Table:
    """One table, by its name."""

    def __init__(self, name: str, client: "DynamoDBClient") -> None:
        """Nothing is asked yet."""
        self.name = name
        self._client = client

    def get(self, key: "Mapping[str, AttributeValueTypeDef]") -> "Mapping[str, AttributeValueTypeDef] | None":
        """The item of that key as it is now, or None.

        Raises:
            TableUnavailable: the table could not be asked.
        """
        try:
            # Consistent: what is not there now was not there just before either, and may be kept as missing.
            answer = self._client.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        except TROUBLE as error:
            raise self._unavailable("GetItem", error) from None
        return answer.get("Item")

    def update(
        self,
        key: "Mapping[str, AttributeValueTypeDef]",
        update: str,
        condition: str,
        names: Mapping[str, str],
        values: "Mapping[str, AttributeValueTypeDef]",
    ) -> None:
        """Change an item, if a condition holds.

        Args:
            update, condition: expressions, in which `names` begin with `#` and `values` with `:`.

        Raises:
            ConditionFailed: it does not.
            TableUnavailable: the table could not be asked; the change may have been made.
        """
        try:
            self._client.update_item(
                TableName=self.name,
                Key=key,
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
            )
        except TROUBLE as error:
            raise self._not_written("UpdateItem", error) from None

    def put(
        self,
        item: "Mapping[str, AttributeValueTypeDef]",
        condition: str,
        names: Mapping[str, str],
        values: "Mapping[str, AttributeValueTypeDef]",
    ) -> None:
        """Write a whole item, if a condition holds of the one that is there.

        Args:
            condition: an expression, in which `names` begin with `#` and `values` with `:`.

        Raises:
            ConditionFailed: it does not.
            TableUnavailable: the table could not be asked; the item may have been written.
        """
        try:
            self._client.put_item(
                TableName=self.name,
                Item=item,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
            )
        except TROUBLE as error:
            raise self._not_written("PutItem", error) from None

    def items_of(self, name: str, value: str) -> "list[Mapping[str, AttributeValueTypeDef]]":
        """All items of one hash key, as they are now, in the order of their range keys.

        Raises:
            TableUnavailable: the table could not be asked.
        """
        found: list[Mapping[str, AttributeValueTypeDef]] = []
        more: dict[str, Mapping[str, AttributeValueTypeDef]] = {}
        try:
            while True:
                answer = self._client.query(
                    TableName=self.name,
                    KeyConditionExpression="#key = :key",
                    ExpressionAttributeNames={"#key": name},
                    ExpressionAttributeValues={":key": {"S": value}},
                    ConsistentRead=True,
                    **more,  # type: ignore[arg-type]  # a key that is left out is not None
                )
                found += answer["Items"]
                if not answer.get("LastEvaluatedKey"):
                    return found
                more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        except TROUBLE as error:
            raise self._unavailable("Query", error) from None

    def items_after(
        self, name: str, moment: int, most_pages: int
    ) -> "tuple[list[Mapping[str, AttributeValueTypeDef]], bool]":
        """All items whose number of that name is greater, as they were a moment ago; and whether these are all.

        Args:
            most_pages: of 1 MB each; no more are read.

        Raises:
            TableUnavailable: the table could not be asked.
        """
        found: list[Mapping[str, AttributeValueTypeDef]] = []
        more: dict[str, Mapping[str, AttributeValueTypeDef]] = {}
        try:
            for _ in range(most_pages):
                answer = self._client.scan(
                    TableName=self.name,
                    FilterExpression="#name > :moment",
                    ExpressionAttributeNames={"#name": name},
                    ExpressionAttributeValues={":moment": {"N": str(moment)}},
                    **more,  # type: ignore[arg-type]  # a key that is left out is not None
                )
                found += answer["Items"]
                if not answer.get("LastEvaluatedKey"):
                    return found, True
                more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        except TROUBLE as error:
            raise self._unavailable("Scan", error) from None
        return found, False

    def _not_written(self, operation: str, error: Exception) -> ConditionFailed | TableUnavailable:
        if code_of(error) == "ConditionalCheckFailedException":
            return ConditionFailed()
        return self._unavailable(operation, error)

    def _unavailable(self, operation: str, error: Exception) -> TableUnavailable:
        # Not the message: it may hold anything.
        tell_operators("%s on table %s failed: %s", operation, self.name, code_of(error))
        return TableUnavailable(operation)


def dynamodb_client(
    region: str,
    connect_seconds: float = CONNECT_SECONDS,
    read_seconds: float = READ_SECONDS,
    connections: int = 1,
) -> "DynamoDBClient":
    """A client for tables; keep it, and the connection stays open between requests.

    Args:
        connect_seconds, read_seconds: of each attempt.
        connections: of a client that several threads use at once, as many.
    """
    config = client_config(region, connect_seconds, read_seconds, ATTEMPTS, connections)
    return cast("DynamoDBClient", session().create_client("dynamodb", config=config))
