"""Where in a policy stands what a message is about? Neither Cedar's JSON nor its validator tells places."""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from chalicelib.configuration.cedar_tokens import Token, tokens_of
from chalicelib.configuration.policy_parts import comparisons_in
from chalicelib.configuration.policy_text import text_of
from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.indexed_policy import PolicyJson

# Cedar is asked about so many parts of a policy.
_MOST_PARTS: Final = 200


def written_at(tokens: Sequence[Token], part: str) -> int | None:
    """The token with which a part of a policy begins, however it is spaced and put into parentheses.

    Where it is written in another way, the first text in quotes that the part has.

    Args:
        part: as messages quote it.
    """
    wanted = [_bare(token) for token in tokens_of(part) if token.text not in ("(", ")")]
    places = [at for at, token in enumerate(tokens) if token.text not in ("(", ")")]
    there = [_bare(tokens[at]) for at in places]
    for start in range(len(there) - len(wanted) + 1):
        if wanted and there[start : start + len(wanted)] == wanted:
            return places[start]
    texts = [token.text for token in tokens_of(part) if token.kind == "text"]
    return next((at for at, token in enumerate(tokens) if token.kind == "text" and token.text in texts), None)


def parts_with(messages: Iterable[str], policy: PolicyJson, schema: cedarpy.Schema) -> Mapping[str, str]:
    """For what Cedar's validator says of a policy, the smallest part of the conditions that it says it of, as text."""
    conditions = policy["conditions"]
    assert isinstance(conditions, list)  # noqa: S101 Cedar makes it so
    # From the outside in, so that the last one that a message is about is the smallest.
    found: dict[str, str] = {}
    for part in itertools.islice(_parts(conditions), _MOST_PARTS):
        said = _said_of(policy | {"conditions": [{"kind": "when", "body": part}]}, schema)
        found |= {message: text_of(part) for message in messages if message in said}
    return found


def one_line(error: object) -> str:
    """Cedar's messages go over several lines."""
    return " ".join(str(error).split())


def _parts(conditions: list[dict[str, object]]) -> Iterator[object]:
    for condition in conditions:
        for part in comparisons_in(condition["body"]):
            match part:
                case {"Value": _} | {"Var": _}:
                    continue
            yield part


def _said_of(policy: PolicyJson, schema: cedarpy.Schema) -> frozenset[str]:
    document = {"templates": {}, "staticPolicies": {"policy0": policy}, "templateLinks": []}
    try:
        text = cedarpy.policies_from_json_str(json.dumps(document))
    except ValueError:
        return frozenset()
    errors = cedarpy.validate_policies(text, schema).errors
    return frozenset(one_line(one.error).removeprefix(f"for policy `{one.policy_id}`").lstrip(":, ") for one in errors)


def _bare(token: Token) -> str:
    """`"name"` and `name` are the same to `has`."""
    return token.text[1:-1] if token.kind == "text" else token.text
