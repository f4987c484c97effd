"""Expressions that say how an item changes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final, cast

from testing.dynamodb.grammar import Path, Reader, member
from testing.dynamodb.refused import InvalidRequest
from testing.dynamodb.values import SETS, Item, Value, add, content, in_order, kind, number, of_number

_CLAUSES: Final = ("SET", "REMOVE", "ADD", "DELETE")


@dataclass(frozen=True)
class Constant:
    """A value of the request."""

    value: Value


@dataclass(frozen=True)
class IfNotExists:
    """What a path leads to, or else an operand."""

    path: Path
    otherwise: "Operand"


@dataclass(frozen=True)
class ListAppend:
    """A list behind another one."""

    first: "Operand"
    second: "Operand"


Operand = Path | Constant | IfNotExists | ListAppend


@dataclass(frozen=True)
class Sum:
    """A number and another one, added to it or taken from it."""

    sign: str
    first: Operand
    second: Operand


@dataclass
class Update:
    """What a whole expression says. Every operand is of the item as it was before."""

    assigned: list[tuple[Path, Operand | Sum]] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)
    added: list[tuple[Path, Value]] = field(default_factory=list)
    deleted: list[tuple[Path, Value]] = field(default_factory=list)

    @property
    def paths(self) -> list[Path]:
        """All that it changes."""
        pairs = [*self.assigned, *self.added, *self.deleted]
        return [*(path for path, _ in pairs), *self.removed]

    @property
    def only_takes_away(self) -> bool:
        """Where there is no item, it makes none."""
        return not self.assigned and not self.added

    def apply(self, old: Item) -> Item:
        """The item as it is afterwards.

        Raises:
            InvalidRequest: the item is not one that can be changed so.
        """
        values: list[tuple[Path, Value | None]] = [(path, _evaluate(one, old)) for path, one in self.assigned]
        values += [(path, _added(path.find(old), value)) for path, value in self.added]
        values += [(path, _deleted(path.find(old), value)) for path, value in self.deleted if path.find(old)]
        new: Value = {"M": old}
        # Elements of lists from the front, so that new ones are appended in order.
        for path, value in sorted(values, key=lambda change: _place(change[0])):
            if value is not None:
                new = _with(new, path.parts, value)
        gone = [*self.removed, *(path for path, value in values if value is None)]
        # And from the back, as each that goes moves those behind it.
        for path in sorted(gone, key=_place, reverse=True):
            new = _without(new, path.parts)
        return cast(Item, new["M"])


def _place(path: Path) -> list[tuple[str, int]]:
    return [(part, 0) if isinstance(part, str) else ("", part) for part in path.parts]


def _evaluate(expression: Operand | Sum, item: Item) -> Value:
    match expression:
        case Path():
            found = expression.find(item)
            if found is None:
                raise InvalidRequest("The provided expression refers to an attribute that does not exist in the item")
            return found
        case Constant(value):
            return value
        case IfNotExists(path, otherwise):
            found = path.find(item)
            return _evaluate(otherwise, item) if found is None else found
        case ListAppend(first, second):
            lists = [_of_type("L", _evaluate(one, item)) for one in (first, second)]
            return {"L": [element for one in lists for element in cast(list[Value], one["L"])]}
        case Sum(sign, first, second):
            left, right = (number(_of_type("N", _evaluate(one, item))) for one in (first, second))
            return of_number(add(left, right if sign == "+" else -right))


def _of_type(name: str, value: Value) -> Value:
    if kind(value) != name:
        raise InvalidRequest("An operand in the update expression has an incorrect data type")
    return value


def _added(old: Value | None, value: Value) -> Value:
    if old is None:
        return value
    name = kind(value)
    _of_type(name, old)
    if name == "N":
        return of_number(add(number(old), number(value)))
    return {name: in_order(name, list({*_members(old), *_members(value)}))}


def _deleted(old: Value | None, value: Value) -> Value | None:
    assert old is not None
    name = kind(value)
    left = {*_members(_of_type(name, old))} - {*_members(value)}
    return {name: in_order(name, list(left))} if left else None  # there are no empty sets


def _members(value: Value) -> list[str]:
    return cast(list[str], content(value))


def _with(old: Mapping[str, object], parts: tuple[str | int, ...], value: Value) -> Value:
    """A value with another one at a path in it; what it was made of stays as it is."""
    if not parts:
        return value
    part, *more = parts
    inside = member(old, part)
    if more:
        if inside is None:
            raise _no_such_path()
        value = _with(inside, tuple(more), value)
    if isinstance(part, str):
        if kind(old) != "M":
            raise _no_such_path()
        return {"M": {**cast(Item, old["M"]), part: value}}
    if kind(old) != "L":
        raise _no_such_path()
    elements = cast(list[Value], old["L"])
    return {"L": [*elements[:part], value, *elements[part + 1 :]]}


def _without(old: Value, parts: tuple[str | int, ...]) -> Value:
    part, *more = parts
    inside = member(old, part)
    if more:
        if inside is None:
            raise _no_such_path()
        return _with(old, (part,), _without(inside, tuple(more)))
    if isinstance(part, str) and kind(old) == "M":
        return {"M": {name: value for name, value in cast(Item, old["M"]).items() if name != part}}
    if isinstance(part, int) and kind(old) == "L":
        elements = cast(list[Value], old["L"])
        return {"L": [*elements[:part], *elements[part + 1 :]]}
    raise _no_such_path()


def _no_such_path() -> InvalidRequest:
    return InvalidRequest("The document path provided in the update expression is invalid for update")


def read_update(reader: Reader) -> Update:
    """A whole update expression.

    Raises:
        InvalidRequest: it is not one.
    """
    update = Update()
    seen: set[str] = set()
    while clause := reader.skip(*_CLAUSES):
        if clause in seen:
            raise reader.invalid(f'The "{clause}" section can only be used once in an update expression;')
        seen.add(clause)
        match clause:
            case "SET":
                reader.between_commas(lambda: update.assigned.append(_assignment(reader)))
            case "REMOVE":
                reader.between_commas(lambda: update.removed.append(reader.path()))
            case "ADD":
                reader.between_commas(lambda: update.added.append(_path_and_value(reader, "ADD", (*SETS, "N"))))
            case _:
                reader.between_commas(lambda: update.deleted.append(_path_and_value(reader, "DELETE", tuple(SETS))))
    reader.take("end")
    refuse_overlaps(reader, update.paths)
    return update


def refuse_overlaps(reader: Reader, paths: list[Path]) -> None:
    """Of two paths, neither may lead to a part of the other.

    Raises:
        InvalidRequest: one does.
    """
    for one, two in combinations(paths, 2):
        shared = min(len(one.parts), len(two.parts))
        if one.parts[:shared] == two.parts[:shared]:
            raise reader.invalid(
                "Two document paths overlap with each other; must remove or rewrite one of these paths; "
                f"path one: {one}, path two: {two}"
            )
        first, second = next((a, b) for a, b in zip(one.parts, two.parts, strict=False) if a != b)
        if isinstance(first, str) is not isinstance(second, str):  # a map, and a list
            raise reader.invalid(
                "Two document paths conflict with each other; must remove or rewrite one of these paths; "
                f"path one: {one}, path two: {two}"
            )


def _assignment(reader: Reader) -> tuple[Path, Operand | Sum]:
    path = reader.path()
    reader.expect("=")
    reader.count_operator()
    first = _operand(reader)
    sign = reader.skip("+", "-")
    if sign is None:
        return path, first
    reader.count_operator()
    second = _operand(reader)
    for one in (first, second):
        _refuse_constants_but(reader, one, sign, "N")
        _refuse_list_append(reader, one)
    return path, Sum(sign, first, second)


def _operand(reader: Reader) -> Operand:
    if reader.next.kind == "value":
        return Constant(reader.value())
    if not reader.is_function():
        return reader.path()
    name = reader.take("word")
    reader.count_operator()
    reader.expect("(")
    match name:
        case "if_not_exists":
            if reader.next.kind == "value":
                raise reader.invalid(f"Operator or function requires a document path; operator or function: {name}")
            path = reader.path()
            reader.expect(",")
            otherwise = _operand(reader)
            _refuse_list_append(reader, otherwise)
            operand: Operand = IfNotExists(path, otherwise)
        case "list_append":
            first = _operand(reader)
            reader.expect(",")
            operand = ListAppend(first, _operand(reader))
            for one in (operand.first, operand.second):
                _refuse_constants_but(reader, one, name, "L")
                _refuse_list_append(reader, one)
        case _:
            raise reader.invalid(f"Invalid function name; function: {name}")
    reader.expect(")")
    return operand


def _refuse_constants_but(reader: Reader, operand: Operand, sign: str, name: str) -> None:
    if isinstance(operand, Constant) and kind(operand.value) != name:
        raise reader.invalid(
            "Incorrect operand type for operator or function; "
            f"operator or function: {sign}, operand type: {kind(operand.value)}"
        )


def _refuse_list_append(reader: Reader, operand: Operand) -> None:
    if isinstance(operand, ListAppend):  # if_not_exists may stand in another function
        raise reader.invalid("The function is not allowed to be used this way in an expression; function: list_append")


def _path_and_value(reader: Reader, clause: str, types: tuple[str, ...]) -> tuple[Path, Value]:
    path = reader.path()
    # "In addition, ADD can only be used on top-level attributes", and DELETE as well, says the reference of UpdateItem.
    if len(path.parts) > 1:
        raise reader.invalid(f"{clause} can only be used on top-level attributes; path: {path}")
    value = reader.value()
    reader.count_operator()
    if kind(value) not in types:
        raise reader.invalid(
            f"Incorrect operand type for operator or function; operator: {clause}, operand type: {kind(value)}, "
            f"typeSet: ALLOWED_FOR_{clause}_OPERAND"
        )
    return path, value
