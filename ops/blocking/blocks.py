"""The table of blocks, as operators change it: a list for people, and the gates that vends ask.

All change together, in one transaction: 97 of the 100 writes that it may have. Where vends that ask the gates are in
its way again and again, each is changed by itself. The list says what is meant: so a change that broke off is seen and
repaired, and until then too much is blocked rather than too little.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from chalicelib.aws.batches import batch_get
from chalicelib.blocks.gates import FOR_GOOD, GATES, gate_id
from chalicelib.blocks.keys import ALL, attribute
from ops.aws.dynamodb import CONNECTIONS
from ops.aws.operator import Operator
from ops.aws.writes import Outcome, write_together, write_update
from ops.errors import NotFinished, OperationFailed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, UpdateTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

_LIST: Final = "list"
_GATES: Final = tuple(gate_id(number) for number in range(GATES))
# A vend has its gate for some 10 ms.
_ATTEMPTS_TOGETHER: Final = 6
_ATTEMPTS_ALONE: Final = 30
_LONGEST_PAUSE_SECONDS: Final = 0.3
# All stand in one item, which each vend reads: it grows with them. An item has at most 400 KB.
MOST: Final = 500
# What the list describes them by: names, who, and why. It leaves room for the one of all vending.
MOST_BYTES: Final = 350_000
# Of one: names of attributes, and numbers.
_BYTES_BESIDES: Final = 120
# An expression has at most 4 KB.
_PRUNED_AT_ONCE: Final = 20
_CHANGED_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Block:
    """Something that is blocked.

    Attributes:
        key: chalicelib/blocks/keys.py has its forms.
        until: seconds since 1970, UTC; `FOR_GOOD`.
        at: when it was blocked; seconds since 1970, UTC.
        by: the ARN of the operator.
    """

    key: str
    until: int
    at: int
    by: str
    reason: str | None = None


class State(NamedTuple):
    """What the table holds.

    Attributes:
        blocks: all that the list describes, by their keys; some may have ended.
        gates: what each gate holds, by its id: until when, by attribute.
    """

    blocks: Mapping[str, Block]
    gates: Mapping[str, Mapping[str, int]]

    def odd_gates(self, now: int) -> list[str]:
        """The gates that block other things than the list says, at a moment in seconds since 1970."""
        meant = _in_force({attribute(key): block.until for key, block in self.blocks.items()}, now)
        return [gate for gate in _GATES if _in_force(self.gates.get(gate, {}), now) != meant]


class Blocks:
    """The blocks of one table."""

    def __init__(self, table: str, operator: Operator, wait: Callable[[float], None] = time.sleep) -> None:
        """Nothing is asked yet."""
        self.table = table
        self._operator = operator
        self._wait = wait

    def listed(self) -> dict[str, Block]:
        """All that the list describes, also what has ended.

        Raises:
            OperationFailed: the table cannot be read.
        """
        with self._operator.asked(self.table):
            answer = self._operator.client.get_item(TableName=self.table, Key={"id": {"S": _LIST}}, ConsistentRead=True)
        return _blocks_of(answer.get("Item", {}))

    def state(self) -> State:
        """The list and all gates. They are read one after the other: while somebody changes them, they may differ.

        Raises:
            OperationFailed: the table cannot be read.
        """
        with self._operator.asked(self.table):
            found = batch_get(self._operator.client, self.table, [_LIST, *_GATES], self._wait)
        gates = {gate: _ends(found[gate]) for gate in _GATES if gate in found}
        return State(_blocks_of(found.get(_LIST, {})), gates)

    def settled_state(self) -> State:
        """The same, once more if they differ: somebody may just have changed them.

        Raises:
            OperationFailed: the table cannot be read.
        """
        state = self.state()
        if state.odd_gates(self._operator.now()):
            self._wait(1)
            state = self.state()
        return state

    def add(self, block: Block) -> None:
        """Block something, or have it blocked until another time.

        Raises:
            NotFinished: some gates do not block it yet.
            OperationFailed: it is not blocked, or not that anybody knows.
        """
        self._change(block.key, block)

    def remove(self, key: str) -> None:
        """Have something vended again.

        Raises:
            NotFinished: some gates block it still.
            OperationFailed: it is blocked still, or nobody knows.
        """
        self._change(key, None)

    def repair(self, state: State) -> int:
        """Have each gate block what the list says; how many did not.

        Raises:
            NotFinished: some still do not.
            OperationFailed: the table cannot be written.
        """
        odd = state.odd_gates(self._operator.now())
        meant = {attribute(key): block.until for key, block in state.blocks.items()}
        self._each((gate, change) for gate in odd for change in _changes(state.gates.get(gate, {}), meant))
        return len(odd)

    def _change(self, key: str, block: Block | None) -> None:
        """Change one block, and take out what has ended."""
        for attempt in range(1, _ATTEMPTS_TOGETHER + 1):
            listed = self.listed()
            now = self._operator.now()
            ended = [old for old, one in listed.items() if one.until <= now and old != key][:_PRUNED_AT_ONCE]
            if block is not None and key != ALL:  # the red button always works
                _expect_room([one for old, one in listed.items() if old not in (key, ALL, *ended)], block)
            match self._write_together(listed, key, block, ended):
                case "written":
                    return
                case "changed" | "busy":
                    # Within the condition stands what was read just now: somebody else may have been faster.
                    self._wait(random.uniform(0, min(_LONGEST_PAUSE_SECONDS, 0.02 * 2**attempt)))  # noqa: S311
        self._change_one_by_one(key, block)

    def _write_together(
        self, listed: Mapping[str, Block], key: str, block: Block | None, ended: Sequence[str]
    ) -> Outcome:
        ends = {} if block is None else {attribute(key): block.until}
        gone = tuple(attribute(old) for old in [*ended, *([key] if block is None else [])])
        as_read = [listed[old] for old in ended] + ([listed[key]] if key in listed else [])
        list_update = _list_update(self.table, block, gone, as_read, new=key if key not in listed else None)
        gates = [_gate_update(self.table, gate, _Change(ends, gone)) for gate in _GATES]
        with self._operator.asked(self.table):
            return write_together(self._operator.client, [{"Update": update} for update in (list_update, *gates)])

    def _change_one_by_one(self, key: str, block: Block | None) -> None:
        """The list first where something is to be blocked, and last where it is not: what breaks off blocks."""
        change = _Change({} if block is None else {attribute(key): block.until}, () if block else (attribute(key),))
        update = _list_update(self.table, block, change.gone, (), new=None)
        if block is not None:
            self._patiently(update)
        self._each((gate, change) for gate in _GATES)
        if block is None:
            self._patiently(update)

    def _patiently(self, update: "UpdateTypeDef") -> None:
        """Write the list.

        Raises:
            OperationFailed: it stays busy.
        """
        with self._operator.asked(self.table):
            if self._alone(update) != "written":
                raise OperationFailed(f"Table {self.table} is too busy just now. Try again.")

    def _each(self, changes: "Iterable[tuple[str, _Change]]") -> None:
        """Change gates, each by itself.

        Raises:
            NotFinished: some stay busy.
        """
        updates = [_gate_update(self.table, gate, change) for gate, change in changes]
        with self._operator.asked(self.table), ThreadPoolExecutor(CONNECTIONS) as pool:
            outcomes = list(pool.map(self._alone, updates))
        left = sum(outcome != "written" for outcome in outcomes)
        if left:
            raise NotFinished(
                f"{left} of {GATES} copies of the blocks in table {self.table} are too busy to be changed: vends that "
                "ask those go by what was before. Give the same command again, or `credvend-admin blocks --repair`."
            )

    def _alone(self, update: "UpdateTypeDef") -> Outcome:
        outcome: Outcome = "busy"
        for attempt in range(_ATTEMPTS_ALONE):
            outcome = write_update(self._operator.client, update)
            if outcome != "busy":
                break
            self._wait(random.uniform(0, min(_LONGEST_PAUSE_SECONDS, 0.01 * 2**attempt)))  # noqa: S311 no secret
        return outcome


def _expect_room(others: Sequence[Block], block: Block) -> None:
    """Whether there is room for one more.

    Raises:
        OperationFailed: there is none.
    """
    held = sum(len(f"{one.key}{one.by}{one.reason or ''}".encode()) + _BYTES_BESIDES for one in (*others, block))
    if len(others) >= MOST or held > MOST_BYTES:
        raise OperationFailed(
            f"There are {len(others)} blocks already, and no room for more. Block a role, an issuer, or all (stop); or "
            "unblock what `blocks` shows and nobody needs."
        )


class _Change(NamedTuple):
    """What a gate is to hold: until when, by attribute, and which attributes go."""

    ends: Mapping[str, int]
    gone: Sequence[str]


def _changes(held: Mapping[str, int], meant: Mapping[str, int]) -> "Iterator[_Change]":
    """What has a gate hold what is meant, in parts that an expression has room for."""
    ends = [(name, until) for name, until in meant.items() if held.get(name) != until]
    gone = sorted(held.keys() - meant.keys())
    for start in range(0, max(len(ends), len(gone)), _CHANGED_AT_ONCE):
        part = slice(start, start + _CHANGED_AT_ONCE)
        yield _Change(dict(ends[part]), gone[part])


def _gate_update(table: str, gate: str, change: _Change) -> "UpdateTypeDef":
    names = {f"#s{place}": name for place, name in enumerate(change.ends)}
    values: dict[str, AttributeValueTypeDef] = {
        f":s{place}": {"N": str(until)} for place, until in enumerate(change.ends.values())
    }
    gone = {f"#g{place}": name for place, name in enumerate(change.gone)}
    return _update(table, gate, [f"#s{place} = :s{place}" for place in range(len(names))], gone, names, values)


def _list_update(
    table: str, block: Block | None, gone: Sequence[str], as_read: Sequence[Block], new: str | None
) -> "UpdateTypeDef":
    """The change of the list.

    Args:
        as_read: what must still stand there as it was read.
        new: the key of what must not stand there.
    """
    names: dict[str, str] = {}
    values: dict[str, AttributeValueTypeDef] = {}
    conditions: list[str] = []
    for place, old in enumerate(as_read):
        names |= {f"#o{place}": attribute(old.key), "#at": "at", "#until": "until"}
        values |= {f":oa{place}": {"N": str(old.at)}, f":ou{place}": {"N": str(old.until)}}
        conditions.append(f"#o{place}.#at = :oa{place} AND #o{place}.#until = :ou{place}")
    if new is not None:
        names["#new"] = attribute(new)
        conditions.append("attribute_not_exists(#new)")
    sets: list[str] = []
    if block is not None:
        names["#b"] = attribute(block.key)
        values[":b"] = {"M": _described(block)}
        sets.append("#b = :b")
    removed = {f"#g{place}": name for place, name in enumerate(gone)}
    update = _update(table, _LIST, sets, removed, names, values)
    return update | {"ConditionExpression": " AND ".join(conditions)} if conditions else update


def _update(
    table: str,
    id_: str,
    sets: Sequence[str],
    gone: Mapping[str, str],
    names: Mapping[str, str],
    values: "Mapping[str, AttributeValueTypeDef]",
) -> "UpdateTypeDef":
    expression = [f"SET {', '.join(sets)}"] if sets else []
    expression += [f"REMOVE {', '.join(gone)}"] if gone else []
    update: UpdateTypeDef = {
        "TableName": table,
        "Key": {"id": {"S": id_}},
        "UpdateExpression": " ".join(expression),
        "ExpressionAttributeNames": {**gone, **names},
    }
    return update | {"ExpressionAttributeValues": values} if values else update


def _described(block: Block) -> "dict[str, AttributeValueTypeDef]":
    item: dict[str, AttributeValueTypeDef] = {
        "key": {"S": block.key},
        "until": {"N": str(block.until)},
        "at": {"N": str(block.at)},
        "by": {"S": block.by},
    }
    return item | ({"reason": {"S": block.reason}} if block.reason is not None else {})


def _blocks_of(item: "Item") -> dict[str, Block]:
    """What the list describes."""
    found: dict[str, Block] = {}
    for name, value in item.items():
        if name == "id" or "M" not in value:
            continue
        said = value["M"]
        found[said["key"]["S"]] = Block(
            key=said["key"]["S"],
            until=int(said["until"]["N"]),
            at=int(said.get("at", {}).get("N", 0)),
            by=said.get("by", {}).get("S", "unknown"),
            reason=said.get("reason", {}).get("S"),
        )
    return found


def _ends(item: "Item") -> dict[str, int]:
    """What a gate holds. What is no number was not written by us, and blocks: gates.py of the service says so."""
    return {name: int(value.get("N", FOR_GOOD)) for name, value in item.items() if name != "id"}


def _in_force(ends: Mapping[str, int], now: int) -> dict[str, int]:
    return {name: until for name, until in ends.items() if until > now}
