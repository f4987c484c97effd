"""A stored API token, as operators are shown it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from chalicelib.callers.api_tokens.stored_token import StoredToken
from chalicelib.text.timestamps import rfc3339

# Long enough that somebody is there to rotate it.
ENDING_SOON_SECONDS: Final = 14 * 86_400
State = Literal["live", "revoked", "expired"]


def describe(stored: StoredToken, now: float) -> dict[str, object]:
    """A token as JSON, in the spelling of the API's answers. Neither token nor hash is in it.

    Args:
        now: seconds since 1970, UTC.
    """
    return {
        "Name": stored.name,
        "Id": stored.id,
        "State": state(stored, now),
        "Owner": stored.owner,
        "Created": moment(stored.created),
        "CreatedBy": stored.created_by,
        "Rotated": _moment(stored.rotated_at),
        "RotatedBy": stored.rotated_by,
        "Expires": moment(stored.expires),
        "Revoked": _moment(stored.revoked_at),
        "RevokedBy": stored.revoked_by,
        "LastUsed": _moment(stored.last_used),
        "Cidrs": [str(cidr) for cidr in stored.cidrs],
        "Tags": dict(stored.tags),
    }


def state(stored: StoredToken, now: float) -> State:
    """What a token is at a moment, in seconds since 1970, UTC."""
    if stored.is_live(now):
        return "live"
    # One may also be revoked that had expired.
    return "revoked" if stored.revoked_at is not None and stored.revoked_at < stored.expires else "expired"


def ending_within(tokens: Sequence[StoredToken], now: float, seconds: int) -> list[StoredToken]:
    """Those that end so soon, and whose holder has no other one that lasts longer: somebody has to rotate them."""
    live = [stored for stored in tokens if stored.is_live(now)]
    last = {stored.name: max(other.expires for other in live if other.name == stored.name) for stored in live}
    return [stored for stored in live if stored.expires == last[stored.name] and stored.expires - now <= seconds]


def _moment(seconds: int | None) -> str | None:
    return None if seconds is None else moment(seconds)


def moment(seconds: int) -> str:
    """Seconds since 1970, UTC, as people read them."""
    return rfc3339(datetime.fromtimestamp(seconds, UTC))
