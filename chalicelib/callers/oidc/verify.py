"""Who holds this token? OIDC ID tokens and JWT access tokens, verified.

PyJWT and cryptography are imported here and nowhere else: callers that sign with SigV4 do not wait for them.
https://www.rfc-editor.org/rfc/rfc8725 (JWT best current practices) is what the checks follow.
"""

import time
from collections.abc import Mapping
from dataclasses import replace

import jwt

from chalicelib.callers.oidc.claims import SignedClaims, check_claims, subject_of
from chalicelib.callers.oidc.issuer import Issuer, normal_type
from chalicelib.callers.oidc.issuer_keys import TrustedIssuer
from chalicelib.callers.oidc.jwt_format import UnverifiedToken, read_token
from chalicelib.callers.oidc.key_set import Jwk
from chalicelib.callers.oidc.token_id import one_use, presented_token
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.errors import InvalidToken, RefusedToken


def verify_token(token: str, trusted: Mapping[str, TrustedIssuer]) -> OidcSubject:
    """The holder of a token.

    Args:
        trusted: the issuers by their URL, `iss`.

    Raises:
        InvalidToken: the token proves nothing.
        IssuerUnavailable: the keys of its issuer cannot be had now.
    """
    unverified = read_token(token)
    found = _issuer(unverified, trusted)  # nothing is fetched for anybody else
    issuer = found.issuer
    try:
        _check_header(unverified, issuer)
        key = found.keys.key_for(unverified.key_id, unverified.algorithm)
        signed = _check_signature(token, key, unverified)
    except InvalidToken as refusal:
        raise refusal.of(RefusedToken(issuer.name, unverified.key_id)) from None
    presented = presented_token(token, unverified.key_id, signed)
    try:
        claims = check_claims(signed, issuer, time.time())
        return replace(subject_of(claims, issuer), token=presented, token_use=one_use(claims, issuer))
    except InvalidToken as refusal:
        raise refusal.of(RefusedToken(issuer.name, **presented._asdict())) from None


def _issuer(unverified: UnverifiedToken, trusted: Mapping[str, TrustedIssuer]) -> TrustedIssuer:
    url = unverified.claims.get("iss")
    found = trusted.get(url) if isinstance(url, str) else None
    if found is None:
        raise InvalidToken("The token's iss is not an issuer that credvend trusts.", "unknown_issuer")
    return found


def _check_header(unverified: UnverifiedToken, issuer: Issuer) -> None:
    if unverified.algorithm not in issuer.algorithms:
        raise InvalidToken(
            f"The token's alg is not one that issuer {issuer.name} may sign with.", "unsupported_algorithm"
        )
    media_type = unverified.media_type
    if (None if media_type is None else normal_type(media_type)) not in issuer.types:
        raise InvalidToken(f"The token's typ is not one that issuer {issuer.name} is trusted for.", "wrong_type")


def _check_signature(token: str, key: Jwk, unverified: UnverifiedToken) -> SignedClaims:
    """The claims, if the key has signed them."""
    algorithm = unverified.algorithm
    try:
        public = jwt.PyJWK(dict(key), algorithm=algorithm)
        # Only the signature: what is signed was read already, and claims.py says what must be in it.
        options = {"verify_signature": True, "enforce_minimum_key_length": True}
        jwt.PyJWS().decode(token, public, algorithms=[algorithm], options=options)  # type: ignore[arg-type]
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise InvalidToken("The token's signature is not that of its issuer.", "bad_signature") from None
    return SignedClaims(unverified.claims)
