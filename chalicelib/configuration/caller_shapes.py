"""What can callers of a shape (callers/shape.py) be, of all that a policy may ask of them?"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from chalicelib.callers.shape import Shape
from chalicelib.configuration.policy_constants import Entity
from chalicelib.configuration.policy_text import entity_text
from chalicelib.configuration.possible_requests import fits
from chalicelib.configuration.value_sets import Constant, Values


class Told(NamedTuple):
    """Whether a caller is an entity, or in one, is told by the value of an expression.

    Attributes:
        more: attributes that it has as well if it is.
    """

    expression: str
    value: Constant
    more: Mapping[str, str]


def told_of(shape: Shape, one: Entity, within: bool) -> Told | None:
    """What tells whether a caller of that shape is an entity, or (`within`) in it; None: it is not."""
    kind, identifier = one
    if kind == shape.kind:
        match = fits(shape.id, identifier)
        return None if match is None else Told("principal", entity_text(*one), match.groupdict())
    if within and kind in shape.parents:
        name = shape.parents[kind]
        return Told(f"principal.{name}", identifier, {}) if fits(shape.attributes[name], identifier) else None
    if within and kind in shape.groups:
        return Told(f"principal in {entity_text(*one)}", True, {}) if fits(shape.groups[kind], identifier) else None
    return None


def may_have(shape: Shape, tag: str) -> bool:
    """Whether a caller of that shape may have a tag of that name."""
    return shape.tags is not None and fits(shape.tags, tag) is not None


def may_be(shape: Shape, name: str, values: Values) -> bool:
    """Whether an attribute of a caller of that shape may have one of some values."""
    if name not in shape.attributes:
        return False
    if name in shape.fixed:
        return not values.among([shape.fixed[name]], wanted=True).is_empty
    return not values.within(_written(shape.attributes[name])).is_empty


def told_by_value(shape: Shape, name: str, values: Values) -> Mapping[str, str]:
    """Other attributes of a caller of that shape, as the value of one tells them."""
    if values.only is None or len(values.only) != 1:
        return {}
    (value,) = values.only
    match = fits(shape.attributes[name], str(value))
    return {} if match is None else match.groupdict()


@lru_cache(256)
def _written(pattern: str) -> Values:
    """As `fits` reads it."""
    return Values(patterns=((re.compile(pattern, re.DOTALL), True),))
