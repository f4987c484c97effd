"""What in a policy stands for one value: https://docs.cedarpolicy.com/policies/syntax-datatypes.html"""

import re
from datetime import datetime, timedelta
from typing import Final

from chalicelib.configuration.policy_addresses import network_of
from chalicelib.configuration.policy_arithmetic import compute, operation_of
from chalicelib.configuration.policy_text import entity_text
from chalicelib.configuration.value_sets import Constant

Entity = tuple[str, str]
"""Type and id."""

_MILLISECONDS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION: Final = re.compile(r"(-?)((?:[0-9]+(?:d|h|ms|m|s))+)", re.ASCII)
_PART: Final = re.compile(r"([0-9]+)(d|h|ms|m|s)", re.ASCII)


def constant(node: object) -> Constant | None:
    """The value that a part of a policy is, in units of `value_sets.Constant`; None: it is not always the same.

    An entity is its text: it is the same as another, or is not.
    """
    match node:
        case {"Value": str() | int() as value}:
            return value
        case {"Value": {"__entity": {"type": str(kind), "id": str(identifier)}}}:
            return entity_text(kind, identifier)
        case {"duration": [{"Value": str(written)}]}:
            return _duration(written)
        case {"datetime": [{"Value": str(written)}]}:
            return _datetime(written)
        case {"ip": [{"Value": str(written)}]}:
            network = network_of(written)
            return None if network is None else network.number
    operation = operation_of(node)
    return None if operation is None else _computed(*operation)


def overflows(node: object) -> bool:
    """Whether an expression computes a number that is none: a policy that comes to it fails, and does not apply."""
    operation = operation_of(node)
    if operation is None:
        return False
    name, operands = operation
    known = [value for value in map(constant, operands) if isinstance(value, int)]
    if len(known) == len(operands):
        return compute(name, known) is None
    return any(map(overflows, operands))


def constants(node: object) -> list[Constant] | None:
    """The values of a set, if each of them is constant."""
    match node:
        case {"Set": list(members)}:
            values = [constant(member) for member in members]
            known = [value for value in values if value is not None]
            return known if len(known) == len(values) else None
    return None


def entity(node: object) -> Entity | None:
    """The entity that a part of a policy names."""
    match node:
        case {"Value": {"__entity": {"type": str(kind), "id": str(identifier)}}}:
            return kind, identifier
    return None


def entities(node: object) -> list[Entity] | None:
    """The entities that a part of a policy names, one or a set of them."""
    one = entity(node)
    if one is not None:
        return [one]
    match node:
        case {"Set": list(members)}:
            found = [entity(member) for member in members]
            known = [member for member in found if member is not None]
            return known if len(known) == len(found) else None
    return None


def pattern(parts: object) -> re.Pattern[str]:
    """What `like` compares with, as a regular expression for the whole of a text."""
    assert isinstance(parts, list)  # noqa: S101 Cedar makes it so
    literal = (re.escape(part["Literal"]) if isinstance(part, dict) else ".*" for part in parts)
    return re.compile("".join(literal), re.DOTALL)


def exactly(parts: object) -> str | None:
    """The only text that `like` fits, if there is no wildcard in it."""
    assert isinstance(parts, list)  # noqa: S101 Cedar makes it so
    literal = [part["Literal"] for part in parts if isinstance(part, dict)]
    return "".join(literal) if len(literal) == len(parts) else None


def _computed(name: str, operands: list[object]) -> int | None:
    known = [value for value in map(constant, operands) if isinstance(value, int)]
    return compute(name, known) if len(known) == len(operands) else None


def _duration(written: str) -> int | None:
    """Milliseconds."""
    match = _DURATION.fullmatch(written)
    if match is None:
        return None
    total = sum(int(number) * _MILLISECONDS[unit] for number, unit in _PART.findall(match[2]))
    return -total if match[1] else total


def _datetime(written: str) -> int | None:
    """Milliseconds since 1970."""
    try:
        moment = datetime.fromisoformat(written if "T" in written else f"{written}T00:00:00Z")
        return (moment - datetime.fromisoformat("1970-01-01T00:00:00Z")) // timedelta(milliseconds=1)
    except (ValueError, TypeError):
        return None
