"""Conditions: when they hold, and which AWS does not take."""

from typing import Any

import pytest

from tests.unit.testing.dynamodb.one_table import ID, TABLE, World, refusal

WORLD = World()
WORLD.put(
    n={"N": "5"},
    s={"S": "credvend"},
    b={"B": "aGVsbG8="},
    yes={"BOOL": True},
    ss={"SS": ["x", "y"]},
    ns={"NS": ["1", "2"]},
    l={"L": [{"S": "a"}, {"SS": ["p"]}]},
    m={"M": {"deep": {"L": [{"N": "7"}]}}},
)
FIVE, SIX, NINE = {"N": "5"}, {"N": "6"}, {"N": "9"}


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("n = :v", {"v": {"N": "5.0"}}),
        ("n <> :v", {"v": SIX}),
        ("n <> :v", {"v": {"S": "5"}}),
        ("gone <> :v", {"v": FIVE}),
        ("n < :v", {"v": NINE}),
        ("n < :v", {"v": {"N": "10"}}),
        (":v > n", {"v": SIX}),
        ("n <= :v AND n >= :v", {"v": FIVE}),
        ("s > :v", {"v": {"S": "Z"}}),
        ("n BETWEEN :v AND :w", {"v": FIVE, "w": SIX}),
        ("n between :v and :w OR attribute_exists(gone)", {"v": FIVE, "w": SIX}),
        ("n IN (:v, :w)", {"v": SIX, "w": FIVE}),
        ("attribute_exists(m.deep[0])", {}),
        ("attribute_not_exists(m.deep[1])", {}),
        ("attribute_type(n, :v)", {"v": {"S": "N"}}),
        ("begins_with(s, :v)", {"v": {"S": "cred"}}),
        ("contains(s, :v)", {"v": {"S": "vend"}}),
        ("contains(ss, :v)", {"v": {"S": "y"}}),
        ("contains(ns, :v)", {"v": {"N": "2.0"}}),
        ("contains(l, :v)", {"v": {"SS": ["p"]}}),
        ("size(s) = :v AND size(ss) < :v AND size(b) < :v", {"v": {"N": "8"}}),
        ("ss = :v", {"v": {"SS": ["y", "x"]}}),
        ("NOT n = :v", {"v": SIX}),
        ("NOT gone < :v", {"v": SIX}),
        ("n = :v OR n = :w AND n = :w", {"v": FIVE, "w": SIX}),
        ("(n = :w OR n = :v) AND (NOT (n = :w))", {"v": FIVE, "w": SIX}),
        ("n = m.deep[0] OR n < m.deep[0]", {}),
    ],
)
def test_it_holds(condition: str, values: dict[str, Any]) -> None:
    assert WORLD.holds(condition, **values)


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("n = :v", {"v": {"S": "5"}}),
        ("n > :v", {"v": {"N": "10"}}),
        ("gone = :v", {"v": FIVE}),
        ("gone = lost", {}),
        ("gone < :v", {"v": FIVE}),
        ("s < :v", {"v": FIVE}),
        ("yes < :v", {"v": FIVE}),
        ("n BETWEEN :v AND :w", {"v": SIX, "w": NINE}),
        ("n IN (:v, :w)", {"v": SIX, "w": NINE}),
        ("attribute_exists(m.gone)", {}),
        ("attribute_exists(s.deep)", {}),
        ("attribute_type(n, :v)", {"v": {"S": "S"}}),
        ("begins_with(n, :v)", {"v": {"S": "5"}}),
        ("contains(ss, :v)", {"v": {"S": "z"}}),
        ("contains(ss, :v)", {"v": FIVE}),
        ("contains(gone, :v)", {"v": FIVE}),
        ("size(n) > :v", {"v": {"N": "0"}}),
        ("(n = :v OR n = :w) AND n = :w", {"v": FIVE, "w": SIX}),
        ("NOT n = :v AND n = :v", {"v": FIVE}),
    ],
)
def test_it_does_not_hold(condition: str, values: dict[str, Any]) -> None:
    assert not WORLD.holds(condition, **values)


