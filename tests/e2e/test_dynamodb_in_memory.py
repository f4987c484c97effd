"""The DynamoDB in memory, by which other tests judge, answers as the local AWS's DynamoDB does.

What the local AWS takes and AWS does not is not in these scripts, but in tests/unit/testing/dynamodb: paths that
overlap, clauses that stand twice, sums of texts, functions that there are not, conditions of keys with OR.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError

from local.aws import REGION, local_aws
from testing.dynamodb.database import Database
from testing.dynamodb.serving import client_of
from testing.dynamodb.tables import Schema

TABLE: Final = "compared"
RANGED: Final = "compared-ranges"
_PROPERTIES: Final[tuple[dict[str, Any], ...]] = (
    {
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in ("id", "by_day", "at", "who")
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by_day",
                "KeySchema": [
                    {"AttributeName": "by_day", "KeyType": "HASH"},
                    {"AttributeName": "at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
            {
                "IndexName": "by_who",
                "KeySchema": [{"AttributeName": "who", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            },
        ],
    },
    {
        "TableName": RANGED,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "arn", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
        "KeySchema": [{"AttributeName": "arn", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
    },
)
Step = tuple[str, dict[str, Any]]


def s(text: str) -> dict[str, str]:
    return {"S": text}


def n(number: int | str) -> dict[str, str]:
    return {"N": str(number)}


def key(name: str) -> dict[str, Any]:
    return {"id": s(name)}


def put(item: Mapping[str, Any], **more: Any) -> Step:
    return "put_item", {"TableName": TABLE, "Item": item, **more}


def get(name: str, **more: Any) -> Step:
    return "get_item", {"TableName": TABLE, "Key": key(name), "ConsistentRead": True, **more}


def update(name: str, expression: str, **values: Any) -> Step:
    """Other arguments are values of placeholders, or members with names in capitals."""
    members = {member: value for member, value in values.items() if member[0].isupper()}
    given = {f":{value}": values[value] for value in values if value not in members}
    if given:
        members["ExpressionAttributeValues"] = given
    return "update_item", {"TableName": TABLE, "Key": key(name), "UpdateExpression": expression, **members}


def transact(*actions: tuple[str, dict[str, Any]], **more: Any) -> Step:
    return "transact_write_items", {
        "TransactItems": [{kind: {"TableName": TABLE, **parameters}} for kind, parameters in actions],
        **more,
    }


def day(keys: str, **more: Any) -> Step:
    """A query of the index by_day."""
    values = more.pop("values", {})
    return "query", {
        "TableName": TABLE,
        "IndexName": "by_day",
        "KeyConditionExpression": f"by_day = :day{keys}",
        "ExpressionAttributeValues": {":day": s("monday"), **values},
        **more,
    }


def _writes() -> Iterator[Step]:
    new = {"ConditionExpression": "attribute_not_exists(id)"}
    yield put(
        {**key("a"), "n": n("1.0"), "ss": {"SS": ["y", "x"]}, "m": {"M": {"k": n(1)}}, "l": {"L": [n(1), n(2)]}}, **new
    )
    yield put({**key("a"), "n": n(2)}, **new)
    yield put({**key("a"), "n": n(2)}, **new, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    yield get("a")
    yield get("nobody")
    yield get("a", ProjectionExpression="n, m.k, l[1], gone")
    yield put(key("b"), ReturnValues="ALL_OLD")
    yield put({**key("b"), "n": n(1)}, ReturnValues="ALL_OLD")
    yield put({"n": n(1)})
    yield put({"id": n(1)})
    yield put(key(""))
    yield put({**key("b"), "ss": {"SS": []}})
    yield put({**key("b"), "ss": {"SS": ["x", "x"]}})
    yield put({**key("b"), "n": n("many")})
    yield put({**key("b"), "n": n("1" * 39)})
    yield put({**key("b"), "by_day": n(1)})
    yield put({**key("b"), "at": s("")})
    yield put({**key("b"), "s": s("x" * 400 * 1024)})
    yield "put_item", {"TableName": "nowhere", "Item": key("a")}
    yield "get_item", {"TableName": TABLE, "Key": {"id": n(1)}}
    yield "get_item", {"TableName": RANGED, "Key": {"arn": s("a")}}
    yield "delete_item", {"TableName": TABLE, "Key": key("b"), "ConditionExpression": "attribute_exists(gone)"}
    yield "delete_item", {"TableName": TABLE, "Key": key("b"), "ReturnValues": "ALL_OLD"}
    yield "delete_item", {"TableName": TABLE, "Key": key("b"), "ReturnValues": "ALL_OLD"}


def _updates() -> Iterator[Step]:
    new: dict[str, Any] = {"ReturnValues": "ALL_NEW"}
    yield update("a", "SET n = n + :v, q = if_not_exists(q, :v) REMOVE l[0] ADD ss :s", v=n(1), s={"SS": ["z"]}, **new)
    yield update("a", "DELETE ss :s SET m.j = :v", v=n(1), s={"SS": ["x"]}, **new)
    yield update("a", "DELETE ss :s", s={"SS": ["x", "y", "z"]}, **new)
    yield update("a", "SET n = :v - n", v=n(1), ReturnValues="UPDATED_OLD")
    yield update("a", "SET l = list_append(l, :l)", l={"L": [n(3)]}, ReturnValues="UPDATED_NEW")
    yield update("a", "SET l[9] = :v", v=n(4), **new)
    yield update("c", "ADD n :v", v=n(1), **new)
    yield "update_item", {"TableName": TABLE, "Key": key("d"), **new}
    yield update("a", "SET n = :v", v=n(9), ConditionExpression="n = :v", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    yield update("a", "SET name = :v", v=n(1))
    yield update("a", "SET m = :v, m.k = :v", v=n(1))
    yield update("a", "SET n = :v", v=n(1), w=n(1))
    yield update("a", "SET n = :v", v=n(1), ExpressionAttributeNames={"#n": "n"})
    yield update("a", "SET n = :w", v=n(1))
    yield update("a", "SET #n = :v", v=n(1))
    yield update("a", "SET id = :v", v=s("other"))
    yield update("a", "SET n = gone")
    yield update("a", "SET gone.n = :v", v=n(1))
    yield update("a", "ADD n :v", v=s("1"))
    yield update("a", "ADD m :v", v=n(1))
    yield update("a", "DELETE n :v", v=n(1))
    yield update("a", "SET n = :v", v={"NS": []})
    yield update("a", "SET by_day = :v", v=n(1))
    yield get("a")


def _conditions() -> Iterator[Step]:
    yield put({**key("e"), "n": n(5), "s": s("credvend"), "ss": {"SS": ["x", "y"]}, "m": {"M": {"k": n(7)}}})
    values = {":v": n(5), ":w": n(6), ":s": s("cred"), ":x": s("x")}
    for condition in (
        "n = :v",
        "n <> :v",
        "gone <> :v",
        "gone = :v",
        "gone < :v",
        "n < :w",
        "n <= :v AND n >= :v",
        "n > :w OR n = :v AND n = :w",
        "(n = :v OR n = :w) AND NOT n = :w",
        "n BETWEEN :v AND :w",
        "n IN (:w, :v)",
        "n IN (:w)",
        "attribute_exists(m.k) AND attribute_not_exists(m.j)",
        "begins_with(s, :s)",
        "contains(s, :s)",
        "contains(ss, :x)",
        "contains(ss, :s)",
        "size(s) > :w",
        "size(ss) > :w",
        "m.k > :w",
        "s > :w",
        "n = :v AND",
        "n BETWEEN :w AND :v",
        "begins_with(s, :v)",
        "attribute_exists(:v)",
        "owner = :v",
    ):
        used = {name: value for name, value in values.items() if name in condition}
        yield (
            "update_item",
            {
                "TableName": TABLE,
                "Key": key("e"),
                "UpdateExpression": "SET q = if_not_exists(q, n)",
                "ConditionExpression": condition,
                **({"ExpressionAttributeValues": used} if used else {}),
            },
        )


def _transactions() -> Iterator[Step]:
    new = {"ConditionExpression": "attribute_not_exists(id)"}
    there = {"ConditionExpression": "attribute_exists(id)"}
    add = {"UpdateExpression": "ADD n :v", "ExpressionAttributeValues": {":v": n(1)}}
    token = {"ClientRequestToken": "compared-1"}
    first = transact(("Put", {"Item": key("t1"), **new}), ("Update", {"Key": key("t2"), **add}), **token)
    yield first
    yield first
    yield get("t2")
    yield transact(("Put", {"Item": key("t3")}), **token)
    yield transact(("Put", {"Item": key("t3")}), ("ConditionCheck", {"Key": key("gone"), **there}))
    yield get("t3")
    telling = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    yield transact(
        ("ConditionCheck", {"Key": key("t1"), **there}),
        ("Put", {"Item": key("t2"), **new, **telling}),
        ("Delete", {"Key": key("gone"), **there, **telling}),
        ("Update", {"Key": key("t4"), **add}),
    )
    yield transact(("ConditionCheck", {"Key": key("t1"), **there}), ("Delete", {"Key": key("t2"), **there}))
    yield get("t2")
    yield transact(("Put", {"Item": key("t5")}), ("Put", {"Item": key("t5")}))
    yield transact(("Put", {"Item": key("t5")}), ("ConditionCheck", {"Key": key("t5"), **new}))
    yield transact(*[("Put", {"Item": key(f"many-{number}")}) for number in range(100)])
    yield transact(*[("Put", {"Item": key(f"many-{number}")}) for number in range(101)])
    yield transact(("Put", {"Item": key("t6")}), ("Put", {"TableName": "nowhere", "Item": key("t6")}))
    yield transact(("Put", {"Item": key("t6"), "ConditionExpression": "name = id"}))
    yield transact(("Put", {"Item": key("t6"), **new, "ExpressionAttributeNames": {"#a": "a"}}))
    yield transact(("Put", {"Item": key("t6")}), ("Put", {"Item": {"id": n(1)}}))
    yield put({**key("t7"), "n": s("text")})
    yield transact(("Put", {"Item": key("t6")}), ("Update", {"Key": key("t7"), **add}))
    yield get("t6")


def _searches() -> Iterator[Step]:
    for number in range(6):
        yield put({**key(f"q{number}"), "by_day": s("monday"), "at": s(f"0{number}"), "who": s("w"), "n": n(number)})
    yield put({**key("q-without"), "by_day": s("monday")})
    yield day("")
    yield day("", ScanIndexForward=False, Limit=2)
    last = {**key("q1"), "by_day": s("monday"), "at": s("01")}
    yield day("", Limit=2)
    yield day("", Limit=2, ExclusiveStartKey=last)
    yield day(" AND #at > :v", values={":v": s("03")}, ExpressionAttributeNames={"#at": "at"})
    yield day(
        " AND #at BETWEEN :v AND :w", values={":v": s("02"), ":w": s("03")}, ExpressionAttributeNames={"#at": "at"}
    )
    yield day(
        " AND begins_with(#at, :v)", values={":v": s("0")}, ExpressionAttributeNames={"#at": "at"}, Select="COUNT"
    )
    yield day("", ConsistentRead=True)
    yield day("", IndexName="by_hour")
    yield day(" AND n = :v", values={":v": n(3)})
    whose = {"TableName": TABLE, "IndexName": "by_who", "KeyConditionExpression": "who = :w AND id = :w"}
    yield "query", {**whose, "ExpressionAttributeValues": {":w": s("w")}}
    for number in (3, 20, 100):
        yield "put_item", {"TableName": RANGED, "Item": {"arn": s("a"), "n": n(number), "even": n(number % 2)}}
    ranged = {"TableName": RANGED, "KeyConditionExpression": "arn = :a AND n >= :n"}
    given = {":a": s("a"), ":n": n(4)}
    yield "query", {**ranged, "ExpressionAttributeValues": given, "ConsistentRead": True}
    odd = {"FilterExpression": "even = :e"}
    yield "query", {**ranged, **odd, "ExpressionAttributeValues": {**given, ":e": n(1), ":n": n(0)}}
    yield "scan", {"TableName": RANGED, "FilterExpression": "n > :n", "ExpressionAttributeValues": {":n": n(4)}}
    keys = [key(f"q{number}") for number in range(3)]
    yield "batch_get_item", {"RequestItems": {TABLE: {"Keys": keys, "ProjectionExpression": "id, n"}}}
    yield "batch_get_item", {"RequestItems": {TABLE: {"Keys": [*keys, keys[0]]}}}
    yield "batch_get_item", {"RequestItems": {TABLE: {"Keys": [key(str(number)) for number in range(101)]}}}
    writes = [{"PutRequest": {"Item": key("w1")}}, {"DeleteRequest": {"Key": key("q5")}}]
    yield "batch_write_item", {"RequestItems": {TABLE: writes}}
    yield "batch_write_item", {"RequestItems": {TABLE: [writes[0], writes[0]]}}
    yield get("w1")
    yield get("q5")


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[Any, Any]]:
    """The local AWS's, and that of the one in memory, with the same tables."""
    with local_aws() as aws:
        theirs: Any = boto3.client(
            "dynamodb",
            endpoint_url=aws.endpoint,
            region_name=REGION,
            aws_access_key_id=aws.access_key_id,
            aws_secret_access_key=aws.secret_access_key,
        )
        for properties in _PROPERTIES:
            theirs.create_table(**properties)
        yield theirs, client_of(Database(*(Schema.of(properties) for properties in _PROPERTIES)))
        theirs.close()


