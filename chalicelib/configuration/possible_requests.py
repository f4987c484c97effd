"""What can be asked at all: the callers that there can be, the roles of the catalog, and the ranges of the context.

The more there is in here, the more policies are found that can never apply. What is left out is taken for possible.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import Final, NamedTuple

from chalicelib.aws.durations import MAXIMUM_SECONDS, MINIMUM_SECONDS
from chalicelib.callers.caller import Caller
from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.callers.shape import KnownIssuer, Shape
from chalicelib.configuration.value_sets import Values, numbers, written
from chalicelib.decisions.entities import role_entity
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role

_DAY_MILLISECONDS: Final = 86_400_000
_DAY: Final = "a day goes from 0h to 24h"


class Range(NamedTuple):
    """The values that something can have.

    Attributes:
        words: the same, for whoever wrote another one.
    """

    values: Values
    words: str


# What an attribute of the context can be, by the text of policies; a new one is a line. Their types are in
# schema.cedarschema, and decisions/entities.py makes the values. Attributes that are not here can be anything.
CONTEXT: Final[Mapping[str, Range]] = {
    "context.duration": Range(
        numbers(MINIMUM_SECONDS, MAXIMUM_SECONDS),
        f"sessions last {MINIMUM_SECONDS} to {MAXIMUM_SECONDS} seconds, and no longer than the role's `max_duration`",
    ),
    "context.time.toTime()": Range(numbers(0, _DAY_MILLISECONDS - 1), _DAY),
    "context.local.time": Range(numbers(0, _DAY_MILLISECONDS - 1), _DAY),
    "context.local.date": Range(written("[0-9]{4}-[0-9]{2}-[0-9]{2}"), "a date is written 2026-12-24"),
}
ACTION: Final = ("Action", "AssumeRole")

Roles = frozenset[int]
"""Places in the catalog."""


class PossibleRequests:
    """What a configuration lets be asked.

    Attributes:
        issuers: that are trusted.
        shapes: of callers.
        roles: of the catalog.
    """

    def __init__(self, kinds: Iterable[type[Caller]], issuers: Iterable[Issuer], catalog: Catalog) -> None:
        self.issuers = tuple(
            KnownIssuer(one.name, one.groups_claim is not None, tuple(dict(one.claims))) for one in issuers
        )
        self.shapes: tuple[Shape, ...] = tuple(shape for kind in kinds for shape in kind.shapes(self.issuers))
        self.roles: tuple[Role, ...] = catalog.roles
        self.every_role: Roles = frozenset(range(len(self.roles)))
        self.longest = cache(self._longest)

    @cached_property
    def roles_within(self) -> Mapping[tuple[str, str], Roles]:
        """The roles that are in an entity, by its type and id: a role is in itself, too."""
        found: dict[tuple[str, str], set[int]] = {}
        for place, role in enumerate(self.roles):
            entity = role_entity(role.name, role.arn, role.groups)
            for one in ((entity.kind, entity.id), *entity.parents):
                found.setdefault(one, set()).add(place)
        return {one: frozenset(places) for one, places in found.items()}

    @cached_property
    def roles_by_attribute(self) -> "Mapping[str, Mapping[str, Roles]]":
        """The roles that have an attribute of some value, by its name and the value."""
        found: dict[str, dict[str, set[int]]] = {}
        for place, role in enumerate(self.roles):
            for name, value in role_entity(role.name, role.arn, role.groups).attributes.items():
                found.setdefault(name, {}).setdefault(value, set()).add(place)
        return {
            name: {value: frozenset(places) for value, places in by_value.items()} for name, by_value in found.items()
        }

    def _longest(self, roles: Roles) -> int:
        """The longest session that some roles let be asked for, in seconds."""
        return max((self.roles[place].max_duration for place in roles), default=0)


def fits(pattern: str, text: str) -> "re.Match[str] | None":
    """Whether a text is all that a pattern of a shape says."""
    return re.fullmatch(pattern, text, re.DOTALL)
