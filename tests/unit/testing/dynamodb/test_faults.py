"""What goes wrong as the script has it, what was asked, and many who ask at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from testing.dynamodb.faults import After, Before, Fault, LoseAnswer, LoseRequest, Refuse, Scripted, Unprocessed, cancel
from testing.dynamodb.serving import attach
from tests.unit.testing.dynamodb.one_table import ID, TABLE, World, refusal

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ONE = {"N": "1"}
WRITE: dict[str, Any] = {"TableName": TABLE, "Item": ID}


def test_the_next_requests_meet_with_what_the_script_has_in_its_order() -> None:
    world = World()
    world.database.faults.next("PutItem", "ThrottlingException", None, Refuse("InternalServerError", "down"))
    assert refusal(lambda: world.client.put_item(**WRITE))[0] == "ThrottlingException"
    assert world.item() is None
    world.client.get_item(TableName=TABLE, Key=ID)
    world.client.put_item(**WRITE)
    with pytest.raises(ClientError) as down:
        world.client.put_item(**WRITE)
    assert down.value.response["Error"] == {"Code": "InternalServerError", "Message": "down"}
    assert down.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert world.database.faults.left == {}
    world.client.put_item(**WRITE)


def test_all_requests_meet_with_it_until_it_is_over() -> None:
    world = World()
    world.database.faults.always("PutItem", "ResourceNotFoundException")
    world.database.faults.next("PutItem", "ThrottlingException")
    codes = [refusal(lambda: world.client.put_item(**WRITE))[0] for _ in range(3)]
    assert codes == ["ThrottlingException", *["ResourceNotFoundException"] * 2]
    world.database.faults.always("PutItem", None)
    world.client.put_item(**WRITE)
    world.database.faults.next("PutItem", "ThrottlingException")
    assert world.database.faults.left == {"PutItem": 1}
    world.database.faults.clear()
    world.client.put_item(**WRITE)


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("PutItems", "ThrottlingException"),
        ("PutItem", "TransactionCanceledException"),
        ("PutItem", "Throttling"),
        ("PutItem", cancel("TransactionConflict")),
        ("GetItem", Unprocessed(1)),
    ],
)
def test_a_script_has_only_what_aws_answers(operation: str, fault: Scripted) -> None:
    with pytest.raises(ValueError, match=r"DynamoDB has no|has no error|is no"):
        World().database.faults.next(operation, fault)


def test_a_request_that_gets_lost_does_nothing() -> None:
    world = World()
    world.database.faults.next("PutItem", LoseRequest())
    with pytest.raises(ReadTimeoutError):
        world.client.put_item(**WRITE)
    assert world.item() is None and world.database.operations() == ["PutItem"]


def test_a_request_whose_answer_gets_lost_is_done() -> None:
    world = World()
    world.put(n=ONE)
    world.database.faults.next("UpdateItem", LoseAnswer())
    with pytest.raises(ReadTimeoutError):
        world.update("ADD n :v", v=ONE)
    assert world.item() == {"n": {"N": "2"}}


def test_botocore_asks_again_where_it_has_attempts_left() -> None:
    world = World(attempts=2)
    world.put(n=ONE)
    world.database.faults.next("UpdateItem", LoseAnswer())
    world.update("ADD n :v", v=ONE)
    assert world.item() == {"n": {"N": "3"}} and world.database.round_trips == 2


def test_an_exception_takes_the_place_of_an_answer() -> None:
    world = World()
    world.database.faults.next("PutItem", RuntimeError("as scripted"))
    with pytest.raises(RuntimeError, match="as scripted"):
        world.client.put_item(**WRITE)
    assert world.item() is None


@pytest.mark.parametrize(("fault", "succeeds"), [(Before, False), (After, True)])
def test_another_request_may_come_in_between(fault: type[Before] | type[After], succeeds: bool) -> None:
    world = World()

    def somebody_else() -> None:
        world.client.put_item(**WRITE)

    world.database.faults.next("UpdateItem", fault(somebody_else))
    done: list[bool] = []
    try:
        world.update("SET n = :v", v=ONE, ConditionExpression="attribute_not_exists(id)")
        done.append(True)
    except ClientError:
        done.append(False)
    assert done == [succeeds]
    assert world.item() == {}
    assert world.database.operations() == ["UpdateItem", "PutItem"]


def test_what_was_asked_is_told_with_its_parameters() -> None:
    world = World()
    world.client.put_item(**WRITE)
    (asked,) = world.database.asked
    assert (asked.operation, asked.parameters) == ("PutItem", WRITE)
    assert world.database.round_trips == 1
    assert world.database.operations() == ["PutItem"] and world.database.operations() == []
    assert world.database.round_trips == 0


def test_what_a_test_reads_of_a_table_is_its_own() -> None:
    world = World()
    world.put(l={"L": [ONE]})
    cast(list[object], world.database.items(TABLE)[0]["l"]["L"]).clear()
    assert world.item() == {"l": {"L": [ONE]}}


def test_any_other_client_may_be_led_here() -> None:
    world = World()
    client: DynamoDBClient = boto3.client(
        "dynamodb", region_name="eu-west-1", aws_access_key_id="A", aws_secret_access_key="s"
    )
    attach(world.database, client)
    client.put_item(TableName=TABLE, Item={"id": {"S": "one"}})
    assert world.item() == {}


def test_twenty_at_once_lose_nothing() -> None:
    world = World()
    together = threading.Barrier(20)

    def add(number: int) -> bool:
        together.wait()
        for _ in range(5):
            world.update("ADD n :v", v=ONE)
        try:
            actions = [
                {
                    "Put": {
                        "TableName": TABLE,
                        "Item": {"id": {"S": "first"}, "who": {"N": str(number)}},
                        "ConditionExpression": "attribute_not_exists(id)",
                    }
                }
            ]
            world.client.transact_write_items(TransactItems=actions)
        except ClientError:
            return False
        return True

    with ThreadPoolExecutor(20) as threads:
        first = list(threads.map(add, range(20)))
    assert world.item() == {"n": {"N": "100"}}
    assert first.count(True) == 1 and world.database.round_trips == 120


def test_many_may_wait_for_one_another_in_the_middle_of_their_requests() -> None:
    world = World()
    together = threading.Barrier(4)
    waits: Fault = Before(lambda: together.wait(10))
    world.database.faults.next("UpdateItem", *[waits] * 4)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: world.update("ADD n :v", v=ONE), range(4)))
    assert world.item() == {"n": {"N": "4"}}


def test_its_answers_tell_the_time_of_its_clock() -> None:
    world = World()
    world.clock.now = 1_800_000_000
    answer = world.client.get_item(TableName=TABLE, Key=ID)
    assert answer["ResponseMetadata"]["HTTPHeaders"]["date"] == "Fri, 15 Jan 2027 08:00:00 GMT"