def outcome(client: Any, step: Step) -> Any:
    """What came of a step: the answer, or the error's code and what it tells of items."""
    operation, parameters = step
    try:
        answer = getattr(client, operation)(**parameters)
    except ClientError as error:
        reasons = [(one["Code"], one.get("Item")) for one in error.response.get("CancellationReasons", ())]
        return error.response["Error"]["Code"], unordered([*reasons, error.response.get("Item")])
    answer.pop("ResponseMetadata")
    found = unordered(answer)
    for items in [found.get("Items", []) if operation == "scan" else [], *found.get("Responses", {}).values()]:
        items.sort(key=str)  # only a query has an order
    return found


def unordered(value: Any) -> Any:
    """The same with sets in one order, as they have none."""
    if isinstance(value, dict):
        return {name: sorted(one) if name in ("SS", "NS") else unordered(one) for name, one in sorted(value.items())}
    return [unordered(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("script", [_writes, _updates, _conditions, _transactions, _searches])
def test_both_answer_alike(clients: tuple[Any, Any], script: Any) -> None:
    outcomes = [(step, *(outcome(client, step) for client in clients)) for step in script()]
    assert [one for one in outcomes if one[1] != one[2]] == []
    # It is about what is done as well as about what is refused.
    assert len({isinstance(theirs, tuple) for _, theirs, _ in outcomes}) == 2
