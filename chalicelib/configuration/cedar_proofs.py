"""Which policies does Cedar itself know to be impossible, by the types of the schema alone?

Its validator warns of them, and cedarpy does not pass its warnings on. But it looks at what stands behind `&&` only if
what stands before it can be true: so behind all conditions stands one that is an error, and a policy without that error
can never apply. https://docs.cedarpolicy.com/policies/validation.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar, cast

from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.indexed_policy import PolicyJson

_T = TypeVar("_T")
# No schema has such an attribute.
_NOWHERE: Final = "this is not in the schema"
_OPPOSITE: Final = {"when": "unless", "unless": "when"}
_ERROR: Final[dict[str, object]] = {"kind": "when", "body": {".": {"left": {"Var": "context"}, "attr": _NOWHERE}}}
_WRITTEN_ERROR: Final = f'when {{ context["{_NOWHERE}"] }};'
# Cedar takes the longer for each finding, the more of them there are; and here, almost each policy has one.
_AT_ONCE: Final = 100


def impossible(policies: Mapping[str, str], schema: cedarpy.Schema) -> frozenset[str]:
    """The names of those policies that can never apply; all of them fit the schema.

    Args:
        policies: the text of each, one policy with its semicolon.
    """
    return frozenset(
        name
        for some in _batches(policies)
        for name, is_reached in zip(some, _reached([_with_error(policies[name]) for name in some], schema), strict=True)
        if not is_reached
    )


def idle_conditions(policies: Mapping[str, PolicyJson], schema: str) -> Mapping[str, frozenset[int]]:
    """For each policy the places of those conditions that the types of the schema make true of whatever the scope fits.

    All of the policies can apply, as far as the types go.
    """
    opposites = {
        (name, place): policy | {"conditions": [condition | {"kind": _OPPOSITE[str(condition["kind"])]}, _ERROR]}
        for name, policy in policies.items()
        for place, condition in enumerate(_conditions(policy))
    }
    found = _impossible_as_json(opposites, cedarpy.Schema.from_str(schema))
    return {
        name: frozenset(place for place in range(len(_conditions(policy))) if (name, place) in found)
        for name, policy in policies.items()
    }


def _impossible_as_json(
    probes: Mapping[tuple[str, int], PolicyJson], schema: cedarpy.Schema
) -> frozenset[tuple[str, int]]:
    """Which policies are without an error where they end with one."""
    found: list[tuple[str, int]] = []
    for some in _batches(probes):
        documents = [_document([probes[name]]) for name in some]
        texts = [cedarpy.policies_from_json_str(document) for document in documents]
        unreached = [at for at, is_reached in enumerate(_reached(texts, schema)) if not is_reached]
        # Cedar writes a few policies in a way that means another one: those prove nothing.
        found += [
            some[at]
            for at in unreached
            if json.loads(cedarpy.policies_to_json_str(texts[at])) == json.loads(documents[at])
        ]
    return frozenset(found)


def _document(policies: Sequence[PolicyJson]) -> str:
    static = {f"policy{number}": policy for number, policy in enumerate(policies)}
    return json.dumps({"templates": {}, "staticPolicies": static, "templateLinks": []})


def _batches(policies: Mapping[_T, object]) -> Iterator[list[_T]]:
    names = list(policies)
    for start in range(0, len(names), _AT_ONCE):
        yield names[start : start + _AT_ONCE]


def _with_error(text: str) -> str:
    """A policy that ends with what is an error."""
    return text.removesuffix(";") + _WRITTEN_ERROR


def _reached(texts: Sequence[str], schema: cedarpy.Schema) -> list[bool]:
    """Of each policy, one a text, whether Cedar comes to the error at its end."""
    found = {finding.policy_id for finding in cedarpy.validate_policies("\n".join(texts), schema).errors}
    reached = [f"policy{number}" in found for number in range(len(texts))]
    # What Cedar cannot tell where it is about proves nothing.
    return reached if sum(reached) == len(found) else [True] * len(texts)


def _conditions(policy: PolicyJson) -> list[dict[str, object]]:
    return cast(list[dict[str, object]], policy["conditions"])
