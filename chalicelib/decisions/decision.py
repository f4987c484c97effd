"""What is decided, and on what it may depend."""

from datetime import datetime
from typing import NamedTuple

from chalicelib.roles.role import Role


class Circumstances(NamedTuple):
    """What a decision may depend on besides caller and role.

    Attributes:
        duration: seconds asked for.
        source_ip: the caller's address as API Gateway saw it.
        has_reason: whether the caller said why.
        time: now, with a time zone.
    """

    duration: int
    source_ip: str
    has_reason: bool
    time: datetime


class Decision(NamedTuple):
    """The answer, and the `@id`s of the policies that made it (none for a denial by default)."""

    allowed: bool
    policies: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class Permitted(NamedTuple):
    """A role that a caller may assume now.

    Attributes:
        longest_duration: seconds; without a reason, where none is required.
        reason_required: policy or catalog demands a reason.
    """

    role: Role
    longest_duration: int
    reason_required: bool
