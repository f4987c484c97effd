"""The tokens of a provider, and what their claims must say.

The claims of ID tokens are checked and their signatures are not: they come straight from the token endpoint, over TLS,
which Core 3.1.3.7 (6) takes for proof. (The service checks the signature of what it is sent.)
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from credvend.errors import AuthenticationError, ServiceError
from credvend.oidc.answers import seconds_of
from credvend.oidc.provider import Provider
from credvend.text.json_object import json_object

# Seconds that the provider's clock may differ from ours.
_SKEW = 300
# Seconds that a token is taken to live where nothing says it.
_UNKNOWN_LIFETIME = 300


@dataclass(frozen=True)
class Tokens:
    """What the token endpoint gave.

    Attributes:
        bearer: the token for the service: the access token if that is a JWT, else the ID token (as Google's are).
        expires: seconds since 1970 by this computer's clock.
        lifetime: seconds it had when it came.
        claims: of the ID token; empty if there is none.
    """

    bearer: str = field(repr=False)
    expires: float
    lifetime: float
    refresh_token: str | None = field(repr=False, default=None)
    claims: Mapping[str, Any] = field(repr=False, default_factory=dict)


def tokens_of(answer: Mapping[str, Any], provider: Provider, nonce: str | None) -> Tokens:
    """The tokens of an answer of the token endpoint.

    Args:
        nonce: what the ID token must answer to; None where none was sent.

    Raises:
        AuthenticationError: the ID token is not for this sign-in.
        ServiceError: the answer makes no sense.
    """
    now = time.time()
    if str(answer.get("token_type", "")).lower() != "bearer":
        raise ServiceError("The OpenID provider gave a token that is no bearer token.")
    access, identity, refresh = (
        answer.get(name) if isinstance(answer.get(name), str) else None
        for name in ("access_token", "id_token", "refresh_token")
    )
    if refresh is not None and not (refresh.isascii() and refresh.isprintable()):  # RFC 6749, A.17
        raise ServiceError("The OpenID provider gave a refresh token that is none.")
    claims = _id_claims(identity, provider, nonce, now) if identity else {}
    if nonce is not None and not claims:
        raise AuthenticationError("The OpenID provider gave no ID token; is the scope openid among scopes?")
    access_claims = jwt_claims(access or "")
    if access and (access_claims is not None or not identity):
        lifetime = _lifetime(answer.get("expires_in"), access_claims or {}, now)
        bearer = access
    elif identity:
        lifetime, bearer = _lifetime(None, claims, now), identity
    else:
        raise ServiceError("The OpenID provider's answer holds no token.")
    return Tokens(bearer, now + lifetime, lifetime, refresh, claims)


def _id_claims(token: str, provider: Provider, nonce: str | None, now: float) -> dict[str, Any]:
    """The claims of an ID token, once they are right: Core 3.1.3.7."""
    claims = jwt_claims(token)
    if claims is None:
        raise AuthenticationError("The OpenID provider's ID token is malformed.")
    audiences = claims.get("aud")
    several: list[Any] = audiences if isinstance(audiences, list) else [audiences]
    expires = claims.get("exp")
    wrong = None
    if claims.get("iss") != provider.issuer:
        wrong = "is of another issuer"
    elif provider.client_id not in several or claims.get("azp", provider.client_id) != provider.client_id:
        wrong = "is for another client"
    elif len(several) > 1 and "azp" not in claims:
        wrong = "is for several clients, and does not say for which"
    elif not isinstance(expires, (int, float)) or isinstance(expires, bool) or expires < now - _SKEW:
        wrong = "has expired; is this computer's clock right?"
    elif not isinstance(claims.get("sub"), str) or not claims["sub"]:
        wrong = "names nobody"
    elif nonce is not None and not secrets.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
        wrong = "answers another request"
    if wrong:
        raise AuthenticationError(f"The OpenID provider's ID token {wrong}.")
    return claims


def jwt_claims(token: str) -> dict[str, Any] | None:
    """What a JWT claims, unverified; None for anything that is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        return json_object(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None


def _lifetime(expires_in: object, claims: Mapping[str, Any], now: float) -> float:
    """Seconds that a token has to live, by this computer's clock: what is said of it, or what it says itself."""
    told = max(0.0, seconds_of(expires_in, _UNKNOWN_LIFETIME))
    issued, expires = seconds_of(claims.get("iat"), None), seconds_of(claims.get("exp"), None)
    if expires is None:
        return told
    # The provider's clock, by its own measure: ours may be set differently.
    own = max(0.0, expires - (now if issued is None else issued))
    return own if expires_in is None else min(told, own) if issued is not None else told
