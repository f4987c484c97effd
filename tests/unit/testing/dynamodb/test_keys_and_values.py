"""Which items a table takes, and how it tells them apart."""

from functools import partial
from typing import Any

import pytest

from testing.dynamodb.tables import Schema
from tests.unit.testing.dynamodb.one_table import ID, REVOCATIONS_TABLE, TABLE, World, refusal


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({}, "Missing the key id"),
        ({"id": {"N": "1"}}, "Type mismatch for key id expected: S actual: N"),
        ({"id": {"S": ""}}, "cannot contain an empty string value. Key: id"),
        ({"id": {"S": "x" * 2049}}, "Size of hashkey"),
        ({**ID, "by_day": {"N": "1"}}, "Type mismatch for Index Key by_day"),
        ({**ID, "at": {"S": ""}}, "secondary index key"),
        ({**ID, "by_day": {"S": "x" * 2049}}, "secondary index key"),
        ({**ID, "at": {"S": "x" * 1025}}, "secondary index key"),
        ({**ID, "n": {"N": ""}}, "cannot be converted to a numeric value"),
        ({**ID, "n": {"N": "NaN"}}, "cannot be converted to a numeric value"),
        ({**ID, "n": {"N": "1_000"}}, "cannot be converted to a numeric value"),
        ({**ID, "n": {"N": "1" * 39}}, "38 significant digits"),
        ({**ID, "n": {"N": "1e-131"}}, "Number underflow"),
        ({**ID, "s": {"SS": []}}, "string set  may not be empty"),
        ({**ID, "m": {"M": {"s": {"NS": []}}}}, "number set  may not be empty"),
        ({**ID, "s": {"SS": ["x", "x"]}}, "contains duplicates"),
        ({**ID, "n": {"S": "1", "N": "1"}}, "more than one datatypes"),
        ({**ID, "n": {}}, "is empty"),
        ({**ID, "s": {"S": "x" * 400 * 1024}}, "Item size has exceeded"),
    ],
)
def test_an_item_that_is_wrong_is_refused(item: dict[str, Any], said: str) -> None:
    world = World()
    code, message = refusal(lambda: world.send("PutItem", {"TableName": TABLE, "Item": item}))
    assert code == "ValidationException" and said in message
    assert world.database.items(TABLE) == []


@pytest.mark.parametrize("value", [{"S": 1}, {"N": 1}, {"BOOL": "true"}, {"L": {}}, {"M": []}, {"SS": "x"}, "x"])
def test_what_is_of_another_type_than_the_protocol_has_is_no_value(value: object) -> None:
    world = World()
    code, _ = refusal(lambda: world.send("PutItem", {"TableName": TABLE, "Item": {**ID, "v": value}}))
    assert code == "SerializationException"


@pytest.mark.parametrize(
    ("written", "read"),
    [("1.50", "1.5"), ("-0", "0"), ("1e3", "1000"), ("+7", "7"), ("0.0001", "0.0001"), ("9" * 38, "9" * 38)],
)
def test_numbers_have_one_form(written: str, read: str) -> None:
    world = World()
    world.client.put_item(TableName=TABLE, Item={**ID, "n": {"N": written}})
    assert world.client.get_item(TableName=TABLE, Key=ID)["Item"]["n"] == {"N": read}


def test_empty_texts_lists_and_maps_are_values() -> None:
    world = World()
    item = {**ID, "s": {"S": ""}, "l": {"L": []}, "m": {"M": {}}, "b": {"B": b""}, "no": {"NULL": True}}
    world.client.put_item(TableName=TABLE, Item=item)
    assert world.client.get_item(TableName=TABLE, Key=ID)["Item"] == item


@pytest.mark.parametrize(
    "key",
    [
        {"role_arn": {"S": "arn"}},
        {"role_arn": {"S": "arn"}, "id": {"S": "role"}, "more": {"S": "x"}},
        {"role_arn": {"S": "arn"}, "id": {"N": "1"}},
        {},
    ],
)
def test_a_key_has_the_attributes_of_the_table_and_no_others(key: dict[str, Any]) -> None:
    world = World()
    for call in (world.client.get_item, world.client.delete_item, world.client.update_item):
        code, message = refusal(partial(call, TableName=REVOCATIONS_TABLE, Key=key))
        assert (code, message) == ("ValidationException", "The provided key element does not match the schema")


def test_items_of_one_partition_are_told_apart_by_their_range_keys() -> None:
    world = World()
    for name in ("session#1", "session#2", "session#1"):
        world.client.put_item(TableName=REVOCATIONS_TABLE, Item={"role_arn": {"S": "arn"}, "id": {"S": name}})
    assert len(world.database.items(REVOCATIONS_TABLE)) == 2
    assert world.database.item(REVOCATIONS_TABLE, "arn", "session#2") is not None
    assert world.database.item(REVOCATIONS_TABLE, "arn") is None


def test_a_table_that_is_missing_is_not_found() -> None:
    world = World()
    assert refusal(lambda: world.client.get_item(TableName="other", Key=ID)) == (
        "ResourceNotFoundException",
        "Requested resource not found",
    )


def test_a_table_is_found_by_its_arn() -> None:
    world = World()
    world.put()
    arn = f"arn:aws:dynamodb:ap-northeast-2:111122223333:table/{TABLE}"
    assert "Item" in world.client.get_item(TableName=arn, Key=ID)


def test_a_projection_returns_parts_of_an_item() -> None:
    world = World()
    world.put(n={"N": "1"}, m={"M": {"a": {"N": "1"}, "b": {"L": [{"N": "1"}, {"N": "2"}]}}})

    def get(expression: str, **names: str) -> Any:
        given = {"ExpressionAttributeNames": {f"#{name}": real for name, real in names.items()}} if names else {}
        return world.client.get_item(TableName=TABLE, Key=ID, ProjectionExpression=expression, **given)["Item"]

    assert get("n, gone") == {"n": {"N": "1"}}
    assert get("#m.b[1]", m="m") == {"m": {"M": {"b": {"L": [{"N": "2"}]}}}}
    for wrong in ("n, n", "m, m.a", "owner", "n,", "#x"):
        assert refusal(partial(get, wrong))[0] == "ValidationException"
    assert refusal(lambda: get("n", m="m"))[0] == "ValidationException"


def test_a_schema_is_read_from_a_template_or_a_request() -> None:
    schema = Schema.of(
        {
            "TableName": "t",
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "owner", "at")],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "by_owner",
                    "KeySchema": [
                        {"AttributeName": "owner", "KeyType": "HASH"},
                        {"AttributeName": "at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
            "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
        }
    )
    assert schema.key.names == ("id",) and schema.ttl == "ttl"
    assert schema.indexes["by_owner"].key.names == ("owner", "at")
    assert schema.indexes["by_owner"].projected == ()


def test_expired_items_go_when_dynamodb_comes_to_them() -> None:
    world = World()
    world.put(ttl={"N": str(int(world.clock.now) + 10)})
    world.clock.now += 11
    assert world.client.get_item(TableName=TABLE, Key=ID)["Item"]
    world.database.delete_expired(TABLE)
    assert world.item() is None
    assert world.database.changes(TABLE)[-1].new is None
