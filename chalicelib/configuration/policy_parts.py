"""A policy taken apart: what must be true, and what must not, for it to apply. In Cedar's JSON."""

from collections.abc import Iterator
from typing import NamedTuple

from chalicelib.decisions.indexed_policy import PolicyJson


class Part(NamedTuple):
    """An expression, and whether it must be true.

    Attributes:
        place: `scope`, `when` or `unless`.
    """

    place: str
    expression: object
    wanted: bool


def parts_of(policy: PolicyJson) -> list[Part]:
    """The parts of a policy. It applies to a request for which each part is as it is wanted."""
    scope = [
        Part("scope", expression, wanted=True)
        for variable in ("principal", "action", "resource")
        for expression in _demands({"Var": variable}, policy[variable])
    ]
    conditions = policy["conditions"]
    assert isinstance(conditions, list)  # noqa: S101 Cedar makes it so
    return scope + [Part(one["kind"], one["body"], one["kind"] == "when") for one in conditions]


def comparisons_in(node: object) -> Iterator[object]:
    """Every expression within an expression that has a name of its own, from the outside in."""
    left = [node]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            if len(one) == 1:
                yield one
            left += reversed(one.values())
        elif isinstance(one, list):
            left += reversed(one)


def _demands(variable: object, scope: object) -> Iterator[object]:
    """What a part of the scope demands, as expressions of conditions."""
    match scope:
        case {"op": "==", "entity": one}:
            yield {"==": {"left": variable, "right": _literal(one)}}
        case {"op": "in", "entity": one}:
            yield {"in": {"left": variable, "right": _literal(one)}}
        case {"op": "in", "entities": list(several)}:
            yield {"in": {"left": variable, "right": {"Set": [_literal(one) for one in several]}}}
        case {"op": "is", "entity_type": kind, **more}:
            yield {"is": {"left": variable, "entity_type": kind}}
            match more:
                case {"in": {"entity": one}}:
                    yield {"in": {"left": variable, "right": _literal(one)}}


def _literal(entity: object) -> object:
    return {"Value": {"__entity": entity}}
