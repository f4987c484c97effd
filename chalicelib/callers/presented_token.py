"""The token of an issuer, as records tell it: enough to find it at the issuer, and not the token itself."""

from typing import NamedTuple


class PresentedToken(NamedTuple):
    """A token whose signature is its issuer's. Records know each of these by its name here.

    Attributes:
        key_id: the `kid` of the key that it is signed with, or None.
        token_id: its `jti`, or None if it has none that a record could hold.
        token_hash: then, SHA-256 of the whole token, in 64 hexadecimal digits.
        token_issued, token_expires: its `iat` and `exp`, UTC (RFC 3339); None for what is no moment.
    """

    key_id: str | None
    token_id: str | None
    token_hash: str | None
    token_issued: str | None
    token_expires: str | None
