"""What is decided, and on what it may depend."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from chalicelib.roles.role import Role

ATTRIBUTES: Final = frozenset({"format", "local", "narrowed", "params", "reason", "tags"})
"""Those of the context that need not be told (context.py); duration, source_ip, has_reason and time always are."""


class Circumstances(NamedTuple):
    """What a decision may depend on besides caller and role.

    Attributes:
        duration: seconds asked for.
        source_ip: the caller's address as API Gateway saw it.
        has_reason: whether the caller said why.
        time: now, with a time zone.
        reason: what the caller said.
        params: values for the role's templates, by their names, its defaults included.
        tags: session tags that the caller wants to set.
        narrowed: whether the caller sent a policy that narrows the session.
        format: in which the credentials are handed out.
    """

    duration: int
    source_ip: str
    has_reason: bool
    time: datetime
    reason: str | None = None
    params: Mapping[str, str] = MappingProxyType({})
    tags: Mapping[str, str] = MappingProxyType({})
    narrowed: bool = False
    format: str = "json"


class Decision(NamedTuple):
    """The answer, and the `@id`s of the policies that made it (none for a denial by default)."""

    allowed: bool
    policies: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class NearPermits(NamedTuple):
    """The `@id`s of policies that would have let a caller in, had one thing been different. Some of them: see `more`.

    Attributes:
        condition: their scope fits caller and role; their conditions do not hold.
        resource: they name the caller, and other roles.
        principal: they name the role, and other callers.
        more: how many there are besides.
    """

    condition: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    principal: tuple[str, ...] = ()
    more: int = 0


class Permitted(NamedTuple):
    """A role that a caller may assume now.

    Attributes:
        longest_duration: seconds; without a reason, where none is required.
        reason_required: policy or catalog demands a reason.
    """

    role: Role
    longest_duration: int
    reason_required: bool
