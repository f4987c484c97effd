"""Which token does the request bring? The header `Authorization: Bearer ...` (RFC 6750, 2.1), once or not at all."""

import re
from collections.abc import Sequence

from chalicelib.errors import InvalidToken, MissingToken

# The scheme in any case (RFC 9110, 11.1), one space, and characters of the syntax b64token.
_B64TOKEN = r"([A-Za-z0-9._~+/-]+=*)"
_BEARER = re.compile(rf"bearer {_B64TOKEN}", re.ASCII | re.IGNORECASE)
_BEARER_OR_BARE = re.compile(rf"(?:bearer )?{_B64TOKEN}", re.ASCII | re.IGNORECASE)


def bearer_token(authorization: Sequence[str], bare: bool = False) -> str:
    """The token.

    Args:
        authorization: the values of all `Authorization` headers.
        bare: whether it may come without a scheme, as AWS SDKs send what AWS_CONTAINER_AUTHORIZATION_TOKEN holds.

    Raises:
        MissingToken: there is no such header.
        InvalidToken: more than one, or one that does not bring a bearer token.
    """
    if not authorization:
        raise MissingToken("Send a token: Authorization: Bearer TOKEN. With AWS credentials, call /v1/iam/... instead.")
    if len(authorization) > 1:
        raise InvalidToken("More than one Authorization header was sent.", "several_tokens")
    match = (_BEARER_OR_BARE if bare else _BEARER).fullmatch(authorization[0])
    if match is None:
        forms = "Bearer TOKEN, or TOKEN alone, without blanks" if bare else "Bearer TOKEN"
        raise InvalidToken(f"The Authorization header is not of the form: {forms}.", "wrong_scheme")
    return match[1]


def refuse_bearer(authorization: Sequence[str]) -> None:
    """On the routes for SigV4, where a bearer would be ignored: whoever sends one means something else.

    Raises:
        InvalidToken: there is a bearer token, or more than one header.
    """
    if len(authorization) > 1:
        raise InvalidToken("More than one Authorization header was sent.", "several_tokens")
    if any(value.lower().startswith("bearer") for value in authorization):
        raise InvalidToken("A bearer token is not taken under /v1/iam/: call /v1/... with it.", "wrong_scheme")
