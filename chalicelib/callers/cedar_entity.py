"""An entity as Cedar gets to see it: https://docs.cedarpolicy.com/policies/syntax-entity.html. Data alone, no Cedar."""

from collections.abc import Mapping
from typing import NamedTuple

TagValue = str | Mapping[str, str | list[str]]


class CedarEntity(NamedTuple):
    """A caller or a role.

    Attributes:
        kind: its type in schema.cedarschema.
        id: unique among those of its type.
        attributes: by name.
        parents: type and id of each; they have no parents themselves.
        tags: by key; None for types that the schema gives none.
    """

    kind: str
    id: str
    attributes: Mapping[str, str]
    parents: tuple[tuple[str, str], ...] = ()
    tags: Mapping[str, TagValue] | None = None
