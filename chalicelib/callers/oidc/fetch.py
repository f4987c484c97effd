"""How JSON documents of an issuer are fetched: its discovery document and its keys."""

import http.client
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from chalicelib.callers.oidc.connection import Connection, Deadline
from chalicelib.text.strict_json import json_object

Fetch = Callable[[str, Deadline], dict[str, object]]

# What tells that a document could not be had.
TROUBLE: Final = (OSError, ValueError, http.client.HTTPException)
_MAXIMUM_BYTES: Final = 262_144
_CHUNK_BYTES: Final = 16_384
_HEADERS: Final = {"Accept": "application/json", "Connection": "close", "User-Agent": "credvend"}


class BadAnswer(ValueError):
    """The server answered, but not with a document.

    Attributes:
        status: of its answer.
        location: where it sends others to, if it does.
    """

    def __init__(self, status: int, location: str | None) -> None:
        super().__init__(f"answered {status}")
        self.status = status
        self.location = location


def fetch_json(url: str, deadline: Deadline) -> dict[str, object]:
    """GET a JSON object: no redirects, no retries, no proxies, at most 256 KiB. Nothing of it is left open.

    Raises:
        TROUBLE: it could not be had in time.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = Connection(parts.hostname or "", parts.port, parts.scheme == "https", deadline)
    try:
        connection.request("GET", target, headers=_HEADERS)
        with connection.getresponse() as answer:
            if answer.status != 200:
                raise BadAnswer(answer.status, answer.getheader("Location"))
            return json_object(_body(answer))
    finally:
        connection.close()


def _body(answer: http.client.HTTPResponse) -> bytes:
    body = bytearray()
    while chunk := answer.read1(_CHUNK_BYTES):
        body += chunk
        if len(body) > _MAXIMUM_BYTES:
            raise ValueError(f"answered more than {_MAXIMUM_BYTES} bytes")
    return bytes(body)
