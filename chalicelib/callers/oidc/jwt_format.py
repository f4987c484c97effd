"""What does a token say, before anybody has vouched for it? JWTs in compact form (RFC 7519, RFC 7515), read strictly.

Everything that two readers could read in two ways is refused: only then is what was signed what is acted on.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from chalicelib.errors import InvalidToken
from chalicelib.text.base64url import base64url
from chalicelib.text.printable import is_printable_line
from chalicelib.text.strict_json import NotStrictJson, json_object

MAXIMUM_TOKEN_CHARACTERS: Final = 8192
# Whose it is cannot be said without reading it. Entra's are the ones that grow so long:
# https://learn.microsoft.com/en-us/entra/identity/hybrid/connect/how-to-connect-fed-group-claims
_TOO_LONG: Final = (
    f"The token is longer than {MAXIMUM_TOKEN_CHARACTERS} characters: most likely, it lists too many groups. In "
    "Microsoft Entra ID, that is so from some 130 groups on: have only groups that are assigned to the application put "
    "into its tokens, or use app roles."
)
_MAXIMUM_KEY_ID_CHARACTERS: Final = 256
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# A token that brings its own key or that changes how it is to be read (RFC 7515, 4.1; RFC 7797).
_REFUSED_HEADERS: Final = ("crit", "b64", "jku", "jwk", "x5u", "x5c")


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """What a token says. Nobody has checked its signature.

    Attributes:
        algorithm: `alg`.
        key_id: `kid`, or None.
        media_type: `typ`, or None.
        claims: the payload.
    """

    algorithm: str
    key_id: str | None
    media_type: str | None
    claims: dict[str, object]


def read_token(token: str) -> UnverifiedToken:
    """Read a token.

    Raises:
        InvalidToken: it is not exactly a signed JWT in compact form.
    """
    if len(token) > MAXIMUM_TOKEN_CHARACTERS:
        raise InvalidToken(_TOO_LONG, "malformed")
    segments = token.split(".")
    if len(segments) != 3:
        raise InvalidToken("The token is not a signed JWT: it must have three parts.", "malformed")
    header = _object(segments[0], "header")
    claims = _object(segments[1], "payload")
    _decoded(segments[2], "signature")
    for name in _REFUSED_HEADERS:
        if name in header:
            raise InvalidToken(f"The token's header has {name}, which is never taken.", "malformed")
    if "cty" in header:
        raise InvalidToken("The token's header has cty: nested tokens are not taken.", "malformed")
    algorithm, key_id, media_type = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or ("typ" in header and not (isinstance(media_type, str) and media_type)):
        raise InvalidToken("The token's header must have alg as a string, and typ, if at all.", "malformed")
    if "kid" in header and not (isinstance(key_id, str) and _is_key_id(key_id)):
        raise InvalidToken("The token's header has a kid that is not a short string.", "malformed")
    return UnverifiedToken(
        algorithm=algorithm,
        key_id=key_id if isinstance(key_id, str) else None,
        media_type=media_type if isinstance(media_type, str) else None,
        claims=claims,
    )


def _is_key_id(text: str) -> bool:
    return 0 < len(text) <= _MAXIMUM_KEY_ID_CHARACTERS and is_printable_line(text)  # it goes into the log


def _object(segment: str, part: str) -> dict[str, object]:
    try:
        return json_object(_decoded(segment, part))
    except NotStrictJson as error:
        raise InvalidToken(f"The token's {part} {error}.", "malformed") from None


def _decoded(segment: str, part: str) -> bytes:
    """Base64url without padding (RFC 7515, 2), in the one spelling that the bytes have."""
    try:
        if _SEGMENT.fullmatch(segment) is None:
            raise ValueError
        decoded = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
        if base64url(decoded) != segment:
            raise ValueError
    except (ValueError, binascii.Error):
        raise InvalidToken(f"The token's {part} is not base64url.", "malformed") from None
    return decoded
