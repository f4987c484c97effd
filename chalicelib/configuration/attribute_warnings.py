"""Which policies ask whether there is an attribute that the schema does not know? Cedar takes that for a plain no."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from chalicelib.configuration.policy_parts import comparisons_in
from chalicelib.configuration.policy_text import text_of
from chalicelib.decisions.context import knows
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
            case {"has": {"left": left, "attr": str(name)}} if not _knows(schema, text_of(left), name):
                meant = did_you_mean(nearest(name, _NAMES.findall(schema)))
                yield f"`{text_of(part)}` is never true: no attribute of that name is in schema.cedarschema{meant}"


# For as long as a configuration is looked at; many policies ask the same.
_knows = lru_cache(1024)(knows)
