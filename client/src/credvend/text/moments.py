"""Moments, as AWS writes them."""

from __future__ import annotations

from datetime import datetime, timezone


def parse_moment(text: str) -> datetime:
    """A moment as AWS writes it, `2026-11-24T20:58:26Z` or with an offset.

    Raises:
        ValueError: it is none.
    """
    moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment.astimezone(timezone.utc)


def moment_text(moment: datetime) -> str:
    """The reverse: in UTC, in whole seconds."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
