"""What operators block is blocked at every gate, or they are told where it is not; and the service goes by it."""

import threading
from collections.abc import Mapping

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.aws.transaction import Transactions
from chalicelib.blocks.gates import FOR_GOOD, GATES, gate_check, gate_id
from chalicelib.blocks.keys import ALL, attribute, role_key
from chalicelib.errors import Blocked
from ops.blocking.blocks import MOST, Block, Blocks
from ops.errors import NotFinished, OperationFailed
from testing.dynamodb.credvend_tables import BLOCKS
from testing.dynamodb.faults import Before, cancel
from tests.unit.ops.stage_tables import OPERATOR, StageTables

READER = role_key("reader")
WRITER = role_key("writer")


@pytest.fixture
def tables() -> StageTables:
    return StageTables()


@pytest.fixture
def blocks(tables: StageTables) -> Blocks:
    return Blocks(BLOCKS.name, tables.operator(), tables.waits.append)


def block(tables: StageTables, key: str = READER, seconds: int | None = None, reason: str | None = None) -> Block:
    now = int(tables.clock.now)
    return Block(key, FOR_GOOD if seconds is None else now + seconds, now, OPERATOR, reason)


def gates(tables: StageTables) -> list[Mapping[str, object]]:
    return [tables.database.item(BLOCKS.name, gate_id(number)) or {} for number in range(GATES)]


def is_blocked(tables: StageTables, key: str, gate: int) -> bool:
    """Whether a vend that asks that gate is refused, as the service asks it."""
    part = gate_check(BLOCKS.name, [key], int(tables.clock.now))
    check = dict(part.write["ConditionCheck"])
    check["Key"] = {"id": {"S": gate_id(gate)}}
    try:
        Transactions(tables.client).write(
            lambda: [part._replace(write={"ConditionCheck": check})]  # type: ignore[typeddict-item]
        )
    except Blocked as error:
        assert error.by == (key,)
        return True
    return False


def test_what_is_blocked_is_refused_at_every_gate_and_nothing_else_is(tables: StageTables, blocks: Blocks) -> None:
    blocks.add(block(tables, reason="leaked"))
    assert all(is_blocked(tables, READER, gate) for gate in range(GATES))
    assert not any(is_blocked(tables, WRITER, gate) for gate in range(GATES))
    assert blocks.listed() == {READER: block(tables, reason="leaked")}
    assert blocks.state().odd_gates(int(tables.clock.now)) == []
    blocks.remove(READER)
    assert not any(is_blocked(tables, READER, gate) for gate in range(GATES))
    assert blocks.listed() == {}


def test_all_is_one_transaction(tables: StageTables, blocks: Blocks) -> None:
    blocks.add(block(tables))
    assert tables.database.operations() == ["GetItem", "TransactWriteItems"]


def test_a_block_ends_by_itself_and_is_taken_out_with_the_next_change(tables: StageTables, blocks: Blocks) -> None:
    blocks.add(block(tables, seconds=60))
    tables.clock.now += 61
    assert not is_blocked(tables, READER, 5)
    blocks.add(block(tables, WRITER))
    assert blocks.listed().keys() == {WRITER}
    assert all(gate.keys() == {"id", attribute(WRITER)} for gate in gates(tables))


def test_what_somebody_blocks_again_meanwhile_is_not_taken_out(tables: StageTables, blocks: Blocks) -> None:
    blocks.add(block(tables, seconds=60))
    tables.clock.now += 61
    other = Blocks(BLOCKS.name, tables.operator("other"), tables.waits.append)
    again = block(tables, seconds=600)
    tables.database.faults.next("TransactWriteItems", Before(lambda: other.add(again)))
    blocks.add(block(tables, WRITER))
    assert blocks.listed() == {READER: again, WRITER: block(tables, WRITER)}
    assert is_blocked(tables, READER, 7) and is_blocked(tables, WRITER, 7)


