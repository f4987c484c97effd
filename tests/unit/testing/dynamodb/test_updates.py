"""Update expressions: what becomes of an item, and which AWS does not take."""

from typing import Any

import pytest

from tests.unit.testing.dynamodb.one_table import ID, TABLE, World, refusal

ONE, TWO = {"N": "1"}, {"N": "2"}
BEFORE: dict[str, Any] = {
    "n": {"N": "5"},
    "s": {"S": "text"},
    "ss": {"SS": ["x", "y"]},
    "l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]},
    "m": {"M": {"a": {"N": "1"}, "b": {"N": "2"}}},
}


@pytest.mark.parametrize(
    ("update", "values", "changed"),
    [
        ("SET n = :v", {"v": ONE}, {"n": ONE}),
        ("set n = n + :v, q = n", {"v": ONE}, {"n": {"N": "6"}, "q": {"N": "5"}}),
        ("SET n = :v - n", {"v": ONE}, {"n": {"N": "-4"}}),
        ("SET n = if_not_exists(n, :v), q = if_not_exists(q, :v)", {"v": ONE}, {"q": ONE}),
        ("SET q = if_not_exists(q, :v) + :w", {"v": ONE, "w": TWO}, {"q": {"N": "3"}}),
        ("SET l = list_append(l, :v)", {"v": {"L": [ONE]}}, {"l": {"L": [*BEFORE["l"]["L"], ONE]}}),
        ("SET l[1] = :v, l[9] = :v", {"v": TWO}, {"l": {"L": [{"N": "0"}, TWO, TWO, TWO]}}),
        ("REMOVE l[0], l[2]", {}, {"l": {"L": [ONE]}}),
        ("REMOVE l[0] SET l[2] = :v", {"v": {"N": "9"}}, {"l": {"L": [ONE, {"N": "9"}]}}),
        ("SET m.c = :v REMOVE m.a", {"v": ONE}, {"m": {"M": {"b": TWO, "c": ONE}}}),
        ("SET s = n REMOVE n", {}, {"s": {"N": "5"}, "n": None}),
        ("REMOVE s, gone, m.gone, l[7]", {}, {"s": None}),
        ("ADD n :v, q :v", {"v": ONE}, {"n": {"N": "6"}, "q": ONE}),
        ("ADD n :v", {"v": {"N": "-0.5"}}, {"n": {"N": "4.5"}}),
        ("ADD ss :v, qs :v", {"v": {"SS": ["z", "x"]}}, {"ss": {"SS": ["x", "y", "z"]}, "qs": {"SS": ["x", "z"]}}),
        ("DELETE ss :v", {"v": {"SS": ["x", "q"]}}, {"ss": {"SS": ["y"]}}),
        ("DELETE ss :v, gone :v", {"v": {"SS": ["x", "y"]}}, {"ss": None}),
        (
            "SET q = :v REMOVE s ADD n :w DELETE ss :x",
            {"v": TWO, "w": ONE, "x": {"SS": ["x"]}},
            {"q": TWO, "s": None, "n": {"N": "6"}, "ss": {"SS": ["y"]}},
        ),
    ],
)
def test_an_update_changes_what_it_says(update: str, values: dict[str, Any], changed: dict[str, Any]) -> None:
    world = World()
    world.put(**BEFORE)
    world.update(update, **values)
    expected = BEFORE | changed
    assert world.item() == {name: value for name, value in expected.items() if value is not None}


