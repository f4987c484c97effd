"""Where secrets may be sent."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from credvend.errors import UsageError


def check_url(text: str, like: str = "https://EXAMPLE.execute-api.eu-west-1.amazonaws.com/api") -> SplitResult:
    """A URL that secrets may be sent to: https, or http on this computer alone.

    Args:
        like: an example of what it should be.

    Raises:
        UsageError: it is none.
    """
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    # Blanks and control characters could end the request line, and start another request.
    if host is None or re.search(r"[\x00-\x20\x7f]", text) or not text.isascii():
        raise UsageError(f"The URL is malformed; it must be like {like}.")
    if url.username is not None or url.password is not None:
        raise UsageError(f"The URL of {host} must hold no user and no password.")
    if url.scheme == "https" or (url.scheme == "http" and is_loopback(host)):
        return url
    raise UsageError(f"The URL of {host} must begin with https://, for secrets are sent there.")


def is_loopback(host: str) -> bool:
    """Whether a host is this computer, by its name alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
