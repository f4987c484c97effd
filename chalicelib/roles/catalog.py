"""Which roles are there? The catalog, checked: what a request is matched with."""

import zlib
from collections.abc import Callable, Sequence
from functools import cache

from chalicelib.aws.durations import MAXIMUM_SECONDS, MINIMUM_SECONDS
from chalicelib.roles.role import Role

# Asked about where there is no role at all. No role has its name.
NOWHERE = Role(
    name="",
    arn="arn:aws:iam:::role/",
    description="",
    groups=(),
    default_duration=MINIMUM_SECONDS,
    max_duration=MAXIMUM_SECONDS,
    external_id=None,
    require_reason=False,
    source_identity=False,
    tag_session=False,
)


class Catalog:
    """The roles, found by name or ARN."""

    def __init__(self, roles: tuple[Role, ...]) -> None:
        ids = [(role.name, role.arn) for role in roles]
        self._make: Callable[[int], Role] = roles.__getitem__
        self._index(ids)

    @classmethod
    def of(cls, ids: Sequence[tuple[str, str]], make: Callable[[int], Role]) -> "Catalog":
        """A catalog whose roles are made when they are asked for: in one execution environment, most never are.

        Args:
            ids: name and ARN of each.
            make: makes a role, given its place among them.
        """
        catalog = cls.__new__(cls)
        catalog._make = cache(make)
        catalog._index(ids)
        return catalog

    def _index(self, ids: Sequence[tuple[str, str]]) -> None:
        self._count = len(ids)
        # No name looks like an ARN: names have no colon.
        self._places = {text: place for place, texts in enumerate(ids) for text in texts}

    @property
    def roles(self) -> tuple[Role, ...]:
        """All of them, in the order of the file."""
        return tuple(map(self._make, range(self._count)))

    def find_role(self, name_or_arn: str) -> Role | None:
        """The role of that catalog name or ARN, or None."""
        place = self._places.get(name_or_arn)
        return None if place is None else self._make(place)

    def stand_in(self, name_or_arn: str) -> Role:
        """A role to ask about instead of one that is not there, so that its refusal takes as long.

        Always the same one: of a role that is there, too, the second refusal is quicker.
        """
        return self._make(zlib.crc32(name_or_arn.encode()) % self._count) if self._count else NOWHERE
