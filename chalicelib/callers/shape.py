"""What callers of a kind can be, whoever they are: so that a policy about somebody who cannot be is found.

Only the checks of a configuration ask for it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class KnownIssuer(NamedTuple):
    """What of a trusted issuer policies may ask.

    Attributes:
        has_groups: whether its entry says which claim holds them.
        tags: names of those that its entry makes of claims.
    """

    name: str
    has_groups: bool
    tags: tuple[str, ...]


class Shape(NamedTuple):
    """What the Cedar entities of some callers have in common. Ids and values are regular expressions for all of them.

    Attributes:
        id: of the entity; its named groups are values of attributes.
        attributes: values, by name; no caller of that shape has another attribute. Named groups are values of others.
        fixed: those of the attributes that have one value, as it is.
        parents: for each type of parents of which there is always one, the attribute that holds its id.
        groups: for each type of which there may be any number, their ids.
        tags: keys; None: there are no tags.
    """

    kind: str
    id: str
    attributes: Mapping[str, str]
    fixed: Mapping[str, str] = _NONE
    parents: Mapping[str, str] = _NONE
    groups: Mapping[str, str] = _NONE
    tags: str | None = None
