"""A web identity token as STS reads it: a signed JWT, its key found in a key set, its times checked by STS's own clock.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html (WebIdentityToken: algorithms),
RFC 7515 (signatures), RFC 7518 (algorithms and keys), RFC 7519 (claims). STS takes no token that is not signed.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from local.strict.refusal import Refusal

Json = Mapping[str, object]
# How far the token's `iat` may lie ahead. STS's own number is not known: AWS takes requests that are 5 minutes off.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
AHEAD_SECONDS: Final = 300
# AWS's words, as people report them: https://github.com/aws/aws-cli/issues/7194 (with both spaces)
NO_KEY: Final = Refusal(
    "InvalidIdentityToken",
    "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity "
    "documentation for requirements",
)
# From memory.
NO_TOKEN: Final = Refusal(
    "InvalidIdentityToken",
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
)
# https://github.com/aws/aws-sdk-ruby/issues/2698, https://github.com/aws-actions/configure-aws-credentials/issues/502
_REQUIRED: Final = ("iss", "sub", "aud", "exp", "iat")
# RFC 7518, 3.3: shorter ones are not for signatures.
_RSA_BITS: Final = 2048


class _Algorithm(NamedTuple):
    """Attributes: curve: None for RSA; size: of the curve's numbers, bytes (RFC 7518, 3.4)."""

    hash: hashes.HashAlgorithm
    curve: ec.EllipticCurve | None = None
    name: str = ""
    size: int = 0


_ALGORITHMS: Final[Mapping[str, _Algorithm]] = {
    "RS256": _Algorithm(hashes.SHA256()),
    "RS384": _Algorithm(hashes.SHA384()),
    "RS512": _Algorithm(hashes.SHA512()),
    "ES256": _Algorithm(hashes.SHA256(), ec.SECP256R1(), "P-256", 32),
    "ES384": _Algorithm(hashes.SHA384(), ec.SECP384R1(), "P-384", 48),
    "ES512": _Algorithm(hashes.SHA512(), ec.SECP521R1(), "P-521", 66),
}


@dataclass(frozen=True, slots=True)
class Token:
    """A token that can be read; nothing of it is verified.

    Attributes:
        signed: what the signature is of.
    """

    header: Json
    claims: Json
    signed: bytes
    signature: bytes


def read_token(text: str) -> Token | None:
    """The token, or None: it is none that STS takes."""
    parts = text.split(".")
    try:
        header, claims, signature = (_decoded(part) for part in parts)
        token = Token(_object(header), _object(claims), f"{parts[0]}.{parts[1]}".encode("ascii"), signature)
    except (ValueError, RecursionError):
        return None
    # An extension that must be understood (RFC 7515, 4.1.11) is none that we understand.
    algorithm = token.header.get("alg")
    known = isinstance(algorithm, str) and algorithm in _ALGORITHMS
    return token if known and "crit" not in token.header else None


def check_claims(claims: Json) -> Refusal | None:
    """What STS says of claims that are not there, or not what they have to be; or None."""
    for name in _REQUIRED:
        if claims.get(name) in (None, "", []):
            return Refusal("InvalidIdentityToken", f"Missing a required claim: {name}")
    texts = all(isinstance(claims[name], str) for name in ("iss", "sub"))
    # "Timestamps in the token must be formatted as either an integer or a long integer": the API's reference, above.
    times = all(type(claims[name]) is int for name in ("exp", "iat", "nbf") if name in claims)
    return None if texts and times else NO_TOKEN


def check_times(claims: Json, now: float) -> Refusal | None:
    """What STS says of the token's times, by its own clock, or None.

    Args:
        now: seconds since 1970, UTC.
    """
    expires, issued = cast(int, claims["exp"]), cast(int, claims["iat"])
    if now >= expires:
        # AWS's words, as people report them: https://github.com/aws/aws-sdk-java-v2/issues/5709
        return Refusal(
            "ExpiredTokenException",
            f"Token expired: current date/time {int(now)} must be before the expiration date/time {expires}",
        )
    if max(issued, cast(int, claims.get("nbf", issued))) > now + AHEAD_SECONDS:
        # Our words.
        return Refusal("InvalidIdentityToken", "The token was issued in the future")
    return None


def find_key(token: Token, keys: Sequence[Json]) -> Json | None:
    """The one key that the token names, or None."""
    kid = token.header.get("kid")
    named = [key for key in keys if isinstance(kid, str) and kid and key.get("kid") == kid]
    return named[0] if len(named) == 1 else None


def check_signature(token: Token, key: Json) -> Refusal | None:
    """What STS says of a signature that is not this key's, or None.

    Args:
        key: public, as key sets hold it (RFC 7517).
    """
    name = str(token.header["alg"])
    algorithm = _ALGORITHMS[name]
    if key.get("alg", name) != name or key.get("use", "sig") != "sig":
        return _not_by_the_key()
    try:
        if algorithm.curve is None:
            rsa_key = _rsa_key(key)
            rsa_key.verify(token.signature, token.signed, padding.PKCS1v15(), algorithm.hash)
        else:
            ec_key = _ec_key(key, algorithm)
            ec_key.verify(_joined(token.signature, algorithm.size), token.signed, ec.ECDSA(algorithm.hash))
    except (InvalidSignature, ValueError, KeyError):
        return _not_by_the_key()
    return None


def _not_by_the_key() -> Refusal:
    # Our words: AWS's are not known.
    return Refusal("InvalidIdentityToken", "The token's signature is not by the key that it names")


def _rsa_key(key: Json) -> rsa.RSAPublicKey:
    if key["kty"] != "RSA":
        raise ValueError("another kind of key")
    public = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
    if public.key_size < _RSA_BITS:
        raise ValueError("a short key")
    return public


def _ec_key(key: Json, algorithm: _Algorithm) -> ec.EllipticCurvePublicKey:
    if key["kty"] != "EC" or key["crv"] != algorithm.name or algorithm.curve is None:
        raise ValueError("another kind of key")
    return ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), algorithm.curve).public_key()


def _joined(signature: bytes, size: int) -> bytes:
    """An ECDSA signature as `cryptography` takes it, from a token's: RFC 7518, 3.4."""
    if len(signature) != 2 * size:
        raise ValueError("another form of signature")
    return encode_dss_signature(int.from_bytes(signature[:size]), int.from_bytes(signature[size:]))


def _number(text: object) -> int:
    return int.from_bytes(_decoded(str(text)))


def _decoded(part: str) -> bytes:
    """Base64url with no padding, in its one form.

    Raises:
        ValueError: it is none.
    """
    if re.fullmatch(r"[A-Za-z0-9_-]+", part, re.ASCII) is None:
        raise ValueError("no base64url")
    try:
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise ValueError("no base64url") from None
    if not hmac.compare_digest(base64.urlsafe_b64encode(decoded).rstrip(b"=").decode(), part):
        raise ValueError("bits that say nothing")
    return decoded


def _object(text: bytes) -> Json:
    """A JSON object that says nothing twice.

    Raises:
        ValueError: it is none.
    """
    parsed = json.loads(text.decode("utf-8"), object_pairs_hook=_once)
    if not isinstance(parsed, dict):
        raise ValueError("no object")
    return parsed


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("a name is there twice")
    return read
