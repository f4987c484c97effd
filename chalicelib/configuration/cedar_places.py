"""Where in a policy stands what a message is about? Neither Cedar's JSON nor its validator tells places."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from chalicelib.configuration.cedar_tokens import Token, tokens_of
from chalicelib.configuration.policy_text import text_of
from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.indexed_policy import PolicyJson

# Cedar is asked about so many parts of a policy.
_MOST_PARTS: Final = 64
# People put them where they like.
_LEFT_OUT: Final = frozenset("()")


def places_of(tokens: Sequence[Token], part: str) -> list[int]:
    """The tokens with which a part of a policy begins, wherever it stands, however spaced and put into parentheses.

    Args:
        part: as messages quote it.
    """
    wanted = [_bare(token) for token in tokens_of(part) if token.text not in _LEFT_OUT]
    places = [at for at, token in enumerate(tokens) if token.text not in _LEFT_OUT]
    there = [_bare(tokens[at]) for at in places]
    starts = range(len(there) - len(wanted) + 1) if wanted else ()
    return [places[start] for start in starts if there[start : start + len(wanted)] == wanted]


def written_at(tokens: Sequence[Token], part: str) -> int | None:
    """The first of these; where the part is written in another way, the first text in quotes that it has."""
    places = places_of(tokens, part)
    if places:
        return places[0]
    texts = [token.text for token in tokens_of(part) if token.kind == "text"]
    return next((at for at, token in enumerate(tokens) if token.kind == "text" and token.text in texts), None)


def parts_with(messages: Iterable[str], policy: PolicyJson, schema: cedarpy.Schema) -> Mapping[str, str]:
    """For what Cedar's validator says of a policy, the smallest part of the conditions that it says it of, as text."""
    conditions = policy["conditions"]
    assert isinstance(conditions, list)  # noqa: S101 Cedar makes it so
    bodies = [condition["body"] for condition in conditions]
    parts = {message: _smallest(message, bodies, policy, schema) for message in dict.fromkeys(messages)}
    return {message: text_of(part) for message, part in parts.items() if part is not None}


def _smallest(message: str, parts: list[object], policy: PolicyJson, schema: cedarpy.Schema) -> object:
    """The first of the parts of which the message is said, and again among its own parts; None if there is none."""
    found: object = None
    left = _MOST_PARTS
    while left > 0:
        tried = parts[:left]
        left -= len(tried)
        within = next((part for part in tried if message in _said_of(part, policy, schema)), None)
        if within is None:
            break
        found, parts = within, list(_operands(within))
    return found


def _operands(part: object) -> Iterator[object]:
    """The nearest expressions within an expression."""
    for node in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        match node:
            case {"Value": _} | {"Var": _}:
                continue
            case dict() if len(node) == 1:
                yield node
            case dict() | list():
                yield from _operands(node)


def message_of(finding: cedarpy.ValidationError) -> str:
    """What Cedar's validator says, without its own name for the policy, with which it begins."""
    return one_line(finding.error).removeprefix(f"for policy `{finding.policy_id}`").lstrip(":, ")


def one_line(error: object) -> str:
    """Cedar's messages go over several lines."""
    return " ".join(str(error).split())


def _said_of(part: object, policy: PolicyJson, schema: cedarpy.Schema) -> frozenset[str]:
    """What Cedar's validator says of the policy, with a part of its conditions alone."""
    alone = policy | {"conditions": [{"kind": "when", "body": part}]}
    document = {"templates": {}, "staticPolicies": {"policy0": alone}, "templateLinks": []}
    try:
        text = cedarpy.policies_from_json_str(json.dumps(document))
    except ValueError:
        return frozenset()
    errors = cedarpy.validate_policies(text, schema).errors
    return frozenset(map(message_of, errors))


def _bare(token: Token) -> str:
    """`"name"` and `name` are the same to `has`."""
    return token.text[1:-1] if token.kind == "text" else token.text
