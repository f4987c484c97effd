"""Does a role's policy keep apart what its placeholders stand for? What certainly does not is an error.

Asked when the catalog is read, never by the deployed function. How IAM reads a policy is told by
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_multi-value-conditions.html (values of one key are
alternatives; of a negated operator, none may match),
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
(`ForAllValues` holds where a request has no such key, unless `Null` demands it),
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html (so does
`...IfExists`; and where a text may hold wildcards) and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html (what any Allow grants is
granted, unless a Deny applies).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from chalicelib.aws.policy_document import Json, Statement, texts_in
from chalicelib.roles.policy_template import FIELDS_BEFORE_RESOURCE, TEXT_OPERATOR
from chalicelib.roles.template import VARIABLE, Placeholder, holds_placeholder, parse_template

# In texts that are compared as patterns: any text, and any character.
_ANY_TEXT: Final = "\0"
_ANY_CHARACTER: Final = "\1"
_ESCAPES: Final = {"${*}": "*", "${?}": "?", "${$}": "$"}
_PLACEHOLDER = re.compile(r"\$\{(?:caller|claims|params)\.[^{}]*\}", re.ASCII)
# A variable of IAM, an escape or a placeholder; or a character.
_PIECE = re.compile(rf"{VARIABLE.pattern}|[\s\S]")


class Comparison(NamedTuple):
    """Texts of a statement that are compared with one thing of a request; any of them may match.

    Attributes:
        key: condition key, empty for resources.
        negated: the statement applies where none of them matches.
        wildcards: `*` and `?` stand for other texts.
        arn: field by field, as ARNs are.
        without_key: it holds where a request has no such key.
    """

    place: str
    texts: tuple[str, ...]
    key: str = ""
    negated: bool = False
    wildcards: bool = True
    arn: bool = False
    without_key: bool = False

    @property
    def scoped(self) -> tuple[str, ...]:
        """The texts with placeholders in them."""
        return tuple(filter(_placeholders, self.texts))

    @property
    def placeholder(self) -> Placeholder:
        """One that stands in it."""
        return _placeholders(self.scoped[0])[0]


def lint_scoping(statements: Sequence[Statement]) -> None:
    """Look at the statements of a role's policy, whose grammar and placeholders have been checked.

    Raises:
        ValueError: a placeholder keeps nothing apart. The message begins with the place.
    """
    for index, statement in enumerate(statements):
        place = f"Statement[{index}]"
        _check_spelling(statement, place)
        scoped = [one for one in _comparisons(statement, place) if one.scoped]
        for one in scoped:
            if one.key and _null(statement, one.key) == "true":
                raise ValueError(
                    f"{one.place}: Null demands that there is no {one.key} to compare {one.placeholder} with"
                )
        if statement["Effect"] == "Allow":
            _check_allow(scoped, statement)
        else:
            _check_deny(scoped)
    _check_sum(statements)


def _check_spelling(statement: Statement, place: str) -> None:
    for text in texts_in(statement):
        if holds_placeholder(_PLACEHOLDER.sub("", text)):
            raise ValueError(f"{place}: {text!r} holds what is nearly a placeholder: write ${{claims.NAME}}")


def _check_allow(scoped: Sequence[Comparison], statement: Statement) -> None:
    """An Allow grants what its placeholders match, and nothing beside it."""
    for one in scoped:
        _check_covered(one, f"so {one.placeholder} keeps nothing apart")
    weak = [one for one in scoped if one.key and not _is_sound(one, statement)]
    if weak and not any(_is_sound(one, statement) for one in scoped):
        key = weak[0].key
        raise ValueError(
            f"{weak[0].place} holds for requests without {key} too, so {weak[0].placeholder} keeps nothing apart: "
            f'demand the key with Null: {{"{key}": "false"}} in the same Condition'
        )


def _is_sound(one: Comparison, statement: Statement) -> bool:
    """Whether the statement applies to nothing that was not compared with a placeholder, or written out beside it."""
    if not one.key:
        return len(one.scoped) == len(one.texts)
    return not one.without_key or _null(statement, one.key) == "false"


def _check_deny(scoped: Sequence[Comparison]) -> None:
    """A Deny applies whatever the caller chooses."""
    for one in scoped:
        if one.negated:
            _check_covered(one, "so the Deny never applies")
            continue
        chosen = [
            placeholder for text in one.scoped for placeholder in _placeholders(text) if placeholder.kind == "params"
        ]
        if chosen:
            raise ValueError(f"{one.place}: callers choose {chosen[0]}, so a Deny of it denies what they like")


def _check_covered(one: Comparison, consequence: str) -> None:
    """Whether another of its texts matches whatever one with placeholders does."""
    for text in one.scoped:
        for other in one.texts:
            if one.key and other.lower() == f"${{{one.key.lower()}}}":
                raise ValueError(f"{one.place}: {other!r} compares the key with itself, {consequence}")
            if one.wildcards and not _placeholders(other) and _covers(other, text, one.arn):
                raise ValueError(f"{one.place}: {other!r} matches all that {text!r} does, {consequence}")


def _check_sum(statements: Sequence[Statement]) -> None:
    """Whether one Allow grants without placeholders what another grants with them. A Deny may take it back."""
    scoped = [[one for one in _comparisons(statement, "") if one.scoped] for statement in statements]
    denies = [one for one, found in zip(statements, scoped, strict=True) if one["Effect"] == "Deny" and found]
    allows = [index for index, statement in enumerate(statements) if statement["Effect"] == "Allow"]
    for narrow in (index for index in allows if scoped[index]):
        for wide in (index for index in allows if not scoped[index]):
            action = _granted_by_both(statements[wide], statements[narrow])
            if action is None or any(_may_deny(statement, action) for statement in denies):
                continue
            if _is_open(statements[wide], scoped[narrow]):
                raise ValueError(
                    f"Statement[{wide}] allows {action} whatever {scoped[narrow][0].placeholder} is, which undoes "
                    f"Statement[{narrow}]"
                )


def _is_open(statement: Statement, scoped: Sequence[Comparison]) -> bool:
    """Whether its conditions demand nothing that keeps anything apart.

    Only that keys are missing that others compare with placeholders; or what holds where a key is missing that not
    every request has; or that a key is anything at all.
    """
    keys = {one.key.lower() for one in scoped}
    compared = {(one.place, one.key): one for one in _comparisons(statement, "") if one.key}

    def is_open(operator: str, key: str) -> bool:
        if operator == "Null":
            return key.lower() in keys and _null(statement, key) == "true"
        one = compared.get((f".Condition.{operator}.{key}", key))
        if one is None or one.negated:
            return False
        # Of the keys of all services, some are in every request.
        may_be_missing = not key.lower().startswith("aws:") and _null(statement, key) != "false"
        return (one.without_key and may_be_missing) or (one.wildcards and "*" in one.texts)

    return all(
        is_open(operator, key)
        for operator, values in _items(statement.get("Condition", {}))
        for key, _ in _items(values)
    )


def _granted_by_both(wide: Statement, narrow: Statement) -> str | None:
    """An action that the one grants on what the other grants it on, and on more."""
    resources = _texts(narrow.get("Resource", []))
    scoped = [text for text in resources if _placeholders(text)] or resources
    if not any(_names(wide, "Resource", text) for text in scoped):
        return None
    return next((action for action in _texts(narrow.get("Action", [])) if _names(wide, "Action", action)), None)


def _names(statement: Statement, element: str, text: str) -> bool:
    """Whether a statement is about all that a text of another matches; or about what its `Not...` leaves of that."""
    fold = str.lower if element == "Action" else str
    if element in statement:
        return any(_covers(fold(other), fold(text)) for other in _texts(statement[element]))
    return not any(_covers(fold(other), fold(text)) for other in _texts(statement.get(f"Not{element}", [])))


def _may_deny(statement: Statement, action: str) -> bool:
    """Whether a Deny may be about an action, or a part of what that stands for."""
    if "Action" not in statement:
        return True
    return any(
        _covers(other.lower(), action.lower()) or _covers(action.lower(), other.lower())
        for other in _texts(statement["Action"])
    )


def _comparisons(statement: Statement, place: str) -> Iterator[Comparison]:
    for element in ("Resource", "NotResource"):
        if element in statement:
            yield Comparison(f"{place}.{element}", _texts(statement[element]), negated=element == "NotResource")
    for operator, keys in _items(statement.get("Condition", {})):
        match = TEXT_OPERATOR.fullmatch(operator)
        if match is None:
            continue
        sets, kind, negation, how, if_exists = match.groups()
        for key, values in _items(keys):
            yield Comparison(
                f"{place}.Condition.{operator}.{key}",
                _texts(values),
                key,
                negated=bool(negation),
                # ArnEquals is another name of ArnLike.
                wildcards=kind == "Arn" or how == "Like",
                arn=kind == "Arn",
                without_key=sets == "ForAllValues:" or bool(if_exists),
            )


def _null(statement: Statement, key: str) -> str:
    """What the operator `Null` demands of a key: `true` that it is missing, `false` that it is there; or nothing."""
    for operator, keys in _items(statement.get("Condition", {})):
        for name, values in _items(keys) if operator == "Null" else ():
            listed = values if isinstance(values, list) else [values]
            if name.lower() == key.lower() and len(listed) == 1:
                return str(listed[0]).lower()
    return ""


def _covers(pattern: str, text: str, arn: bool = False) -> bool:
    """Whether a pattern matches all that another text matches, whatever is put into its placeholders and variables."""
    patterns, texts = [_PIECE.findall(pattern)], [_PIECE.findall(text)]
    if arn and pattern != "*":
        patterns, texts = _fields(patterns[0]), _fields(texts[0])
    return len(patterns) == len(texts) and all(
        re.fullmatch("".join(map(_comparing, one)), "".join(map(_compared, other)))
        for one, other in zip(patterns, texts, strict=True)
    )


def _fields(pieces: list[str]) -> list[list[str]]:
    """The six fields of an ARN, the last of which may hold colons."""
    fields: list[list[str]] = [[]]
    for piece in pieces:
        if piece == ":" and len(fields) <= FIELDS_BEFORE_RESOURCE:
            fields.append([])
        else:
            fields[-1].append(piece)
    return fields


def _compared(piece: str) -> str:
    """A piece of a text, as what it may stand for."""
    if piece == "?":
        return _ANY_CHARACTER
    return _ESCAPES.get(piece, _ANY_TEXT) if piece == "*" or len(piece) > 1 else piece


def _comparing(piece: str) -> str:
    """A piece of a pattern, as a regular expression. A variable of IAM may stand for anything: it matches nothing."""
    if piece == "*":
        return r"[\s\S]*"
    if piece == "?":
        return f"[^{_ANY_TEXT}]"
    return re.escape(_ESCAPES.get(piece, piece))


def _placeholders(text: str) -> tuple[Placeholder, ...]:
    return parse_template(text, variables_of_iam=True).placeholders if _PLACEHOLDER.search(text) else ()


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))


def _items(value: Json) -> list[tuple[str, Json]]:
    return list(value.items()) if isinstance(value, dict) else []
