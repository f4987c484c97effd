"""Query and Scan: which items they find, in which order, on how many pages."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from testing.dynamodb.database import Database
from testing.dynamodb.serving import client_of
from testing.dynamodb.tables import Index, KeySchema, Schema
from tests.unit.testing.dynamodb.one_table import REVOCATIONS_TABLE, TABLE, World, refusal

DAY = {"S": "2026-11-26#3"}


def world_of_sessions(count: int = 10) -> World:
    """Sessions of one day: each has its number in its range key, and in `n`."""
    world = World()
    for number in range(count):
        at = {"S": f"2026-11-26T00:00:{number:02}.000Z"}
        item = {"id": {"S": f"s{number}"}, "by_day": DAY, "at": at, "n": {"N": str(number)}, "more": {"S": "x"}}
        world.database.put(TABLE, item)
    world.database.put(TABLE, {"id": {"S": "elsewhere"}, "by_day": {"S": "2026-11-26#4"}, "at": {"S": "2026"}})
    world.database.put(TABLE, {"id": {"S": "without"}, "by_day": DAY})
    return world


def query(world: World, keys: str = "#day = :day", **more: Any) -> Any:
    values = {":day": DAY, **more.pop("values", {})}
    names = {"#day": "by_day", **more.pop("names", {})}
    return world.client.query(
        TableName=TABLE,
        IndexName="by_day",
        KeyConditionExpression=keys,
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
        **more,
    )


def ids(answer: Any) -> list[str]:
    return [item["id"]["S"] for item in answer["Items"]]


def pages(call: Any, **more: Any) -> Iterator[Any]:
    answer = call(**more)
    yield answer
    while "LastEvaluatedKey" in answer:
        answer = call(**more, ExclusiveStartKey=answer["LastEvaluatedKey"])
        yield answer


def test_an_index_has_the_items_that_have_its_keys_in_order() -> None:
    world = world_of_sessions()
    answer = query(world)
    assert ids(answer) == [f"s{number}" for number in range(10)]
    assert answer["Count"] == answer["ScannedCount"] == 10 and "LastEvaluatedKey" not in answer
    assert ids(query(world, ScanIndexForward=False)) == [f"s{number}" for number in reversed(range(10))]


def test_an_index_of_keys_only_has_no_other_attributes() -> None:
    world = world_of_sessions()
    assert all(item.keys() == {"id", "by_day", "at"} for item in query(world)["Items"])
    assert query(world, ProjectionExpression="id")["Items"][0] == {"id": {"S": "s0"}}
    assert "does not project" in refusal(lambda: query(world, ProjectionExpression="n"))[1]
    assert "not supported" in refusal(lambda: query(world, Select="ALL_ATTRIBUTES"))[1]


@pytest.mark.parametrize(("projected", "found"), [(None, {"id", "owner", "n", "more"}), (("n",), {"id", "owner", "n"})])
def test_an_index_has_what_it_projects(projected: tuple[str, ...] | None, found: set[str]) -> None:
    index = Index("by_owner", KeySchema("owner"), projected)
    database = Database(Schema("t", KeySchema("id"), {"id": "S", "owner": "S"}, {"by_owner": index}))
    database.put("t", {"id": {"S": "1"}, "owner": {"S": "o"}, "n": {"N": "1"}, "more": {"N": "2"}})
    (item,) = client_of(database).query(
        TableName="t",
        IndexName="by_owner",
        KeyConditionExpression="#owner = :o",
        ExpressionAttributeNames={"#owner": "owner"},
        ExpressionAttributeValues={":o": {"S": "o"}},
    )["Items"]
    assert item.keys() == found


def second(number: int) -> dict[str, str]:
    return {"S": f"2026-11-26T00:00:{number:02}.000Z"}


@pytest.mark.parametrize(
    ("keys", "values", "found"),
    [
        ("#day = :day AND #at = :v", {":v": second(3)}, [3]),
        ("#day = :day AND #at < :v", {":v": second(2)}, [0, 1]),
        ("#day = :day AND #at <= :v", {":v": second(2)}, [0, 1, 2]),
        ("#at > :v AND #day = :day", {":v": second(7)}, [8, 9]),
        ("#day = :day AND (#at >= :v)", {":v": second(8)}, [8, 9]),
        (":day = #day AND :v <= #at", {":v": second(8)}, [8, 9]),
        ("#day = :day and #at between :v and :w", {":v": second(4), ":w": second(6)}, [4, 5, 6]),
        ("#day = :day AND begins_with(#at, :v)", {":v": {"S": "2026-11-26T00:00:05"}}, [5]),
        ("#day = :day AND begins_with(#at, :v)", {":v": {"S": "2027"}}, []),
    ],
)
def test_a_range_of_keys_is_found(keys: str, values: dict[str, Any], found: list[int]) -> None:
    answer = query(world_of_sessions(), keys, values=values, names={"#at": "at"})
    assert ids(answer) == [f"s{number}" for number in found]


@pytest.mark.parametrize(
    ("keys", "values", "said"),
    [
        ("#at = :v", {":v": second(3)}, "missed key schema element: by_day"),
        ("#day > :day", {}, "key condition not supported"),
        ("begins_with(#day, :day)", {}, "key condition not supported"),
        ("#day = :day AND #n = :v", {":v": {"S": "3"}}, "missed key schema element: at"),
        ("#day = :day AND #at > :v AND #at < :v", {":v": second(3)}, "one condition per key"),
        ("#day = :day OR #at = :v", {":v": second(3)}, "OR"),
        ("#day = :day AND NOT #at = :v", {":v": second(3)}, "NOT"),
        ("#day = :day AND #at <> :v", {":v": second(3)}, "<>"),
        ("#day = :day AND #at IN (:v)", {":v": second(3)}, "IN"),
        ("#day = :day AND attribute_exists(#at)", {}, "attribute_exists"),
        ("#day = :day AND #at > :v", {":v": {"N": "3"}}, "does not match schema type"),
        ("#day = :day AND #at = :v", {":v": {"S": ""}}, "cannot contain an empty string"),
        ("#day = :day AND #at > #at", {}, "distinct"),
        ("#day = :day AND", {}, "Syntax error"),
        ("", {}, "can not be empty"),
    ],
)
def test_a_condition_that_no_index_can_answer_is_refused(keys: str, values: dict[str, Any], said: str) -> None:
    world = world_of_sessions()
    names = {name: name[1:] for name in ("#at", "#n") if name in keys}
    given = {":day": DAY} if ":day" in keys else {}
    code, message = refusal(
        lambda: world.send(
            "Query",
            {
                "TableName": TABLE,
                "IndexName": "by_day",
                "KeyConditionExpression": keys,
                "ExpressionAttributeNames": {**names, **({"#day": "by_day"} if "#day" in keys else {})} or None,
                "ExpressionAttributeValues": {**given, **values} or None,
            },
        )
    )
    assert code == "ValidationException" and said in message


def test_a_query_ends_at_its_limit_and_goes_on_from_there() -> None:
    world = world_of_sessions()
    for forward in (True, False):
        found = list(pages(partial(query, world), Limit=4, ScanIndexForward=forward))
        assert [page["Count"] for page in found] == [4, 4, 2]
        all_found = [name for page in found for name in ids(page)]
        assert all_found == [f"s{number}" for number in (range(10) if forward else reversed(range(10)))]
    assert found[0]["LastEvaluatedKey"].keys() == {"id", "by_day", "at"}


def test_a_page_that_is_full_says_that_there_may_be_more() -> None:
    counts = [page["Count"] for page in pages(partial(query, world_of_sessions()), Limit=5)]
    assert counts == [5, 5, 0]


def test_it_goes_on_though_the_last_item_is_gone() -> None:
    world = world_of_sessions()
    last = query(world, Limit=4)["LastEvaluatedKey"]
    world.client.delete_item(TableName=TABLE, Key={"id": last["id"]})
    assert ids(query(world, ExclusiveStartKey=last))[0] == "s4"


def test_a_page_ends_after_as_many_bytes_as_it_may_have() -> None:
    world = world_of_sessions()
    world.database.page_bytes = 150
    found = list(pages(partial(query, world)))
    assert len(found) > 2
    assert [name for page in found for name in ids(page)] == [f"s{number}" for number in range(10)]


def test_a_filter_is_for_what_was_looked_at() -> None:
    world = World()
    for number in range(6):
        item = {"role_arn": {"S": "arn"}, "id": {"S": f"{number}"}, "n": {"N": str(number)}}
        world.database.put(REVOCATIONS_TABLE, item)
    request = {
        "TableName": REVOCATIONS_TABLE,
        "KeyConditionExpression": "role_arn = :arn",
        "ExpressionAttributeValues": {":arn": {"S": "arn"}, ":n": {"N": "4"}},
    }
    found = world.client.query(**request, FilterExpression="n >= :n", ConsistentRead=True)
    assert ids(found) == ["4", "5"] and (found["Count"], found["ScannedCount"]) == (2, 6)
    first = world.client.query(**request, FilterExpression="n >= :n", Limit=3)
    assert first["Items"] == [] and first["LastEvaluatedKey"]["id"] == {"S": "2"}
    counted = world.client.query(**request, FilterExpression="n >= :n", Select="COUNT")
    assert counted["Count"] == 2 and "Items" not in counted
    code, message = refusal(lambda: world.client.query(**request, FilterExpression="id >= :n"))
    assert code == "ValidationException" and "non-primary key attributes" in message


def test_a_scan_finds_all_on_its_pages() -> None:
    world = world_of_sessions()
    for more in ({}, {"Limit": 5}, {"ConsistentRead": True}):
        found = [name for page in pages(world.client.scan, TableName=TABLE, **more) for name in ids(page)]
        assert sorted(found) == sorted([*(f"s{number}" for number in range(10)), "elsewhere", "without"])
    indexed = list(pages(world.client.scan, TableName=TABLE, IndexName="by_day", Limit=4))
    assert sum(page["Count"] for page in indexed) == 11
    assert "without" not in [name for page in indexed for name in ids(page)]


def test_a_scan_takes_a_filter_of_keys_as_well() -> None:
    found = world_of_sessions().client.scan(
        TableName=TABLE,
        FilterExpression="begins_with(id, :s) AND n < :n",
        ExpressionAttributeValues={":s": {"S": "s"}, ":n": {"N": "2"}},
    )
    assert sorted(ids(found)) == ["s0", "s1"] and found["ScannedCount"] == 12


def test_a_scan_has_an_order_of_its_own() -> None:
    assert ids(world_of_sessions().client.scan(TableName=TABLE))[:10] != [f"s{number}" for number in range(10)]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"IndexName": "by_hour"}, "does not have the specified index"),
        ({"ConsistentRead": True}, "Consistent reads are not supported"),
        ({"ExclusiveStartKey": {"id": {"S": "s1"}}}, "starting key is invalid"),
        ({"ExclusiveStartKey": {"id": {"N": "1"}, "by_day": DAY, "at": {"S": "x"}}}, "starting key is invalid"),
    ],
)
def test_a_scan_of_what_is_not_there_is_refused(more: dict[str, Any], said: str) -> None:
    world = world_of_sessions()
    code, message = refusal(lambda: world.client.scan(**{"TableName": TABLE, "IndexName": "by_day", **more}))
    assert code == "ValidationException" and said in message


def test_what_is_not_done_here_is_told_and_not_passed_over() -> None:
    world = World()
    for call, more in (
        (world.client.scan, {"TotalSegments": 2, "Segment": 0}),
        (world.client.put_item, {"Item": {"id": {"S": "x"}}, "ReturnConsumedCapacity": "TOTAL"}),
        (world.client.put_item, {"Item": {"id": {"S": "x"}}, "Expected": {"id": {"Exists": False}}}),
        (world.client.describe_table, {}),
    ):
        with pytest.raises(NotImplementedError, match="testing/dynamodb does not"):
            call(TableName=TABLE, **more)
    assert world.database.items(TABLE) == []
