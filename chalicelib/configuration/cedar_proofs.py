"""Which policies does Cedar itself know to be impossible, by the types of the schema alone?

Its validator warns of them, and cedarpy does not pass its warnings on. But it looks at what stands behind `&&` only if
what stands before it can be true: so behind all conditions stands one that is an error, and a policy without that error
can never apply. https://docs.cedarpolicy.com/policies/validation.html
"""

import json
from collections.abc import Mapping
from typing import Final, cast

from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.indexed_policy import PolicyJson

# No schema has such an attribute.
_NOWHERE: Final = "this is not in the schema"
_OPPOSITE: Final = {"when": "unless", "unless": "when"}
_ERROR: Final[dict[str, object]] = {"kind": "when", "body": {".": {"left": {"Var": "context"}, "attr": _NOWHERE}}}


def impossible(policies: Mapping[str, PolicyJson], schema: cedarpy.Schema) -> frozenset[str]:
    """The names of those policies that can never apply; all of them fit the schema.

    Raises:
        ValueError: one of them is `too_deep`.
    """
    found = _without_error(policies, schema)
    # Cedar writes a few policies in a way that means another one: those prove nothing.
    return frozenset(name for name in found if _without_error({name: policies[name]}, schema, exactly=True))


def too_deep(policies: Mapping[str, PolicyJson]) -> frozenset[str]:
    """The names of those policies whose JSON Cedar does not read, though it has written it: it takes 128 levels."""
    return frozenset(name for name, policy in policies.items() if not _is_read(policy))


def idle_conditions(policies: Mapping[str, PolicyJson], schema: str) -> Mapping[str, frozenset[int]]:
    """For each policy the places of those conditions that the types of the schema make true of whatever the scope fits.

    All of the policies can apply, as far as the types go.
    """
    opposites = {
        f"{place} {name}": policy | {"conditions": [condition | {"kind": _OPPOSITE[str(condition["kind"])]}]}
        for name, policy in policies.items()
        for place, condition in enumerate(_conditions(policy))
    }
    found = impossible(opposites, cedarpy.Schema.from_str(schema))
    return {
        name: frozenset(place for place in range(len(_conditions(policy))) if f"{place} {name}" in found)
        for name, policy in policies.items()
    }


def _without_error(policies: Mapping[str, PolicyJson], schema: cedarpy.Schema, exactly: bool = False) -> frozenset[str]:
    probes = {
        f"policy{number}": policy | {"annotations": {"id": name}, "conditions": [*_conditions(policy), _ERROR]}
        for number, (name, policy) in enumerate(policies.items())
    }
    document = {"templates": {}, "staticPolicies": probes, "templateLinks": []}
    text = cedarpy.policies_from_json_str(json.dumps(document))
    if exactly and json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"] != probes:
        return frozenset()
    result = cedarpy.validate_policies(text, schema)
    reached = result.id_annotations_by_policy_id
    named = {reached.get(finding.policy_id) for finding in result.errors}
    return frozenset() if None in named else frozenset(policies) - named


def _is_read(policy: PolicyJson) -> bool:
    document = {"templates": {}, "staticPolicies": {"policy0": policy}, "templateLinks": []}
    try:
        cedarpy.policies_from_json_str(json.dumps(document))
    except ValueError:
        return False
    return True


def _conditions(policy: PolicyJson) -> list[dict[str, object]]:
    return cast(list[dict[str, object]], policy["conditions"])