@pytest.mark.parametrize(
    ("condition", "values", "said"),
    [
        ("n = :v AND", {"v": FIVE}, "Syntax error"),
        ("n", {}, "Syntax error"),
        ("n == :v", {"v": FIVE}, "Syntax error"),
        ("n = 5", {}, "Syntax error"),
        ("n IN ()", {}, "Syntax error"),
        ("_n = :v", {"v": FIVE}, "Syntax error"),
        ("(n = :v", {"v": FIVE}, "Syntax error"),
        ("", {}, "can not be empty"),
        ("((n = :v))", {"v": FIVE}, "redundant parentheses"),
        ("owner = :v", {"v": FIVE}, "reserved keyword: owner"),
        ("attribute_exists(m.Ttl)", {}, "reserved keyword: Ttl"),
        ("#n = :v", {"v": FIVE}, "not defined; attribute name: #n"),
        ("n = :w", {"v": FIVE}, "not defined; attribute value: :w"),
        ("n = n", {}, "must be distinct"),
        ("contains(s, s)", {}, "must be distinct"),
        ("n < :v", {"v": {"BOOL": True}}, "Incorrect operand type"),
        ("n BETWEEN :v AND :w", {"v": {"L": []}, "w": FIVE}, "Incorrect operand type"),
        ("n BETWEEN :v AND :w", {"v": SIX, "w": FIVE}, "greater than or equal to lower bound"),
        ("n BETWEEN :v AND :w", {"v": SIX, "w": {"S": "7"}}, "same data type"),
        ("begins_with(s, :v)", {"v": FIVE}, "Incorrect operand type"),
        ("attribute_type(n, :v)", {"v": {"S": "NUMBER"}}, "Invalid attribute type"),
        ("attribute_type(n, s)", {}, "Incorrect operand type"),
        ("attribute_exists(:v)", {"v": FIVE}, "requires a document path"),
        ("ATTRIBUTE_EXISTS(n)", {}, "Invalid function name"),
        ("if_not_exists(n, :v)", {"v": FIVE}, "Invalid function name"),
        ("begins_with(s)", {}, "Incorrect number of operands"),
        ("size(s)", {}, "Syntax error"),
        ("n = :v", {"v": FIVE, "w": SIX}, "unused in expressions: keys: {:w}"),
        ("n = :v", {"v": {"SS": []}}, "may not be empty"),
        ("n = :v", {"v": {"N": "five"}}, "cannot be converted to a numeric value"),
        ("s IN (" + ", ".join(f":v{number}" for number in range(100)) + ")", {}, "not defined"),
        ("n = :v" + " " * 4096, {"v": FIVE}, "maximum allowed size"),
    ],
)
def test_it_is_refused(condition: str, values: dict[str, Any], said: str) -> None:
    given = {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}} if values else {}
    code, message = refusal(
        lambda: WORLD.client.delete_item(TableName=TABLE, Key=ID, ConditionExpression=condition, **given)
    )
    assert code == "ValidationException" and said in message
    assert WORLD.item() is not None


def test_a_list_has_ninety_nine_values_at_most() -> None:
    def values(count: int) -> dict[str, Any]:
        return {f"v{number}": {"N": str(number)} for number in range(count)}

    def condition(count: int) -> str:
        return f"n IN ({', '.join(f':v{number}' for number in range(count))})"

    assert WORLD.holds(condition(99), **values(99))
    given = {f":{name}": value for name, value in values(100).items()}
    code, _ = refusal(
        lambda: WORLD.client.delete_item(
            TableName=TABLE, Key=ID, ConditionExpression=condition(100), ExpressionAttributeValues=given
        )
    )
    assert code == "ValidationException"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"ExpressionAttributeNames": {"#n": "n"}}, "only be specified when using expressions"),
        ({"ExpressionAttributeValues": {":v": FIVE}}, "only be specified when using expressions"),
        (
            {"ConditionExpression": "attribute_exists(n)", "ExpressionAttributeNames": {"#n": "n"}},
            "unused in expressions: keys: {#n}",
        ),
        ({"ConditionExpression": "attribute_exists(n)", "ExpressionAttributeNames": {}}, "must not be empty"),
        ({"ConditionExpression": "attribute_exists(n)", "ExpressionAttributeNames": {"n": "n"}}, "invalid key"),
        ({"ConditionExpression": "attribute_exists(#a-b)", "ExpressionAttributeNames": {"#a-b": "n"}}, "invalid key"),
    ],
)
def test_placeholders_are_each_used_and_well_formed(more: dict[str, Any], said: str) -> None:
    code, message = refusal(lambda: WORLD.client.delete_item(TableName=TABLE, Key=ID, **more))
    assert code == "ValidationException" and said in message


def test_behind_a_placeholder_any_name_goes() -> None:
    world = World()
    world.put(**{"a.b": {"N": "5"}, "owner": {"M": {"size": {"N": "6"}}}})
    assert world.holds(
        "#a = :v AND #owner.#size > :v",
        ExpressionAttributeNames={"#a": "a.b", "#owner": "owner", "#size": "size"},
        v=FIVE,
    )


def test_a_failed_condition_tells_the_item_where_it_is_asked_to() -> None:
    more: dict[str, Any] = {"TableName": TABLE, "Key": ID, "ConditionExpression": "attribute_not_exists(id)"}
    exceptions = WORLD.client.exceptions
    with pytest.raises(exceptions.ConditionalCheckFailedException) as plain:
        WORLD.client.delete_item(**more)
    assert "Item" not in plain.value.response
    with pytest.raises(exceptions.ConditionalCheckFailedException) as telling:
        WORLD.client.delete_item(**more, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert telling.value.response["Item"]["n"] == FIVE
