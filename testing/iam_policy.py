"""What an IAM policy grants: a little evaluator, written from AWS's documentation and from nothing of credvend's.

The local AWS expands no policy variables (to it, `${*}` is a text with a wildcard in it), so what the escapes of a
scoping policy mean can be asked of this alone. It knows the elements, the operators on texts and ARNs, `Bool`, `Null`
and `DateLessThan`; whatever it does not know is an error, never a guess.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cache
from typing import cast

Json = dict[str, object]


class Wildcard(Enum):
    """`*` and `?` where they are no text."""

    ANY = "*"
    ONE = "?"


# A character, or a wildcard.
Pattern = tuple[str | Wildcard, ...]
Context = Mapping[str, str | Sequence[str]]

_TOKEN = re.compile(r"\$\{([^{}]*)\}|(.)", re.DOTALL)
_OPERATOR = re.compile(
    r"(?:(?P<set>ForAllValues|ForAnyValue):)?(?P<kind>String|Arn)(?P<negated>Not)?(?P<how>Equals|EqualsIgnoreCase|Like)"
    r"(?P<if_exists>IfExists)?"
)
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Request:
    """What somebody wants to do.

    Attributes:
        context: condition keys in lower case, and their values: a text, or several.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict)


def pattern_of(text: str, context: Context, wildcards: bool = True) -> Pattern | None:
    """A text of a policy, with its variables in place; None where one of them has no value, and nothing matches.

    Args:
        wildcards: whether `*` and `?` mean more than themselves. In the value of a variable, they never do.
    """
    if "${" not in text:  # as most: asked again and again
        return _without_variables(text, wildcards)
    pattern: list[str | Wildcard] = []
    for token in _TOKEN.finditer(text):
        variable, character = token[1], token[2]
        if character is not None:
            pattern.append(Wildcard(character) if wildcards and character in "*?" else character)
        elif variable in ("*", "?", "$"):
            pattern.append(variable)
        else:
            name, _, default = variable.partition(",")
            value = context.get(name.strip().lower(), default.strip().strip("'") or None)
            if not isinstance(value, str):
                return None
            pattern.extend(value)
    return tuple(pattern)


@cache
def _without_variables(text: str, wildcards: bool) -> Pattern:
    return tuple(Wildcard(one) if wildcards and one in "*?" else one for one in text)


def matches(pattern: Pattern | None, text: str) -> bool:
    """Whether a pattern matches a text, all of it. Case makes a difference."""
    return pattern is not None and _regex(pattern).fullmatch(text) is not None


@cache
def _regex(pattern: Pattern) -> re.Pattern[str]:
    written = {Wildcard.ANY: ".*", Wildcard.ONE: "."}
    parts = (written[token] if isinstance(token, Wildcard) else re.escape(token) for token in pattern)
    return re.compile("".join(parts), re.DOTALL)


def overlap(one: Pattern, other: Pattern) -> bool:
    """Whether there is any text at all that both patterns match."""

    @cache
    def rest(i: int, j: int) -> bool:
        if i == len(one) and j == len(other):
            return True
        if i < len(one) and one[i] is Wildcard.ANY:
            return rest(i + 1, j) or (j < len(other) and rest(i, j + 1))
        if j < len(other) and other[j] is Wildcard.ANY:
            return rest(i, j + 1) or (i < len(one) and rest(i + 1, j))
        if i == len(one) or j == len(other):
            return False
        same = Wildcard.ONE in (one[i], other[j]) or one[i] == other[j]
        return same and rest(i + 1, j + 1)

    # From the end, so that the recursion stays shallow.
    for i in range(len(one), -1, -1):
        for j in range(len(other), -1, -1):
            rest(i, j)
    return rest(0, 0)


def fields_of(pattern: Pattern) -> list[Pattern]:
    """The six fields of an ARN, or fewer where it is none. The last one may hold colons."""
    fields: list[list[str | Wildcard]] = [[]]
    for token in pattern:
        if token == ":" and len(fields) < 6:
            fields.append([])
        else:
            fields[-1].append(token)
    return [tuple(one) for one in fields]


def grants(document: Json, request: Request) -> bool:
    """Whether a policy, as the only one, lets a request through: some Allow matches, and no Deny."""
    statements = cast(list[Json], document["Statement"])
    effects = {statement["Effect"] for statement in statements if _applies(statement, request)}
    return effects == {"Allow"}


def _applies(statement: Json, request: Request) -> bool:
    condition = cast(Mapping[str, Mapping[str, object]], statement.get("Condition", {}))
    return (
        _element(statement, "Action", lambda text: matches(pattern_of(text.lower(), {}), request.action.lower()))
        and _element(statement, "Resource", lambda text: matches(pattern_of(text, request.context), request.resource))
        and all(
            _holds(operator, key, _texts(expected), request.context)
            for operator, tests in condition.items()
            for key, expected in tests.items()
        )
    )


def _element(statement: Json, name: str, one_matches: Callable[[str], bool]) -> bool:
    if name in statement:
        return any(map(one_matches, _texts(statement[name])))
    return not any(map(one_matches, _texts(statement["Not" + name])))


def _holds(operator: str, key: str, expected: list[str], context: Context) -> bool:
    found = context.get(key.lower())
    if operator == "Null":
        return [str(found is None).lower()] == [text.lower() for text in expected]
    if operator == "Bool":
        return isinstance(found, str) and found.lower() in [text.lower() for text in expected]
    if operator == "DateLessThan":  # without a value, it does not match
        moments = [datetime.strptime(text, _MOMENT) for text in expected]
        return isinstance(found, str) and any(datetime.strptime(found, _MOMENT) < moment for moment in moments)
    how = _OPERATOR.fullmatch(operator)
    assert how is not None, f"{operator} is not known here"
    if found is None and (how["if_exists"] or how["set"] == "ForAllValues"):
        return True
    if found is None:
        return bool(how["negated"]) and how["set"] is None
    combine = {"ForAllValues": all, "ForAnyValue": any, None: any}[how["set"]]
    actual = [found] if isinstance(found, str) else list(found)
    equal = [any(_equal(how["kind"], how["how"], text, one, context) for text in expected) for one in actual]
    return combine(one != bool(how["negated"]) for one in equal)


def _equal(kind: str, how: str, text: str, actual: str, context: Context) -> bool:
    pattern = pattern_of(text, context, wildcards=kind == "Arn" or how == "Like")
    if kind == "String" or pattern is None:
        if how == "EqualsIgnoreCase" and pattern is not None:
            return [str(token).lower() for token in pattern] == [character.lower() for character in actual]
        return matches(pattern, actual)
    wanted, given = fields_of(pattern), fields_of(tuple(actual))
    return len(wanted) == len(given) == 6 and all(
        matches(one, "".join(map(str, other))) for one, other in zip(wanted, given, strict=True)
    )


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in listed]
