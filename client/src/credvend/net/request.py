"""A request and its answer, as values. What they hold may be secret, so it is not in their `repr`."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """A request; its headers may hold secrets, so they are not in its `repr`.

    Attributes:
        retries: whether it may be sent again after a connection error, a 429 or a 5xx.
        once: it holds something that is good for one use, so that only a connection that could not be made is tried
            again; what may have been sent is not.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    retries: bool = True
    once: bool = False


@dataclass(frozen=True)
class Response:
    """An answer, whatever its status; its body may hold secrets.

    Attributes:
        headers: by lower-case name.
        received: when, in seconds since 1970 by this computer's clock.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received: float = 0.0


def date_of(text: str | None) -> float | None:
    """A moment of an HTTP header, in seconds since 1970; None if there is none."""
    try:
        return email.utils.parsedate_to_datetime(text or "").timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
