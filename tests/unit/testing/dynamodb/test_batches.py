"""Batches: many items, each on its own, of which some may be left over."""

from typing import Any

from testing.dynamodb.faults import Unprocessed
from tests.unit.testing.dynamodb.one_table import BLOCKS_TABLE, TABLE, World, refusal


def key(name: str) -> dict[str, Any]:
    return {"id": {"S": name}}


def put(name: str) -> dict[str, Any]:
    return {"PutRequest": {"Item": key(name)}}


def test_a_batch_reads_from_several_tables_what_is_there() -> None:
    world = World()
    world.database.put(TABLE, {**key("a"), "n": {"N": "1"}})
    world.database.put(BLOCKS_TABLE, {**key("gate-00"), "n": {"N": "2"}})
    found = world.client.batch_get_item(
        RequestItems={
            TABLE: {"Keys": [key("a"), key("b")], "ConsistentRead": True},
            BLOCKS_TABLE: {
                "Keys": [key("gate-00")],
                "ProjectionExpression": "#n",
                "ExpressionAttributeNames": {"#n": "n"},
            },
        }
    )
    assert found["Responses"] == {TABLE: [{**key("a"), "n": {"N": "1"}}], BLOCKS_TABLE: [{"n": {"N": "2"}}]}
    assert found["UnprocessedKeys"] == {}


def test_a_hundred_keys_may_be_read_and_each_once() -> None:
    world = World()
    keys = [key(str(number)) for number in range(101)]
    for some in (keys[:100], keys[:1]):
        world.client.batch_get_item(RequestItems={TABLE: {"Keys": some}})
    for wrong in (keys, [key("a"), key("b"), key("a")], [{"id": {"N": "1"}}], []):
        code, _ = refusal(lambda wrong=wrong: world.send("BatchGetItem", {"RequestItems": {TABLE: {"Keys": wrong}}}))  # type: ignore[misc]
        assert code == "ValidationException"
    split = {TABLE: {"Keys": keys[:60]}, BLOCKS_TABLE: {"Keys": keys[:41]}}
    assert "Too many items" in refusal(lambda: world.client.batch_get_item(RequestItems=split))[1]
    missing = {"other": {"Keys": keys[:1]}}
    assert refusal(lambda: world.client.batch_get_item(RequestItems=missing))[0] == "ResourceNotFoundException"


def test_keys_are_left_over_when_the_script_says_so() -> None:
    world = World()
    keys = [key(name) for name in "abcd"]
    for one in keys:
        world.database.put(TABLE, one)
    wanted = {TABLE: {"Keys": keys, "ConsistentRead": True}}
    world.database.faults.next("BatchGetItem", Unprocessed(3), Unprocessed(4))
    first = world.client.batch_get_item(RequestItems=wanted)
    assert first["Responses"] == {TABLE: [key("a")]}
    assert first["UnprocessedKeys"] == {TABLE: {"Keys": keys[1:], "ConsistentRead": True}}
    assert world.client.batch_get_item(RequestItems=wanted)["Responses"] == {TABLE: []}
    rest = world.client.batch_get_item(RequestItems=first["UnprocessedKeys"])
    assert sorted(item["id"]["S"] for item in rest["Responses"][TABLE]) == ["b", "c", "d"]


def test_a_batch_writes_each_item() -> None:
    world = World()
    world.database.put(TABLE, key("old"))
    done = world.client.batch_write_item(
        RequestItems={TABLE: [put("a"), {"DeleteRequest": {"Key": key("old")}}], BLOCKS_TABLE: [put("gate-00")]}
    )
    assert done["UnprocessedItems"] == {}
    assert world.database.items(TABLE) == [key("a")] and world.database.items(BLOCKS_TABLE) == [key("gate-00")]


def test_twenty_five_items_may_be_written_and_each_once() -> None:
    world = World()
    many = [put(str(number)) for number in range(26)]
    world.client.batch_write_item(RequestItems={TABLE: many[:25]})
    for wrong in (
        {TABLE: many},
        {TABLE: many[:13], BLOCKS_TABLE: many[13:]},
        {TABLE: [put("a"), put("a")]},
        {TABLE: [put("a"), {"DeleteRequest": {"Key": key("a")}}]},
    ):
        code, _ = refusal(lambda wrong=wrong: world.client.batch_write_item(RequestItems=wrong))  # type: ignore[misc]
        assert code == "ValidationException"
    assert len(world.database.items(TABLE)) == 25


def test_items_are_left_over_when_the_script_says_so() -> None:
    world = World()
    world.database.faults.next("BatchWriteItem", Unprocessed(1))
    left = world.client.batch_write_item(RequestItems={TABLE: [put("a"), put("b")]})["UnprocessedItems"]
    assert left == {TABLE: [put("b")]}
    world.client.batch_write_item(RequestItems=left)
    assert len(world.database.items(TABLE)) == 2
