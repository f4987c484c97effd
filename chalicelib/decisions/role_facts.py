"""What of a role are decisions told? What the schema knows; and of what it is in, only what a policy names.

A schema may be an adopter's own, and older than accounts: Cedar refuses an entity that says more than the schema
declares, or less.
"""

import json
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.entities import ACCOUNT, ACCOUNT_GROUP, ACCOUNT_NAME, role_json
from chalicelib.roles.role import Role

_PARENTS: Final = frozenset({ACCOUNT, ACCOUNT_GROUP})


def told_of_roles(schema: str, named: Collection[str]) -> frozenset[str]:
    """Of `ROLE_FACTS`, what decisions need to be told.

    Args:
        schema: valid.
        named: the types of all entities that policies name. A role is in an account, or in a group of accounts, only
            for a policy that names one: there is no other way to come to it.
    """
    return _known(schema) - _PARENTS.difference(named)


@lru_cache(1)
def _known(schema: str) -> frozenset[str]:
    """What the schema knows of roles."""
    parsed = cedarpy.Schema.from_str(schema)
    name = frozenset({ACCOUNT_NAME} if _fits(parsed, frozenset({ACCOUNT_NAME})) else ())
    return name | {parent for parent in _PARENTS if _fits(parsed, name | {parent})}


def _fits(schema: cedarpy.Schema, told: frozenset[str]) -> bool:
    try:
        cedarpy.Entities.from_json_str(json.dumps([role_json(_SOME_ROLE, told)]), schema)
    except ValueError:
        return False
    return True


_SOME_ROLE: Final = Role(
    name="a",
    arn="arn:aws:iam::111122223333:role/a",
    description="",
    groups=("a",),
    default_duration=0,
    max_duration=0,
    external_id=None,
    require_reason=False,
    source_identity=False,
    tag_session=False,
    account_name="a",
    account_groups=("a",),
)
