"""Which policies ask whether there is an attribute that the schema does not know? Cedar takes that for a plain no."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from chalicelib.configuration.policy_parts import comparisons_in
from chalicelib.configuration.policy_text import text_of
from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.indexed_policy import PolicyJson
from chalicelib.text.likeness import did_you_mean, nearest

_NAMES: Final = re.compile(r"\b([A-Za-z_]\w*)\??\s*:(?!:)")


def attribute_warnings(policy: PolicyJson, schema: str) -> Iterator[str]:
    """A line for each `has` that is never true, as a misspelt one in a `forbid` would have it guard nothing.

    Args:
        schema: the policies' own, as Cedar text. An older copy may lack an attribute that credvend tells by now.
    """
    for part in comparisons_in(policy["conditions"]):
        match part:
            case {"has": {"left": left, "attr": str(name)}} if not _may_have(schema, text_of(left), name):
                meant = did_you_mean(nearest(name, _NAMES.findall(schema)))
                yield f"`{text_of(part)}` is never true: no attribute of that name is in schema.cedarschema{meant}"


# For as long as a configuration is looked at; many policies ask the same.
@lru_cache(1024)
def _may_have(schema: str, expression: str, name: str) -> bool:
    """Whether the schema knows the attribute: behind a `has` that it knows to be false, Cedar takes any nonsense."""
    condition = f'({expression}) has {json.dumps(name)} && 1 like ""'
    return not cedarpy.validate_policies(
        f"permit (principal, action, resource) when {{ {condition} }};", schema
    ).validation_passed
