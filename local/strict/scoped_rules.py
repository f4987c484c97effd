"""What STS refuses of GetScopedCredentials, beside what its model says.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetScopedCredentials.html. Of its errors that page has the
codes; the words are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from local.strict.refusal import Refusal

LAYERS: Final = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose credentials the request is signed with.

    Attributes:
        expires: seconds since 1970, UTC; None: never, they are no session's.
        layers: scope down policies that hold for it.
    """

    expires: float | None
    layers: int = 0


def check_scoped(members: Mapping[str, object], subject: Subject, now: float) -> Refusal | None:
    """What STS refuses, or None.

    Args:
        members: of the request; numbers may be text.
        now: seconds since 1970, UTC.
    """
    if subject.expires is None:
        return Refusal("InvalidSubjectCredentials", "GetScopedCredentials takes the credentials of sessions alone")
    if members.get("Policy") is None and members.get("DurationSeconds") is None:
        return Refusal("ValidationError", "At least one of Policy or DurationSeconds must be specified")
    if members.get("Policy") is not None and subject.layers >= LAYERS:
        # "is denied": the members of the answer, on that page.
        message = f"The session has {LAYERS} scope down policies already, and can have no more"
        return Refusal("AccessDenied", message, 403)
    if expiry(members, subject.expires, now) > subject.expires:
        return Refusal("InsufficientSessionLifetime", "The calling session ends before the requested duration is over")
    return None


def expiry(members: Mapping[str, object], ends: float, now: float) -> float:
    """When the scoped session ends, in seconds since 1970.

    Args:
        ends: of the calling session, which it inherits where no duration is asked for.
    """
    asked = members.get("DurationSeconds")
    return ends if asked is None else now + int(str(asked))
