"""How moments are written, for people and for machines."""

from datetime import UTC, datetime
from typing import Final

# The last that RFC 3339 can write, 9999-12-31T23:59:59Z, in seconds since 1970. Milliseconds are beyond it.
LATEST_SECONDS: Final = 253_402_300_799


def rfc3339(moment: datetime) -> str:
    """`2026-01-31T12:00:00Z`: UTC, whole seconds (RFC 3339).

    Args:
        moment: with a time zone.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(seconds: object) -> str | None:
    """The same of seconds since 1970, UTC; None: they are no such moment."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LATEST_SECONDS:
        return None
    return rfc3339(datetime.fromtimestamp(seconds, UTC))