def test_a_busy_table_is_asked_again_and_then_gate_by_gate(tables: StageTables, blocks: Blocks) -> None:
    tables.database.faults.next("TransactWriteItems", cancel("None", "TransactionConflict"))
    blocks.add(block(tables))
    assert tables.database.operations().count("UpdateItem") == 0 and len(tables.waits) == 1
    tables.database.faults.always("TransactWriteItems", cancel("None", "TransactionConflict"))
    tables.database.faults.next("UpdateItem", *["TransactionConflictException"] * 5)
    blocks.add(block(tables, WRITER))
    tables.database.faults.clear()
    assert blocks.state().odd_gates(int(tables.clock.now)) == []
    assert all(is_blocked(tables, WRITER, gate) and is_blocked(tables, READER, gate) for gate in range(GATES))
    tables.database.faults.always("TransactWriteItems", cancel("None", "TransactionConflict"))
    blocks.remove(WRITER)
    tables.database.faults.clear()
    assert blocks.listed().keys() == {READER} and blocks.state().odd_gates(int(tables.clock.now)) == []
    assert not any(is_blocked(tables, WRITER, gate) for gate in range(GATES))


def test_gates_that_stay_busy_are_told_and_the_command_may_be_repeated(tables: StageTables, blocks: Blocks) -> None:
    tables.database.faults.always("TransactWriteItems", cancel("None", "TransactionConflict"))
    tables.database.faults.next("UpdateItem", None, *[None] * 90)
    tables.database.faults.always("UpdateItem", "TransactionConflictException")
    with pytest.raises(NotFinished, match=r"6 of 96 .* --repair"):
        blocks.add(block(tables))
    tables.database.faults.clear()
    assert blocks.listed().keys() == {READER}
    assert len(blocks.state().odd_gates(int(tables.clock.now))) == 6
    blocks.add(block(tables))
    assert blocks.state().odd_gates(int(tables.clock.now)) == []


@pytest.mark.parametrize("adds", [True, False])
def test_what_breaks_off_between_the_gates_blocks_and_is_repaired(
    tables: StageTables, blocks: Blocks, adds: bool
) -> None:
    if not adds:
        blocks.add(block(tables))
    tables.database.faults.always("TransactWriteItems", cancel("None", "TransactionConflict"))
    tables.database.faults.next("UpdateItem", *[None] * 40)
    tables.database.faults.always("UpdateItem", EndpointConnectionError(endpoint_url="pulled"))
    with pytest.raises(OperationFailed, match="reached"):
        blocks.add(block(tables)) if adds else blocks.remove(READER)
    tables.database.faults.clear()
    now = int(tables.clock.now)
    state = blocks.settled_state()
    assert READER in state.blocks and 0 < len(state.odd_gates(now)) < GATES
    assert blocks.repair(state) == len(state.odd_gates(now))
    assert blocks.state().odd_gates(now) == []
    assert all(is_blocked(tables, READER, gate) for gate in range(GATES))


def test_a_gate_that_says_other_things_than_the_list_is_found_and_repaired(tables: StageTables, blocks: Blocks) -> None:
    blocks.add(block(tables))
    tables.database.put(BLOCKS.name, {"id": {"S": gate_id(3)}})
    tables.database.put(
        BLOCKS.name,
        {"id": {"S": gate_id(4)}, attribute(READER): {"N": str(FOR_GOOD)}, attribute(WRITER): {"S": "no number"}},
    )
    state = blocks.settled_state()
    assert state.odd_gates(int(tables.clock.now)) == [gate_id(3), gate_id(4)] and tables.waits == [1]
    assert blocks.repair(state) == 2
    assert blocks.state().odd_gates(int(tables.clock.now)) == []
    assert is_blocked(tables, READER, 3) and not is_blocked(tables, WRITER, 4)


