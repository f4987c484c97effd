"""The DynamoDB in memory on loopback, for other processes."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from testing.dynamodb.credvend_tables import ALL, SESSIONS
from testing.dynamodb.database import Database
from testing.dynamodb.faults import LoseAnswer
from testing.dynamodb.serving import served


def test_it_answers_other_processes() -> None:
    database = Database(*ALL)
    with served(database) as url:
        client = boto3.client(
            "dynamodb",
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="A",
            aws_secret_access_key="s",
            config=Config(retries={"total_max_attempts": 1}),
        )
        client.put_item(TableName=SESSIONS.name, Item={"id": {"S": "one"}})
        assert client.get_item(TableName=SESSIONS.name, Key={"id": {"S": "one"}})["Item"] == {"id": {"S": "one"}}
        with pytest.raises(client.exceptions.ConditionalCheckFailedException):
            client.put_item(
                TableName=SESSIONS.name, Item={"id": {"S": "one"}}, ConditionExpression="attribute_not_exists(id)"
            )
        database.faults.next("DeleteItem", LoseAnswer())
        with pytest.raises(ConnectionClosedError):  # it hangs up
            client.delete_item(TableName=SESSIONS.name, Key={"id": {"S": "one"}})
        client.close()
    assert database.items(SESSIONS.name) == []
