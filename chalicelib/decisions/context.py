"""Which attributes of the context are decisions told? What the schema declares, and a policy looks at.

A schema may be an adopter's own, and older than an attribute: Cedar refuses a request that says more than the schema
declares. And each attribute takes time with each decision: with all of them, twice as much.
"""

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.decision import ATTRIBUTES

# A reason is optional wherever it may be missing: a schema that demands it fits no request without one.
_DECLARATION: Final = re.compile(rf"\b({'|'.join(sorted(ATTRIBUTES - {'reason'}))})(\s*):(?!:)")
_CONTEXT: Final = {"Var": "context"}


class ToldSchema(NamedTuple):
    """How decisions are asked for.

    Attributes:
        schema: as Cedar text. Policies were checked with one in which nothing is missing; in this one, attributes that
            no policy looks at may be.
        attributes: what is told, of `ATTRIBUTES`.
    """

    schema: str
    attributes: frozenset[str]


def told_schema(schema: str, conditions: Iterable[object]) -> ToldSchema:
    """What decisions by these policies need to be told.

    Args:
        schema: valid.
        conditions: of all policies, in Cedar's JSON.
    """
    looked_at = {attribute for one in conditions for attribute in _looked_at(one)}
    told, declared, required = _declared(schema)
    return ToldSchema(told, (declared & looked_at) | required)


@lru_cache(1)
def _declared(schema: str) -> tuple[str, frozenset[str], frozenset[str]]:
    """The schema with the attributes optional, which of them it has, and those that are required all the same."""
    # Wherever else this finds such a name, it makes optional what we always say: that refuses nothing.
    optional = _DECLARATION.sub(r"\1?\2:", schema)
    declared = frozenset(name for name in ATTRIBUTES if knows(optional, "context", name))
    required = frozenset(name for name in declared if _fits(optional, f"context.{name} == context.{name}"))
    return optional, declared, required


def knows(schema: str, expression: str, attribute: str) -> bool:
    """Whether a schema declares an attribute of what an expression is.

    Of what is not declared, `has` is false, and Cedar does not look at what stands behind it.
    """
    return not _fits(schema, f'({expression}) has {json.dumps(attribute)} && 1 like ""')


def _fits(schema: str, condition: str) -> bool:
    policy = f'permit (principal, action == Action::"AssumeRole", resource) when {{ {condition} }};'
    return cedarpy.validate_policies(policy, schema).validation_passed


def _looked_at(node: object) -> Iterator[str]:
    """The attributes of the context that a part of a policy looks at; all, where it takes the context as a whole."""
    left = [node]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            if one.get("Var") == "context":
                yield from ATTRIBUTES
                continue
            attribute = one.get("attr")
            if one.get("left") == _CONTEXT and isinstance(attribute, str) and len(one) == 2:
                yield attribute
                continue
            left += one.values()
        elif isinstance(one, list):
            left += one