@pytest.mark.parametrize(
    ("update", "values", "said"),
    [
        ("", {}, "can not be empty"),
        ("n = :v", {"v": ONE}, "Syntax error"),
        ("SET n = :v,", {"v": ONE}, "Syntax error"),
        ("SET n = n + :v + :v", {"v": ONE}, "Syntax error"),
        ("SET n :v", {"v": ONE}, "Syntax error"),
        ("SET :v = n", {"v": ONE}, "Syntax error"),
        ("SET q = (n + :v)", {"v": ONE}, "Syntax error"),
        ("SET name = :v", {"v": ONE}, "reserved keyword: name"),
        ("SET n = :v SET q = :v", {"v": ONE}, 'The "SET" section can only be used once'),
        ("SET n = :v, n = :v", {"v": ONE}, "overlap"),
        ("SET n = :v REMOVE n", {"v": ONE}, "overlap"),
        ("SET m = :v, m.a = :v", {"v": ONE}, "overlap"),
        ("REMOVE l[0] SET l[0].a = :v", {"v": ONE}, "overlap"),
        ("SET m.a = :v, m[1] = :v", {"v": ONE}, "conflict"),
        ("SET q = gone", {}, "does not exist in the item"),
        ("SET q = gone + :v", {"v": ONE}, "does not exist in the item"),
        ("SET gone.a = :v", {"v": ONE}, "document path provided in the update expression is invalid"),
        ("SET s.a = :v", {"v": ONE}, "document path provided in the update expression is invalid"),
        ("SET m[0] = :v", {"v": ONE}, "document path provided in the update expression is invalid"),
        ("REMOVE gone.a", {}, "document path provided in the update expression is invalid"),
        ("SET n = n + :v", {"v": {"S": "1"}}, "Incorrect operand type"),
        ("SET n = s + :v", {"v": ONE}, "incorrect data type"),
        ("SET l = list_append(l, :v)", {"v": ONE}, "Incorrect operand type"),
        ("SET l = list_append(list_append(l, :v), :v)", {"v": {"L": []}}, "not allowed to be used this way"),
        ("SET q = if_not_exists(:v, :w)", {"v": ONE, "w": TWO}, "requires a document path"),
        ("SET q = size(s)", {}, "Invalid function name"),
        ("ADD n :v", {"v": {"S": "1"}}, "Incorrect operand type"),
        ("ADD s :v", {"v": ONE}, "incorrect data type"),
        ("ADD ss :v", {"v": {"NS": ["1"]}}, "incorrect data type"),
        ("ADD l :v", {"v": {"L": [ONE]}}, "Incorrect operand type"),
        ("ADD m.a :v", {"v": ONE}, "top-level"),
        ("DELETE n :v", {"v": ONE}, "Incorrect operand type"),
        ("DELETE n :v", {"v": {"SS": ["x"]}}, "incorrect data type"),
        ("SET q = :v", {"v": {"SS": []}}, "may not be empty"),
        ("SET q = :v", {"v": {"NULL": False}}, "Null attribute value types"),
        ("SET q = :v", {"v": {"NS": ["1", "1.0"]}}, "duplicates"),
        ("SET q = n + :v", {"v": {"N": "1e-38"}}, "38 significant digits"),
        ("SET q = :v", {"v": {"N": "1e126"}}, "Number overflow"),
        ("SET id = :v", {"v": {"S": "other"}}, "Cannot update attribute id"),
        ("REMOVE id", {}, "Cannot update attribute id"),
        ("SET by_key.a = :v, access_key_id = :w", {"v": ONE, "w": TWO}, "invalid for update"),
        ("SET access_key_id = :v", {"v": ONE}, "Type mismatch for Index Key access_key_id"),
        ("SET access_key_id = :v", {"v": {"S": ""}}, "secondary index key"),
        ("SET q = :v", {"v": {"S": "x" * 400 * 1024}}, "maximum allowed size"),
    ],
)
def test_it_is_refused_and_nothing_changes(update: str, values: dict[str, Any], said: str) -> None:
    world = World()
    world.put(**BEFORE)
    code, message = refusal(lambda: world.update(update, **values))
    assert code == "ValidationException" and said in message
    assert world.item() == BEFORE


def test_it_makes_an_item_where_there_is_none() -> None:
    world = World()
    world.update("ADD n :v SET s = if_not_exists(s, :w)", v=ONE, w=TWO)
    assert world.item() == {"n": ONE, "s": TWO}


def test_without_an_expression_it_makes_an_item_with_its_key() -> None:
    world = World()
    world.client.update_item(TableName=TABLE, Key=ID)
    assert world.item() == {}


@pytest.mark.parametrize("update", ["REMOVE n", "REMOVE m.a", "DELETE ss :v"])
def test_what_only_takes_away_makes_no_item(update: str) -> None:
    world = World()
    world.update(update, **({"v": {"SS": ["x"]}} if ":v" in update else {}))
    assert world.item() is None


@pytest.mark.parametrize(
    ("wanted", "returned"),
    [
        ("NONE", None),
        ("ALL_OLD", {**ID, "n": ONE, "s": TWO}),
        ("ALL_NEW", {**ID, "n": TWO, "s": TWO}),
        ("UPDATED_OLD", {"n": ONE}),
        ("UPDATED_NEW", {"n": TWO}),
    ],
)
def test_an_update_returns_what_is_asked_for(wanted: str, returned: Any) -> None:
    world = World()
    world.put(n=ONE, s=TWO)
    assert world.update("ADD n :v", v=ONE, ReturnValues=wanted).get("Attributes") == returned


def test_put_and_delete_return_the_old_item_or_nothing() -> None:
    world = World()
    new = {"TableName": TABLE, "Item": {**ID, "n": ONE}, "ReturnValues": "ALL_OLD"}
    assert "Attributes" not in world.client.put_item(**new)
    assert world.client.put_item(**new)["Attributes"] == {**ID, "n": ONE}
    assert world.client.delete_item(TableName=TABLE, Key=ID, ReturnValues="ALL_OLD")["Attributes"] == new["Item"]
    assert "Attributes" not in world.client.delete_item(TableName=TABLE, Key=ID, ReturnValues="ALL_OLD")
    assert "ReturnValues" in refusal(lambda: world.client.put_item(**new | {"ReturnValues": "ALL_NEW"}))[1]


def test_what_has_been_read_before_stays_as_it_was() -> None:
    world = World()
    world.put(**BEFORE)
    before = world.item()
    world.update("SET l[0] = :v, m.a = :v ADD ss :w", v=TWO, w={"SS": ["z"]})
    assert before == BEFORE
    assert world.database.changes(TABLE)[-1].old == {**ID, **BEFORE}
