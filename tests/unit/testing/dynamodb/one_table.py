"""A table of sessions, and one item in it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from testing.clock import Clock
from testing.dynamodb.credvend_tables import ALL, BLOCKS, REVOCATIONS, SESSIONS
from testing.dynamodb.database import Database
from testing.dynamodb.serving import client_of

TABLE = SESSIONS.name
BLOCKS_TABLE = BLOCKS.name
REVOCATIONS_TABLE = REVOCATIONS.name
ID = {"id": {"S": "one"}}


class World:
    """Credvend's tables, and a client of them. Its requests are written as briefly as tests want them."""

    def __init__(self, attempts: int = 1) -> None:
        self.clock = Clock()
        self.database = Database(*ALL, clock=self.clock)
        self.client: Any = client_of(self.database, attempts)

    def put(self, **attributes: object) -> None:
        """The item `one`, with attributes."""
        self.database.put(TABLE, {**ID, **attributes})

    def send(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """A request that botocore would not send."""
        reply = self.database.answer(f"DynamoDB_20120810.{operation}", json.dumps(parameters).encode())
        if reply.status == 200:
            return reply.body
        code = str(reply.body["__type"]).partition("#")[2]
        raise ClientError({"Error": {"Code": code, "Message": str(reply.body["message"])}}, operation)

    def item(self) -> dict[str, dict[str, object]] | None:
        """The item `one`, without its key."""
        found = self.database.item(TABLE, "one")
        return None if found is None else {name: value for name, value in found.items() if name != "id"}

    def update(self, expression: str, **more: Any) -> Any:
        """Change the item `one`. Other arguments are values of placeholders, or members with names in capitals."""
        return self.client.update_item(TableName=TABLE, Key=ID, UpdateExpression=expression, **_members(more))

    def holds(self, condition: str, **more: Any) -> bool:
        """Whether a condition holds of the item `one`."""
        check = {"TableName": TABLE, "Key": ID, "ConditionExpression": condition, **_members(more)}
        try:
            self.client.transact_write_items(TransactItems=[{"ConditionCheck": check}])
        except ClientError as error:
            assert error.response["Error"]["Code"] == "TransactionCanceledException", error
            return False
        return True


def _members(arguments: dict[str, Any]) -> dict[str, Any]:
    members = {name: value for name, value in arguments.items() if name[0].isupper()}
    values = {f":{name}": value for name, value in arguments.items() if name not in members}
    return {**members, **({"ExpressionAttributeValues": values} if values else {})}


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    """Code and message of what DynamoDB refuses."""
    with pytest.raises(ClientError) as refused:
        call()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]
