"""Transactions: all of it or nothing, and once only."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from testing.dynamodb.faults import LoseAnswer, cancel
from tests.unit.testing.dynamodb.one_table import BLOCKS_TABLE, ID, TABLE, World, refusal


def put(name: str, **more: object) -> dict[str, Any]:
    return {"Put": {"TableName": TABLE, "Item": {"id": {"S": name}}, **more}}


def new(name: str, **more: object) -> dict[str, Any]:
    return put(name, ConditionExpression="attribute_not_exists(id)", **more)


def reasons(world: World, *actions: dict[str, Any]) -> list[dict[str, Any]]:
    with pytest.raises(ClientError) as refused:
        world.client.transact_write_items(TransactItems=list(actions))
    assert refused.value.response["Error"]["Code"] == "TransactionCanceledException"
    return cast(list[dict[str, Any]], refused.value.response["CancellationReasons"])


def test_all_actions_are_done() -> None:
    world = World()
    world.put(n={"N": "1"})
    world.database.put(BLOCKS_TABLE, {"id": {"S": "gate-00"}})
    world.database.put(TABLE, {"id": {"S": "old"}})
    update = {"TableName": TABLE, "Key": ID, "UpdateExpression": "ADD n :n"}
    world.client.transact_write_items(
        TransactItems=[
            new("two"),
            {"Update": {**update, "ExpressionAttributeValues": {":n": {"N": "2"}}}},
            {"Delete": {"TableName": TABLE, "Key": {"id": {"S": "old"}}}},
            {
                "ConditionCheck": {
                    "TableName": BLOCKS_TABLE,
                    "Key": {"id": {"S": "gate-00"}},
                    "ConditionExpression": "attribute_exists(id)",
                }
            },
        ]
    )
    assert world.item() == {"n": {"N": "3"}}
    assert {item["id"]["S"] for item in world.database.items(TABLE)} == {"one", "two"}
    assert world.database.round_trips == 1


def test_of_actions_of_which_one_fails_none_is_done_and_each_has_its_reason() -> None:
    world = World()
    world.put(s={"S": "x"})
    failing = {"TableName": TABLE, "Key": ID, "UpdateExpression": "ADD s :n"}
    told = reasons(
        world,
        new("two"),
        {"Update": {**failing, "ExpressionAttributeValues": {":n": {"N": "2"}}}},
    )
    assert told[0] == {"Code": "None"}
    assert told[1] == {
        "Code": "ValidationError",
        "Message": "An operand in the update expression has an incorrect data type",
    }
    told = reasons(world, new("two"), new("one", ReturnValuesOnConditionCheckFailure="ALL_OLD"))
    assert told == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {**ID, "s": {"S": "x"}},
        },
    ]
    assert reasons(world, new("one"), new("two"))[0].keys() == {"Code", "Message"}
    assert [item["id"]["S"] for item in world.database.items(TABLE)] == ["one"]


def test_no_two_actions_are_about_one_item() -> None:
    world = World()
    code, message = refusal(lambda: world.client.transact_write_items(TransactItems=[put("a"), put("b"), put("a")]))
    assert (code, message) == (
        "ValidationException",
        "Transaction request cannot include multiple operations on one item",
    )
    assert world.database.items(TABLE) == []


def test_there_are_a_hundred_actions_at_most() -> None:
    world = World()
    actions = [put(str(number)) for number in range(101)]
    world.client.transact_write_items(TransactItems=actions[1:])
    code, message = refusal(lambda: world.client.transact_write_items(TransactItems=actions))
    assert code == "ValidationException" and "less than or equal to 100" in message


def test_each_action_is_one_thing() -> None:
    world = World()
    both = {**put("a"), "Delete": {"TableName": TABLE, "Key": ID}}
    assert "can only contain one of" in refusal(lambda: world.client.transact_write_items(TransactItems=[both]))[1]


def test_a_key_that_does_not_fit_is_the_reason_of_its_action() -> None:
    delete = {"Delete": {"TableName": TABLE, "Key": {"id": {"N": "1"}}}}
    assert [reason["Code"] for reason in reasons(World(), put("a"), delete)] == ["None", "ValidationError"]


def test_a_table_that_is_missing_refuses_all() -> None:
    world = World()
    action = {"Put": {"TableName": "other", "Item": ID}}
    code, _ = refusal(lambda: world.client.transact_write_items(TransactItems=[put("a"), action]))
    assert code == "ResourceNotFoundException"
    assert world.database.items(TABLE) == []


def test_who_sends_a_transaction_again_since_its_answer_got_lost_has_it_done_once() -> None:
    world = World(attempts=2)
    world.database.faults.next("TransactWriteItems", LoseAnswer())
    world.client.transact_write_items(TransactItems=[new("two")])
    assert world.database.operations() == ["TransactWriteItems"] * 2
    assert len(world.database.items(TABLE)) == 1


def test_a_token_is_good_for_the_same_transaction_for_ten_minutes() -> None:
    world = World()

    def send(*actions: dict[str, Any]) -> None:
        world.client.transact_write_items(TransactItems=list(actions), ClientRequestToken="token")

    send(new("two"))
    send(new("two"))
    assert refusal(lambda: send(new("three")))[0] == "IdempotentParameterMismatchException"
    world.clock.now += 600
    assert refusal(lambda: send(new("two")))[0] == "TransactionCanceledException"


def test_a_cancelled_transaction_may_succeed_later_but_its_token_is_good_for_no_other() -> None:
    world = World()

    def send(*actions: dict[str, Any]) -> None:
        world.client.transact_write_items(TransactItems=list(actions), ClientRequestToken="token")

    world.put()
    refusal(lambda: send(new("one")))
    assert refusal(lambda: send(new("two")))[0] == "IdempotentParameterMismatchException"
    world.client.delete_item(TableName=TABLE, Key=ID)
    send(new("one"))
    assert world.item() == {}


def test_a_script_cancels_with_reasons_of_its_own() -> None:
    world = World()
    world.database.faults.next("TransactWriteItems", cancel("None", "TransactionConflict"))
    told = reasons(world, new("a"), new("b"), new("c"))
    assert [reason["Code"] for reason in told] == ["None", "TransactionConflict", "None"]
    assert told[1]["Message"] == "Transaction is ongoing for the item"
    assert world.database.items(TABLE) == []
    with pytest.raises(ValueError, match="TransactionConflict"):
        cancel("Conflict")


def test_a_lost_answer_is_a_timeout() -> None:
    world = World()
    world.database.faults.next("TransactWriteItems", LoseAnswer())
    with pytest.raises(ReadTimeoutError):
        world.client.transact_write_items(TransactItems=[new("two")])
    assert len(world.database.items(TABLE)) == 1