def test_what_ended_is_no_difference(tables: StageTables, blocks: Blocks) -> None:
    blocks.add(block(tables, seconds=60))
    tables.database.put(BLOCKS.name, {"id": {"S": gate_id(3)}})
    tables.clock.now += 60
    assert blocks.state().odd_gates(int(tables.clock.now)) == []


def test_many_blocks_are_repaired_though_an_expression_has_no_room_for_them(
    tables: StageTables, blocks: Blocks
) -> None:
    tables.database.put(BLOCKS.name, _with(tables, *(f"role:r{number}" for number in range(230))))
    assert blocks.repair(blocks.state()) == GATES
    assert blocks.state().odd_gates(int(tables.clock.now)) == []


def _with(tables: StageTables, *keys: str) -> dict[str, object]:
    item = tables.database.item(BLOCKS.name, "list") or {"id": {"S": "list"}}
    said = {"until": {"N": str(FOR_GOOD)}, "at": {"N": "1"}, "by": {"S": "me"}}
    return {**item, **{attribute(key): {"M": {"key": {"S": key}, **said}} for key in keys}}


def test_there_is_an_end_to_how_many_there_may_be(tables: StageTables, blocks: Blocks) -> None:
    tables.database.put(BLOCKS.name, _with(tables, *(f"role:r{number}" for number in range(MOST))))
    with pytest.raises(OperationFailed, match=f"{MOST} blocks already"):
        blocks.add(block(tables))
    blocks.add(block(tables, "role:r1", seconds=60))


def test_what_has_ended_takes_no_room(tables: StageTables, blocks: Blocks) -> None:
    tables.database.put(BLOCKS.name, _with(tables, *(f"role:r{number}" for number in range(MOST))))
    blocks.add(block(tables, "role:r1", seconds=60))
    tables.clock.now += 61
    blocks.add(block(tables))
    assert READER in blocks.listed() and "role:r1" not in blocks.listed()


def test_however_many_there_are_all_vending_can_be_stopped(tables: StageTables, blocks: Blocks) -> None:
    tables.database.put(BLOCKS.name, _with(tables, *(f"role:r{number}" for number in range(MOST))))
    blocks.add(block(tables, ALL))
    assert ALL in blocks.listed()
    blocks.remove(ALL)


def test_long_names_have_an_end_as_well_and_the_red_button_has_none(tables: StageTables, blocks: Blocks) -> None:
    """The longest subjects that tokens may have: an item of DynamoDB's has 400 KB, and its refusal tells nobody why."""
    with pytest.raises(OperationFailed, match="blocks already, and no room") as raised:
        for number in range(MOST):
            key = f"caller:oidc:main:{number:04}{chr(0x1F600) * 1020}"
            tables.database.put(BLOCKS.name, _with(tables, key))
            if number >= 60:
                blocks.add(block(tables, f"caller:oidc:main:x{number:04}{chr(0x1F600) * 1020}", reason="é" * 256))
    assert 70 < len(blocks.listed()) < MOST and "stop" in str(raised.value)
    blocks.add(block(tables, ALL, reason="é" * 256))
    blocks.remove(ALL)


def test_operators_at_the_same_moment_lose_nothing(tables: StageTables) -> None:
    keys = [role_key(f"r{number}") for number in range(8)]

    def add(key: str) -> None:
        Blocks(BLOCKS.name, tables.operator(), lambda _: None).add(block(tables, key))

    threads = [threading.Thread(target=add, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    blocks = Blocks(BLOCKS.name, tables.operator())
    assert blocks.listed().keys() == {*keys} and blocks.state().odd_gates(int(tables.clock.now)) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ResourceNotFoundException", "deploy the stage first"),
        ("AccessDeniedException", "do not give you dynamodb:TransactWriteItems"),
    ],
)
def test_what_keeps_an_operator_from_it_is_said(tables: StageTables, blocks: Blocks, code: str, words: str) -> None:
    tables.database.faults.next("TransactWriteItems", code)
    with pytest.raises(OperationFailed, match=words):
        blocks.add(block(tables))
