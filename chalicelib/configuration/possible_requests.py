"""What can be asked at all: the callers that there can be, the roles of the catalog, and the ranges of the context.

The more there is in here, the more policies are found that can never apply. What is left out is taken for possible.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache, cached_property
from typing import Final, NamedTuple

from chalicelib.aws.durations import MAXIMUM_SECONDS, SHORTEST_SECONDS
from chalicelib.callers.caller import Caller
from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.callers.shape import KnownIssuer, Shape
from chalicelib.configuration.policy_addresses import EVERY_ADDRESS
from chalicelib.configuration.policy_arithmetic import DAY_MILLISECONDS
from chalicelib.configuration.policy_text import entity_text, text_of
from chalicelib.configuration.value_sets import Values, numbers, written
from chalicelib.decisions.entities import role_entity
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role
from chalicelib.text.local_time import WEEKDAYS

TIME_OF_DAY: Final = numbers(0, DAY_MILLISECONDS - 1)
ADDRESS: Final = "context.source_ip"
"""As API Gateway saw it: one address, never a range."""
_DATE: Final = "context.local.date"
_MONTHS: Final = (
    "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8])"
)
_LEAP_YEARS: Final = "[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00"
_NOT_CONTAINER: Final = Values(never=frozenset({entity_text("Format", "container")}))


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
        numbers(SHORTEST_SECONDS, MAXIMUM_SECONDS),
        f"sessions last {SHORTEST_SECONDS} to {MAXIMUM_SECONDS} seconds, and no longer than the role's `max_duration`",
    ),
    ADDRESS: Range(numbers(*EVERY_ADDRESS), ""),
    "context.reason": Range(
        written("[^ ](?:.*[^ ])?"), "a reason is never empty, and has no blanks at its beginning and end"
    ),
    "context.local.time": Range(TIME_OF_DAY, "a day goes from 0h to 24h"),
    "context.local.weekday": Range(
        Values(only=frozenset(entity_text("Weekday", day) for day in WEEKDAYS)), "a week has seven days"
    ),
    _DATE: Range(
        written(f"[0-9]{{4}}-(?:{_MONTHS})|(?:{_LEAP_YEARS})-02-29"),
        "a date is one of the calendar, written 2026-12-24",
    ),
}
_PARAMS: Final = {".": {"left": {"Var": "context"}, "attr": "params"}}
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
        self.lengths = cache(self._lengths)

    def roles_taking(self, asked: str, name: str) -> Roles:
        """The roles that take a value of that name from callers.

        Args:
            asked: `context.tags` or `context.params`; of anything else, nothing is known.
        """
        return self.asked_names[asked].get(name, frozenset()) if asked in self.asked_names else self.every_role

    def roles_letting(self, expression: str, values: Values) -> Roles:
        """The roles that let callers send a param that has one of some values.

        Args:
            expression: which param, as `context.params.getTag("NAME")`; of anything else, nothing is known.
        """
        bounds = self._param_bounds.get(expression)
        if bounds is None:
            return self.every_role
        return frozenset().union(*(roles for bound, roles in bounds if not values.within(bound).is_empty))

    @cached_property
    def asked_names(self) -> Mapping[str, Mapping[str, Roles]]:
        """For `context.tags` and `context.params` the roles that take a value from callers, by its name."""
        found: dict[str, dict[str, set[int]]] = {"context.tags": {}, "context.params": {}}
        for place, role in enumerate(self.roles):
            for asked, names in zip(found, (role.session_rules.caller_tags, role.session_rules.params), strict=True):
                for name in names:
                    found[asked].setdefault(name, set()).add(place)
        return {
            asked: {name: frozenset(places) for name, places in by_name.items()} for asked, by_name in found.items()
        }

    @cached_property
    def _param_bounds(self) -> Mapping[str, list[tuple[Values, Roles]]]:
        """What the values of params look like, and for which roles; by the text that policies have for the param."""
        found: dict[str, dict[str, tuple[Values, set[int]]]] = {}
        for place, role in enumerate(self.roles):
            for name, param in role.session_rules.params.items():
                pattern = param.bounds.pattern
                expression = text_of({"getTag": {"left": _PARAMS, "right": {"Value": name}}})
                by_pattern = found.setdefault(expression, {})
                by_pattern.setdefault(pattern.pattern, (Values(patterns=((pattern, True),)), set()))[1].add(place)
        return {
            expression: [(values, frozenset(places)) for values, places in by_pattern.values()]
            for expression, by_pattern in found.items()
        }

    @cached_property
    def roles_within(self) -> Mapping[tuple[str, str], Roles]:
        """The roles that are in an entity, by its type and id: a role is in itself, too."""
        found: dict[tuple[str, str], set[int]] = {}
        for place, role in enumerate(self.roles):
            entity = role_entity(role)
            for one in ((entity.kind, entity.id), *entity.parents):
                found.setdefault(one, set()).add(place)
        return {one: frozenset(places) for one, places in found.items()}

    @cached_property
    def roles_by_attribute(self) -> "Mapping[str, Mapping[str, Roles]]":
        """The roles that have an attribute of some value, by its name and the value."""
        found: dict[str, dict[str, set[int]]] = {}
        for place, role in enumerate(self.roles):
            for name, value in role_entity(role).attributes.items():
                found.setdefault(name, {}).setdefault(value, set()).add(place)
        return {
            name: {value: frozenset(places) for value, places in by_value.items()} for name, by_value in found.items()
        }

    def _lengths(self, roles: Roles) -> tuple[int, int]:
        """The shortest and the longest session that some roles let be asked for, in seconds."""
        return (
            min((self.roles[place].min_duration for place in roles), default=0),
            max((self.roles[place].max_duration for place in roles), default=0),
        )


def range_of(expression: str) -> Range | None:
    """What can be at all of an expression, by the text of policies."""
    # The clock time of whatever moment.
    return CONTEXT["context.local.time"] if expression.endswith(".toTime()") else CONTEXT.get(expression)


def implied_by(expression: str, values: Values, is_likely: bool) -> Iterator[tuple[str, Values]]:
    """What follows from the values of an expression: another one, and what that can be.

    Args:
        is_likely: what follows with the shipped schema is enough.
    """
    is_true = values.only == frozenset({True})
    if expression == 'context has "reason"' and is_true:
        yield "context.has_reason", values
    elif expression == "context.has_reason" and is_true and is_likely:
        # Decisions by an older schema are not told the reason (decisions/context.py).
        yield 'context has "reason"', values
    elif is_true and (expression == "context.narrowed" or expression.startswith("context.tags.hasTag(")):
        # AWS's SDKs send neither, since they have no body to send it in (wire/vend_request.py).
        yield "context.format", _NOT_CONTAINER
    elif expression == _DATE and values.only is not None:
        yield "context.local.weekday", Values(only=frozenset(map(_weekday, map(str, values.only))))


def from_day_on(first: date) -> Values:
    """The dates that are not before one."""
    text = first.isoformat()
    later = [
        f"{text[:place]}[{int(digit) + 1}-9]{'.' * (len(text) - place - 1)}"
        for place, digit in enumerate(text)
        if digit.isdigit() and digit != "9"
    ]
    return written("|".join([text, *later]))


def _weekday(text: str) -> str:
    """The day of the week of a date; the date itself, where there is no such date."""
    try:
        return entity_text("Weekday", WEEKDAYS[date.fromisoformat(text).weekday()])
    except ValueError:
        return text


def fits(pattern: str, text: str) -> "re.Match[str] | None":
    """Whether a text is all that a pattern of a shape says."""
    return re.fullmatch(pattern, text, re.DOTALL)
