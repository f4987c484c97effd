"""Expressions that are true of an item or not: conditions, filters, and what a query asks of keys.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from testing.dynamodb.grammar import Path, Reader
from testing.dynamodb.values import SETS, Item, Value, content, kind, order

COMPARATORS: Final = ("=", "<>", "<=", ">=", "<", ">")
_ORDERED: Final = ("S", "N", "B")
_BY_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MOST_IN_LIST: Final = 99  # the 100 that AWS documents take in the first operand
_TYPES: Final = ("S", "N", "B", "SS", "NS", "BS", "BOOL", "NULL", "L", "M")
# How many arguments each function has.
_FUNCTIONS: Final = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}


@dataclass(frozen=True)
class Literal:
    """A value of the request."""

    value: Value


@dataclass(frozen=True)
class Size:
    """The size of an attribute."""

    path: Path


Operand = Path | Literal | Size


@dataclass(frozen=True)
class Comparison:
    """An operand beside another one."""

    comparator: str
    left: Operand
    right: Operand

    def holds(self, item: Item) -> bool:
        """Whether it is true of an item."""
        return _compare(self.comparator, _find(self.left, item), _find(self.right, item))


@dataclass(frozen=True)
class Between:
    """An operand that is not below one and not above another."""

    operand: Operand
    least: Operand
    most: Operand

    def holds(self, item: Item) -> bool:
        """Whether it is true of an item."""
        found = _find(self.operand, item)
        return _compare(">=", found, _find(self.least, item)) and _compare("<=", found, _find(self.most, item))


@dataclass(frozen=True)
class In:
    """An operand that is one of several."""

    operand: Operand
    choice: tuple[Operand, ...]

    def holds(self, item: Item) -> bool:
        """Whether it is true of an item."""
        found = _find(self.operand, item)
        return any(_compare("=", found, _find(one, item)) for one in self.choice)


@dataclass(frozen=True)
class Function:
    """What a function says of an attribute."""

    name: str
    arguments: tuple[Operand, ...]

    def holds(self, item: Item) -> bool:
        """Whether it is true of an item."""
        found = _find(self.arguments[0], item)
        if self.name == "attribute_not_exists":
            return found is None
        if self.name == "attribute_exists" or found is None:
            return found is not None
        second = _find(self.arguments[1], item)
        if second is None:
            return False
        if self.name == "attribute_type":
            return kind(found) == second["S"]
        return _begins_with(found, second) if self.name == "begins_with" else _contains(found, second)


@dataclass(frozen=True)
class Not:
    """The contrary of a condition."""

    condition: "Condition"

    def holds(self, item: Item) -> bool:
        """Whether it is true of an item."""
        return not self.condition.holds(item)


@dataclass(frozen=True)
class Both:
    """Two conditions of which both have to be true."""

    left: "Condition"
    right: "Condition"

    def holds(self, item: Item) -> bool:
        """Whether it is true of an item."""
        return self.left.holds(item) and self.right.holds(item)


@dataclass(frozen=True)
class Either:
    """Two conditions of which one has to be true."""

    left: "Condition"
    right: "Condition"

    def holds(self, item: Item) -> bool:
        """Whether it is true of an item."""
        return self.left.holds(item) or self.right.holds(item)


@dataclass(frozen=True)
class Parentheses:
    """A condition in parentheses."""

    condition: "Condition"

    def holds(self, item: Item) -> bool:
        """Whether it is true of an item."""
        return self.condition.holds(item)


Condition = Comparison | Between | In | Function | Not | Both | Either | Parentheses


def paths_of(condition: Condition) -> Iterator[Path]:
    """All attributes that a condition is about."""
    match condition:
        case Not(inner) | Parentheses(inner):
            yield from paths_of(inner)
            return
        case Both(left, right) | Either(left, right):
            yield from paths_of(left)
            yield from paths_of(right)
            return
        case Comparison():
            operands: tuple[Operand, ...] = (condition.left, condition.right)
        case Between():
            operands = (condition.operand, condition.least, condition.most)
        case In():
            operands = (condition.operand, *condition.choice)
        case Function():
            operands = condition.arguments
    for operand in operands:
        if isinstance(operand, Size):
            yield operand.path
        elif isinstance(operand, Path):
            yield operand


def _find(operand: Operand, item: Item) -> Value | None:
    match operand:
        case Path():
            return operand.find(item)
        case Literal(value):
            return value
        case Size(path):
            size = _size(path.find(item))
            return None if size is None else {"N": str(size)}


def _size(value: Value | None) -> int | None:
    if value is None or kind(value) in ("N", "BOOL", "NULL"):
        return None
    held = order(value) if kind(value) == "B" else content(value)
    return len(cast(str, held))


def _compare(comparator: str, left: Value | None, right: Value | None) -> bool:
    if comparator == "<>":
        return left != right  # what is missing differs from what is there
    if left is None or right is None:
        return False
    if comparator == "=":
        return left == right
    if kind(left) != kind(right) or kind(left) not in _ORDERED:
        return False
    return _BY_ORDER[comparator](order(left), order(right))


def _begins_with(found: Value, start: Value) -> bool:
    if kind(found) != kind(start) or kind(found) not in ("S", "B"):
        return False
    return cast(bytes, order(found)).startswith(cast(bytes, order(start)))


def _contains(found: Value, part: Value) -> bool:
    name, held = kind(found), content(found)
    if name in ("S", "B"):
        return kind(part) == name and cast(bytes, order(part)) in cast(bytes, order(found))
    if name in SETS:
        return kind(part) == name[0] and content(part) in cast(list[str], held)
    return name == "L" and part in cast(list[Value], held)


def read_condition(reader: Reader) -> Condition:
    """A whole condition expression.

    Raises:
        InvalidRequest: it is not one.
    """
    condition = _either(reader)
    reader.take("end")
    return condition


def _either(reader: Reader) -> Condition:
    condition = _both(reader)
    while reader.skip("OR") is not None:
        condition = Either(condition, _both(reader))
    return condition


def _both(reader: Reader) -> Condition:
    condition = _one(reader)
    while reader.skip("AND") is not None:
        condition = Both(condition, _one(reader))
    return condition


def _one(reader: Reader) -> Condition:
    if reader.skip("NOT") is not None:
        reader.count_operator()
        return Not(_one(reader))
    if reader.skip("(") is not None:
        condition = _either(reader)
        reader.expect(")")
        if isinstance(condition, Parentheses):
            raise reader.invalid("The expression has redundant parentheses;")
        return Parentheses(condition)
    reader.count_operator()
    if reader.is_function() and reader.next.text != "size":
        return _function(reader)
    return _comparison(reader)


def _comparison(reader: Reader) -> Condition:
    left = _operand(reader)
    if reader.skip("BETWEEN") is not None:
        least = _operand(reader)
        reader.expect("AND")
        return _check_between(reader, Between(left, least, _operand(reader)))
    if reader.skip("IN") is not None:
        return In(left, _choice(reader))
    comparator = reader.skip(*COMPARATORS)
    if comparator is None:
        raise reader.syntax_error()
    right = _operand(reader)
    if left == right and isinstance(left, Path):
        raise reader.invalid(
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {comparator}, first operand: {left}"
        )
    if comparator in _BY_ORDER:
        _check_ordered(reader, comparator, left, right)
    return Comparison(comparator, left, right)


def _check_between(reader: Reader, condition: Between) -> Condition:
    _check_ordered(reader, "BETWEEN", condition.operand, condition.least, condition.most)
    match condition.least, condition.most:
        case Literal(least), Literal(most):
            if kind(least) != kind(most):
                raise reader.invalid(
                    "The BETWEEN operator requires same data type for lower and upper bounds; "
                    f"lower bound operand: AttributeValue: {least}, upper bound operand: AttributeValue: {most}"
                )
            if not _compare("<=", least, most):
                raise reader.invalid(
                    "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
                    f"lower bound operand: AttributeValue: {least}, upper bound operand: AttributeValue: {most}"
                )
    return condition


def _check_ordered(reader: Reader, sign: str, *operands: Operand) -> None:
    for one in operands:
        if isinstance(one, Literal) and kind(one.value) not in _ORDERED:
            raise _wrong_type(reader, sign, kind(one.value))


def _wrong_type(reader: Reader, sign: str, found: str) -> Exception:
    return reader.invalid(
        f"Incorrect operand type for operator or function; operator or function: {sign}, operand type: {found}"
    )


def _choice(reader: Reader) -> tuple[Operand, ...]:
    choice: list[Operand] = []
    reader.expect("(")
    reader.between_commas(lambda: choice.append(_operand(reader)))
    reader.expect(")")
    if len(choice) > _MOST_IN_LIST:
        raise reader.invalid(f"The IN operator is provided with too many operands; number of operands: {len(choice)}")
    return tuple(choice)


def _operand(reader: Reader) -> Operand:
    if reader.next.kind == "value":
        return Literal(reader.value())
    if reader.is_function() and reader.next.text == "size":
        reader.take("word")
        reader.expect("(")
        path = _path_of_function(reader, "size")
        reader.expect(")")
        reader.count_operator()
        return Size(path)
    return reader.path()


def _path_of_function(reader: Reader, name: str) -> Path:
    if reader.next.kind == "value":
        raise reader.invalid(f"Operator or function requires a document path; operator or function: {name}")
    return reader.path()


def _function(reader: Reader) -> Condition:
    name = reader.take("word")
    if name not in _FUNCTIONS:
        raise reader.invalid(f"Invalid function name; function: {name}")
    arguments: list[Operand] = []
    reader.expect("(")
    if name in ("attribute_exists", "attribute_not_exists"):
        arguments.append(_path_of_function(reader, name))
    else:
        arguments.append(_operand(reader))
    while reader.skip(",") is not None:
        arguments.append(_operand(reader))
    reader.expect(")")
    if len(arguments) != _FUNCTIONS[name]:
        raise reader.invalid(
            f"Incorrect number of operands for operator or function; operator or function: {name}, "
            f"number of operands: {len(arguments)}"
        )
    _check_arguments(reader, name, arguments)
    return Function(name, tuple(arguments))


def _check_arguments(reader: Reader, name: str, arguments: list[Operand]) -> None:
    if len(arguments) == 2 and arguments[0] == arguments[1]:
        raise reader.invalid(
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {name}, first operand: {arguments[0]}"
        )
    match name, arguments[-1]:
        case "begins_with", Literal(value) if kind(value) not in ("S", "B"):
            raise _wrong_type(reader, name, kind(value))
        case "attribute_type", Literal(value):
            if kind(value) != "S":
                raise _wrong_type(reader, name, kind(value))
            if value["S"] not in _TYPES:
                raise reader.invalid(f"Invalid attribute type name found; type: {value['S']}, valid types: {_TYPES}")
        case "attribute_type", _:
            raise _wrong_type(reader, name, "path")
