"""How moments are written, for people and for machines."""

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """`2026-01-31T12:00:00Z`: UTC, whole seconds (RFC 3339).

    Args:
        moment: with a time zone.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
