"""What does a scope demand, and which entities fit it? An entity fits a scope whose key is one of its own."""

from collections.abc import Mapping
from typing import Final, TypeGuard

ALL: Final = "*"
"""The key of a scope that everybody, or everything, fits."""


def keys_of(entity: Mapping[str, object]) -> tuple[str, ...]:
    """What a scope may demand so that an entity fits it: anything, its type, itself, or a parent.

    Args:
        entity: in Cedar's JSON. Its parents have no parents.
    """
    uid, parents = entity["uid"], entity["parents"]
    assert _is_uid(uid) and isinstance(parents, list)  # noqa: S101 entities.py makes them so
    return (ALL, uid["type"], _entity_key(uid), *map(_entity_key, parents))


def demanded_key(scope: object) -> str:
    """What a part of a scope, in Cedar's JSON, demands. Whatever this does not know, everybody may fit: Cedar will see.

    https://docs.cedarpolicy.com/policies/json-format.html
    """
    match scope:
        case {"op": "==" | "in", "entity": entity} if _is_uid(entity):
            return _entity_key(entity)
        case {"op": "is", "in": {"entity": entity}} if _is_uid(entity):
            return _entity_key(entity)
        case {"op": "is", "entity_type": str(kind), **more} if not more:
            return kind
    return ALL


def demanded_type(scope: object) -> str:
    """The type that a part of a scope demands besides its key, `is TYPE in ...`; empty where any will do."""
    match scope:
        case {"op": "is", "entity_type": str(kind), "in": _}:
            return kind
    return ""


def _entity_key(uid: Mapping[str, str]) -> str:
    """The key of an entity: no type holds a quote."""
    return f'{uid["type"]}::"{uid["id"]}"'


def _is_uid(entity: object) -> TypeGuard[dict[str, str]]:
    match entity:
        case {"type": str(), "id": str(), **more}:
            return not more
    return False
