"""Which roles are there? The catalog, checked: what a request is matched with."""

import hashlib
import os
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
        """A catalog with a key of its own for stand-ins, drawn now."""
        ids = [(role.name, role.arn) for role in roles]
        self._make: Callable[[int], Role] = roles.__getitem__
        self._index(ids, os.urandom(32))

    @classmethod
    def of(cls, ids: Sequence[tuple[str, str]], make: Callable[[int], Role], key: bytes) -> "Catalog":
        """A catalog whose roles are made when they are asked for: in one execution environment, most never are.

        Args:
            ids: name and ARN of each.
            make: makes a role, given its place among them.
            key: up to 64 bytes that no caller knows, the same in all environments of a deployment: it says which role
                stands in for one that is not there.
        """
        catalog = cls.__new__(cls)
        catalog._make = cache(make)
        catalog._index(ids, key)
        return catalog

    def _index(self, ids: Sequence[tuple[str, str]], key: bytes) -> None:
        self._key = key
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

    def role_or_stand_in(self, name_or_arn: str) -> tuple[Role | None, Role]:
        """The role of that catalog name or ARN, or None; and the role to ask about, so that both take as long.

        Where there is none, it is one of the others, always the same: of a role that is there, too, the second refusal
        is quicker. Callers cannot tell which, or they would warm it up under another name, and see.
        """
        if not self._count:
            return None, NOWHERE
        # Looked for in any case: it takes as long as a look-up.
        digest = hashlib.blake2b(name_or_arn.encode(), digest_size=8, key=self._key).digest()
        stand_in = int.from_bytes(digest) % self._count
        place = self._places.get(name_or_arn)
        return (None, self._make(stand_in)) if place is None else (self._make(place),) * 2
