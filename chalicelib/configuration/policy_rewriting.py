"""The same expression of a policy, written with less: `[a, b].contains(c)` is `c == a || c == b`.

So whatever follows conditions (policy_conditions.py) needs to know `==` alone. In Cedar's JSON. Where the one fails,
the other may not. A policy that fails does not apply, so that one of which the other says it never applies never does.
"""

from collections.abc import Iterable
from typing import Final

_FALSE: Final = {"Value": False}
_TRUE: Final = {"Value": True}
# Those whose operands may be chosen by a condition, or be taken out of a record.
_COMPARISONS: Final = frozenset({"==", "<", "<=", ">", ">=", "contains", "containsAll", "containsAny", "like", "in"})


def rewritten(node: object) -> object | None:
    """An expression that is true of the same requests, and simpler; None: there is none."""
    match node:
        case {"containsAll": {"left": several, "right": {"Set": list(wanted)}}}:
            return all_of(_contains(several, one) for one in wanted)
        case {"containsAny": {"left": several, "right": {"Set": list(wanted)}}}:
            return any_of(_contains(several, one) for one in wanted)
        case {"containsAny": {"left": {"Set": list(wanted)}, "right": several}}:
            return any_of(_contains(several, one) for one in wanted)
        case {"contains": {"left": {"Set": list(several)}, "right": one}}:
            return any_of({"==": {"left": one, "right": member}} for member in several)
        case {"==": {"left": {"Set": list(several)}, "right": {"Set": list(others)}}}:
            return all_of(
                [_contains({"Set": others}, one) for one in several]
                + [_contains({"Set": several}, one) for one in others]
            )
    return None


def without_choice(node: object) -> object | None:
    """A comparison whose operands are not chosen by a condition, and are in no record that is written out."""
    if not isinstance(node, dict) or len(node) != 1:
        return None
    ((name, operands),) = node.items()
    if name not in _COMPARISONS or not isinstance(operands, dict):
        return None
    for side in ("left", "right"):
        match operands.get(side):
            case {"if-then-else": {"if": condition, "then": then, "else": otherwise}}:
                return {
                    "if-then-else": {
                        "if": condition,
                        "then": {name: {**operands, side: then}},
                        "else": {name: {**operands, side: otherwise}},
                    }
                }
            case {".": {"left": {"Record": dict(record)}, "attr": attribute}} if attribute in record:
                return {name: {**operands, side: record[attribute]}}
    return None


def all_of(expressions: Iterable[object]) -> object:
    """Expressions with `&&` between them."""
    return _joined("&&", list(expressions), _TRUE)


def any_of(expressions: Iterable[object]) -> object:
    """Expressions with `||` between them."""
    return _joined("||", list(expressions), _FALSE)


def _joined(sign: str, expressions: list[object], of_none: object) -> object:
    """No deeper than it has to be: sets may be long."""
    if len(expressions) < 2:
        return expressions[0] if expressions else of_none
    middle = len(expressions) // 2
    left, right = expressions[:middle], expressions[middle:]
    return {sign: {"left": _joined(sign, left, of_none), "right": _joined(sign, right, of_none)}}


def _contains(several: object, one: object) -> object:
    return {"contains": {"left": several, "right": one}}
