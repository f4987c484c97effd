"""Is it a policy document? The grammar of IAM policies, as far as it goes for session policies.

STS would refuse the same, but without saying where:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Final

from chalicelib.text.likeness import nearest

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
Statement = dict[str, Json]

# Variables such as `${aws:username}`, and the escapes `${*}`, `${?}` and `${$}`, exist in this version only:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
VERSION: Final = "2012-10-17"
_VERSIONS: Final = (VERSION, "2008-10-17")
_ELEMENTS: Final = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")


def check_document(document: object) -> tuple[Statement, ...]:
    """The statements of a session policy.

    Raises:
        ValueError: not a policy document. The message begins with the place in it.
    """
    if not isinstance(document, Mapping):
        raise ValueError('must be a policy document, such as {"Version": "2012-10-17", "Statement": [...]}')
    _known(document, ("Version", "Id", "Statement"), "the document")
    if document.get("Version", VERSION) not in _VERSIONS:
        raise ValueError(f'Version must be "{VERSION}"')
    if not isinstance(document.get("Id", ""), str):
        raise ValueError("Id must be a text")
    statements = document.get("Statement")
    listed = [statements] if isinstance(statements, Mapping) else statements
    if not isinstance(listed, list) or not listed:
        raise ValueError("Statement must be a statement, or a list of at least one")
    return tuple(_statement(one, f"Statement[{index}]") for index, one in enumerate(listed))


def document_of(statements: tuple[Statement, ...]) -> dict[str, object]:
    """A document of those statements."""
    return {"Version": VERSION, "Statement": list(statements)}


def minify(document: Mapping[str, object]) -> str:
    """The document as STS gets it: JSON without white space, of printable ASCII alone."""
    return json.dumps(document, separators=(",", ":"))


def texts_in(value: object) -> Iterator[str]:
    """Every text in a part of a policy, keys as well."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from texts_in(key)
            yield from texts_in(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from texts_in(child)


def _statement(statement: object, place: str) -> Statement:
    if not isinstance(statement, Mapping):
        raise ValueError(f"{place} must be an object")
    _known(statement, _ELEMENTS, place)
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise ValueError(f'{place}.Effect must be "Allow" or "Deny"')
    if not isinstance(statement.get("Sid", ""), str):
        raise ValueError(f"{place}.Sid must be a text")
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
        if (one in statement) == (other in statement):
            raise ValueError(f"{place} must have either {one} or {other}")
        name = one if one in statement else other
        if not _is_text_or_texts(statement[name]):
            raise ValueError(f"{place}.{name} must be a text, or a list of at least one")
    _check_condition(statement.get("Condition", {}), f"{place}.Condition")
    return dict(statement)


def _check_condition(condition: object, place: str) -> None:
    if not isinstance(condition, Mapping):
        raise ValueError(f"{place} must be an object")
    for operator, keys in condition.items():
        if not isinstance(operator, str) or not isinstance(keys, Mapping) or not keys:
            raise ValueError(f"{place}.{_cut(operator)} must be an object of condition keys and values")
        for key, values in keys.items():
            listed = values if isinstance(values, list) else [values]
            if not isinstance(key, str) or not listed or not all(map(_is_scalar, listed)):
                raise ValueError(f"{place}.{_cut(operator)}.{_cut(key)} must be a value, or a list of at least one")


def _known(mapping: Mapping[object, object], known: tuple[str, ...], place: str) -> None:
    for key in mapping:
        # The principal of a session policy is the session itself.
        if key not in known:
            meant = nearest(str(key)[:64], known)
            hint = f"did you mean {meant}? There" if meant else "there"
            raise ValueError(f"{place} must not have an element {_cut(key)}: {hint} are {', '.join(known)}")


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def _cut(key: object) -> str:
    """A key in a message, at a length that messages can bear."""
    return ascii(str(key)[:64])


def _is_text_or_texts(value: object) -> bool:
    listed = value if isinstance(value, list) else [value]
    return bool(listed) and all(isinstance(one, str) and one for one in listed)
