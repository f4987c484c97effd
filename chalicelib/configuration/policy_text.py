"""A part of a policy, in Cedar's JSON, as people write it: for messages, and to tell whether two parts are the same.

Different parts have different texts. https://docs.cedarpolicy.com/policies/json-format.html
"""

import json
import re
from typing import Final

# Where JSON says the name of an operator, and people put it between its operands.
_BETWEEN: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "&&", "||", "+", "-", "*", "in"})
_JOINED: Final = frozenset({"&&", "||"})
# They bind more strongly than those.
_LOWER: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "has", "like", "is", "!"})
_METHODS: Final = frozenset({"contains", "containsAll", "containsAny", "hasTag", "getTag"})
# The extension functions that are no methods: https://docs.cedarpolicy.com/policies/syntax-operators.html
_FUNCTIONS: Final = frozenset({"ip", "decimal", "datetime", "duration"})
_IDENTIFIER: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def text_of(node: object) -> str:
    """An expression as people write it; in JSON, what this does not know."""
    match node:
        case {"Var": str(name)}:
            return name
        case {"Value": value}:
            return _value(value)
        case {".": {"left": left, "attr": str(name)}} if _IDENTIFIER.fullmatch(name):
            return f"{_operand(left)}.{name}"
        case {"has": {"left": left, "attr": str(name)}}:
            return f"{_operand(left)} has {json.dumps(name)}"
        case {"like": {"left": left, "pattern": list(pattern)}}:
            return f'{_operand(left)} like "{_pattern(pattern)}"'
        case {"is": {"left": left, "entity_type": str(kind), **more}}:
            inside = f" in {_operand(more['in'])}" if "in" in more else ""
            return f"{_operand(left)} is {kind}{inside}"
        case {"!": {"arg": argument}}:
            return f"!{_operand(argument)}"
        case {"neg": {"arg": argument}}:
            return f"-{_operand(argument)}"
        case {"isEmpty": {"arg": argument}}:
            return f"{_operand(argument)}.isEmpty()"
        case {"Set": list(members)}:
            return f"[{', '.join(map(text_of, members))}]"
        case {"Record": dict(record)}:
            return f"{{{', '.join(f'{_quoted(name)}: {text_of(value)}' for name, value in record.items())}}}"
        case {"if-then-else": {"if": condition, "then": then, "else": otherwise}}:
            return f"if {text_of(condition)} then {text_of(then)} else {text_of(otherwise)}"
        case dict() if len(node) == 1:
            return _call(*next(iter(node.items())))
    return json.dumps(node, sort_keys=True)


def entity_text(kind: str, identifier: str) -> str:
    """`Role::"reader"`."""
    return f"{kind}::{_quoted(identifier)}"


def _call(name: str, arguments: object) -> str:
    match arguments:
        case {"left": left, "right": right, **more} if not more and name in _JOINED:
            return f"{_joined(left, _LOWER | {name})} {name} {_joined(right, _LOWER)}"
        case {"left": left, "right": right, **more} if not more and name in _BETWEEN:
            return f"{_operand(left)} {name} {_operand(right)}"
        case {"left": left, "right": right, **more} if not more and name in _METHODS:
            return f"{_operand(left)}.{name}({text_of(right)})"
        case [first, *others] if name not in _FUNCTIONS:
            return f"{_operand(first)}.{name}({', '.join(map(text_of, others))})"
        case list():
            return f"{name}({', '.join(map(text_of, arguments))})"
    return json.dumps({name: arguments}, sort_keys=True)


def _joined(node: object, bare: frozenset[str]) -> str:
    """With parentheses but around operators that bind more strongly, or that are read from the left."""
    is_bare = isinstance(node, dict) and len(node) == 1 and next(iter(node)) in bare
    return text_of(node) if is_bare else _operand(node)


def _operand(node: object) -> str:
    """With parentheses where it has parts of its own that could be taken for the whole's."""
    match node:
        case (
            {"Var": _}
            | {"Value": _}
            | {".": _}
            | {"Set": _}
            | {"hasTag": _}
            | {"getTag": _}
            | {"isEmpty": _}
            | {"Record": _}
        ):
            return text_of(node)
        case dict() if len(node) == 1 and isinstance(next(iter(node.values())), list):
            return text_of(node)
    return f"({text_of(node)})"


def _value(value: object) -> str:
    match value:
        case {"__entity": {"type": str(kind), "id": str(identifier)}}:
            return entity_text(kind, identifier)
    return _quoted(value) if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _quoted(text: str) -> str:
    """A text in quotes; what could hide in it, or pass for lines of its own, is escaped."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _pattern(pattern: list[object]) -> str:
    parts = [part["Literal"].replace("*", r"\*") if isinstance(part, dict) else "*" for part in pattern]
    return _quoted("".join(parts))[1:-1].replace(r"\\*", r"\*")
