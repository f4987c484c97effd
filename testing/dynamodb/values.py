"""Values of attributes, as requests and answers have them: `{"S": "text"}`.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Final, cast

from testing.dynamodb.refused import InvalidParameter, InvalidRequest, Refused

Value = dict[str, object]
Item = dict[str, Value]
SETS: Final = {"SS": "string", "NS": "number", "BS": "binary"}
MOST_BYTES_OF_ITEM: Final = 400 * 1024
_MOST_DIGITS: Final = 38
_MOST_NESTED: Final = 32
_EXACT: Final = Context(prec=400)
_REMEMBERED_NUMBERS: Final = 4096  # most are moments, which many items share


def kind(value: Mapping[str, object]) -> str:
    """The type of a value that was checked: S, N, BOOL and so on."""
    return next(iter(value))


def content(value: Mapping[str, object]) -> object:
    """What a value that was checked holds."""
    return next(iter(value.values()))


def number(value: Mapping[str, object]) -> Decimal:
    """The number that a value of type N is."""
    return Decimal(str(value["N"]))


def of_number(amount: Decimal) -> Value:
    """A value of type N.

    Raises:
        InvalidRequest: DynamoDB has no such number.
    """
    return {"N": _canonical_number(format(amount, "f"))}


def add(first: Decimal, second: Decimal) -> Decimal:
    """The exact sum, however far apart the two are."""
    return _EXACT.add(first, second)


def copy_of(item: Item) -> Item:
    """An item that was checked, once more: all of it is JSON, which is copied so in a fifth of deepcopy's time."""
    return cast(Item, json.loads(json.dumps(item)))


def check_item(item: object) -> Item:
    """An item that a request holds, with its values in one form each.

    Raises:
        Refused: a value is not one.
    """
    if not isinstance(item, Mapping):
        raise Refused("SerializationException", "Start of structure or map found where not expected")
    checked = {str(name): check_value(value) for name, value in item.items()}
    if "" in checked:
        raise InvalidRequest("One or more parameter values are not valid. Attribute names must not be empty")
    return checked


def check_value(value: object, depth: int = 1) -> Value:
    """A value that a request holds, in the one form in which equal ones are equal.

    Raises:
        Refused: it is not one.
    """
    if not isinstance(value, Mapping):
        raise Refused("SerializationException", "Unexpected value type in payload")
    if len(value) != 1:
        how = "is empty" if not value else "has more than one datatypes set"
        raise InvalidRequest(f"Supplied AttributeValue {how}, must contain exactly one of the supported datatypes")
    if depth > _MOST_NESTED:
        raise InvalidRequest("Nesting Levels have exceeded supported limits")
    name, held = kind(value), content(value)
    check = _CHECKS.get(name)
    if check is None:
        raise InvalidRequest("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    return {name: check(held, depth)}


def _text(held: object, _: int) -> str:
    if not isinstance(held, str):
        raise Refused("SerializationException", f"{type(held).__name__} cannot be converted to String")
    return held


def _number(held: object, depth: int) -> str:
    return _canonical_number(_text(held, depth))


@lru_cache(_REMEMBERED_NUMBERS)
def _canonical_number(text: str) -> str:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or text != text.strip() or "_" in text:
        raise InvalidRequest(f"The parameter cannot be converted to a numeric value: {text}")
    amount = amount.normalize(_EXACT)
    if len(amount.as_tuple().digits) > _MOST_DIGITS:
        raise InvalidRequest("Attempting to store more than 38 significant digits in a Number")
    if amount and not -130 <= amount.adjusted() <= 125:
        size = "larger" if amount.adjusted() > 0 else "smaller"
        flow = "overflow" if size == "larger" else "underflow"
        raise InvalidRequest(f"Number {flow}. Attempting to store a number with magnitude {size} than supported range")
    return format(amount, "f") if amount else "0"


def _binary(held: object, depth: int) -> str:
    try:
        return base64.b64encode(base64.b64decode(_text(held, depth), validate=True)).decode()
    except binascii.Error:
        raise Refused("SerializationException", "Invalid Base64") from None


def _true_or_false(held: object, _: int) -> bool:
    if not isinstance(held, bool):
        raise Refused("SerializationException", f"{type(held).__name__} cannot be converted to Boolean")
    return held


def _null(held: object, depth: int) -> bool:
    if not _true_or_false(held, depth):
        raise InvalidParameter("Null attribute value types must have the value of true")
    return True


def _set_of(name: str, check: Callable[[object, int], str]) -> Callable[[object, int], object]:
    def check_set(held: object, depth: int) -> object:
        members = [check(member, depth) for member in _list(held)]
        if not members:
            raise InvalidParameter(f"An {SETS[name]} set  may not be empty")  # with both spaces
        if len(set(members)) < len(members):
            raise InvalidParameter(f"Input collection [{', '.join(members)}] contains duplicates.")
        return in_order(name, members)

    return check_set


def in_order(name: str, members: Sequence[str]) -> list[str]:
    """The members of a set, of which DynamoDB keeps no order, in an order of ours."""
    return sorted(members, key=Decimal) if name == "NS" else sorted(members)


def _list(held: object) -> Sequence[object]:
    if not isinstance(held, list):
        raise Refused("SerializationException", "Unexpected value type in payload")
    return cast(list[object], held)


def _values(held: object, depth: int) -> object:
    return [check_value(member, depth + 1) for member in _list(held)]


def _map(held: object, depth: int) -> object:
    if not isinstance(held, Mapping):
        raise Refused("SerializationException", "Unexpected value type in payload")
    return {str(name): check_value(member, depth + 1) for name, member in held.items()}


_CHECKS: Final[Mapping[str, Callable[[object, int], object]]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "SS": _set_of("SS", _text),
    "NS": _set_of("NS", _number),
    "BS": _set_of("BS", _binary),
    "BOOL": _true_or_false,
    "NULL": _null,
    "L": _values,
    "M": _map,
}


def order(value: Mapping[str, object]) -> Decimal | bytes | None:
    """By what values of one type come one after the other; None: values of this type have no order."""
    match kind(value):
        case "N":
            return number(value)
        case "S":
            return str(value["S"]).encode()
        case "B":
            return base64.b64decode(str(value["B"]))
    return None


def bytes_of_item(item: Mapping[str, Value]) -> int:
    """What an item takes.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + bytes_of(value) for name, value in item.items())


@lru_cache(_REMEMBERED_NUMBERS)
def _bytes_of_number(text: str) -> int:
    return (len(Decimal(text).as_tuple().digits) + 1) // 2 + 1


def bytes_of(value: Mapping[str, object]) -> int:
    """What a value takes, without its attribute's name."""
    held = content(value)
    match kind(value):
        case "S":
            return len(str(held).encode())
        case "N":
            return _bytes_of_number(str(held))
        case "B":
            return len(base64.b64decode(str(held)))
        case "SS" | "NS" | "BS" as name:
            return sum(bytes_of({name[0]: member}) for member in cast(list[str], held))
        case "L":
            return 3 + sum(1 + bytes_of(member) for member in cast(list[Value], held))
        case "M":
            members = cast(Item, held)
            return 3 + len(members) + bytes_of_item(members)
    return 1
