"""Base64url without padding (RFC 7515, 2): how tokens and key sets hold bytes."""

import base64


def base64url(content: bytes) -> str:
    """The one spelling that the bytes have."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
