"""Which roles are there? The catalog, checked: what a request is matched with."""

import hashlib
import os
from collections.abc import Callable, Mapping
from functools import cache, cached_property

from chalicelib.aws.durations import CHAINED_SECONDS, MINIMUM_SECONDS
from chalicelib.roles.places import Places
from chalicelib.roles.role import Role

# Asked about where there is no role at all. No role has its name.
NOWHERE = Role(
    name="",
    arn="arn:aws:iam:::role/",
    description="",
    groups=(),
    default_duration=MINIMUM_SECONDS,
    max_duration=CHAINED_SECONDS,
    external_id=None,
    require_reason=False,
    source_identity=False,
    tag_session=False,
)


class Catalog:
    """The roles, found by name or ARN."""

    def __init__(self, roles: tuple[Role, ...]) -> None:
        """A catalog with a key of its own for stand-ins, drawn now."""
        self._make: Callable[[int], Role] = roles.__getitem__
        self._places = Places([(role.name, role.arn, ()) for role in roles], ())
        self._key = os.urandom(32)

    @classmethod
    def of(cls, places: Places, make: Callable[[int], Role], key: bytes) -> "Catalog":
        """A catalog whose roles are made when they are asked for: in one execution environment, most never are.

        Args:
            places: of the roles.
            make: makes a role, given its number among them.
            key: up to 64 bytes that no caller knows, the same in all environments of a deployment: it says which role
                stands in for one that is not there.
        """
        catalog = cls.__new__(cls)
        catalog._make = cache(make)
        catalog._places = places
        catalog._key = key
        return catalog

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        """All of them, in the order of the files."""
        return tuple(map(self._make, range(self._places.count)))

    def roles_in(self, account: str) -> tuple[Role, ...]:
        """Those of an account, by its id or its name; none where there is no such account."""
        return self._by_account.get(account, ())

    @cached_property
    def _by_account(self) -> Mapping[str, tuple[Role, ...]]:
        """Made for the first who asks for them so. No name is an id."""
        found: dict[str, list[Role]] = {}
        for role in self.roles:
            for account in {role.account, role.account_name} - {""}:
                found.setdefault(account, []).append(role)
        return {account: tuple(roles) for account, roles in found.items()}

    def find_role(self, name_or_arn: str) -> Role | None:
        """The role of that catalog name or ARN, or None."""
        place = self._places.find(name_or_arn)
        return None if place is None else self._make(place)

    def role_or_stand_in(self, name_or_arn: str) -> tuple[Role | None, Role]:
        """The role of that catalog name or ARN, or None; and the role to ask about, so that both take as long.

        Where there is none, it is one of the others, always the same: of a role that is there, too, the second refusal
        is quicker. Callers cannot tell which, or they would warm it up under another name, and see.
        """
        if not self._places.count:
            return None, NOWHERE
        # Looked for in any case: it takes as long as a look-up.
        digest = hashlib.blake2b(name_or_arn.encode(), digest_size=8, key=self._key).digest()
        stand_in = int.from_bytes(digest) % self._places.count
        place = self._places.find(name_or_arn)
        return (None, self._make(stand_in)) if place is None else (self._make(place),) * 2
