"""A stored API token, as operators are shown it."""

from datetime import UTC, datetime
from typing import Literal

from chalicelib.callers.api_tokens.stored_token import StoredToken
from chalicelib.text.timestamps import rfc3339

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
        "Expires": moment(stored.expires),
        "Revoked": None if stored.revoked_at is None else moment(stored.revoked_at),
        "LastUsed": None if stored.last_used is None else moment(stored.last_used),
        "Cidrs": [str(cidr) for cidr in stored.cidrs],
        "Tags": dict(stored.tags),
    }


def state(stored: StoredToken, now: float) -> State:
    """What a token is at a moment, in seconds since 1970, UTC."""
    if stored.is_live(now):
        return "live"
    return "expired" if stored.revoked_at is None else "revoked"


def moment(seconds: int) -> str:
    """Seconds since 1970, UTC, as people read them."""
    return rfc3339(datetime.fromtimestamp(seconds, UTC))
