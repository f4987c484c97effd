"""The conditions of a policy, one by one: what `when` joins by `&&`, and what `unless` joins by `||`."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from chalicelib.configuration.policy_parts import parts_of
from chalicelib.configuration.policy_text import text_of
from chalicelib.decisions.indexed_policy import PolicyJson

_SPLIT: Final = {"when": "&&", "unless": "||"}


class Condition(NamedTuple):
    """A part of a policy's conditions. The policy applies if each of them is as it is wanted.

    Attributes:
        clause: `when` or `unless`, in which it stands.
        expression: in Cedar's JSON.
        wanted: what it must be.
    """

    clause: str
    expression: object
    wanted: bool

    @property
    def text(self) -> str:
        """As people write it."""
        return text_of(self.expression)


def conditions_of(policy: PolicyJson) -> list[Condition]:
    """The conditions of a policy, in the order in which Cedar looks at them, without its scope."""
    return [
        Condition(part.place, expression, part.wanted)
        for part in parts_of(policy)
        if part.place in _SPLIT
        for expression in _joined_by(_SPLIT[part.place], part.expression)
    ]


def _joined_by(sign: str, expression: object) -> Iterator[object]:
    match expression:
        case {**operator} if set(operator) == {sign}:
            operands = operator[sign]
            assert isinstance(operands, dict)  # noqa: S101 Cedar makes it so
            yield from _joined_by(sign, operands["left"])
            yield from _joined_by(sign, operands["right"])
        case _:
            yield expression


def values_in(expression: object) -> list[object]:
    """The values that an expression looks at, each once, in their order: `principal.name`, `context.local.time`."""
    return list({text_of(value): value for value in _values_in(expression)}.values())


def _values_in(node: object) -> Iterator[object]:
    if (found := _looked_for(node)) is not None:
        yield found
    elif isinstance(node, dict):
        yield from _of_each(node.values())
    elif isinstance(node, list):
        yield from _of_each(node)


def _of_each(nodes: Iterable[object]) -> Iterator[object]:
    for node in nodes:
        yield from _values_in(node)


def _looked_for(node: object) -> object | None:
    """The value that a node is or asks after; None: it is made of others."""
    match node:
        case {"Var": _}:
            return node
        case {"has": {"left": left, "attr": attribute}} if is_value(left):
            return {".": {"left": left, "attr": attribute}}
        case {"hasTag": {"left": left, "right": {"Value": str()} as tag}} if is_value(left):
            return {"getTag": {"left": left, "right": tag}}
    return node if is_value(node) else None


def is_value(node: object) -> bool:
    """Whether a node is nothing but the way to a value: a variable, an attribute, a tag."""
    match node:
        case {"Var": _}:
            return True
        case {".": {"left": left, "attr": _}}:
            return is_value(left)
        case {"getTag": {"left": left, "right": {"Value": str()}}}:
            return is_value(left)
    return False
