"""What STS reads to check credvend's tokens: two public documents.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html (what they must hold),
https://openid.net/specs/openid-connect-discovery-1_0.html, RFC 7517.
"""

from collections.abc import Iterable
from typing import Final

from chalicelib.signing.keys import Algorithm, SigningKey
from chalicelib.text.base64url import base64url

KEYS_PATH: Final = "/.well-known/jwks.json"
CONFIGURATION_PATH: Final = "/.well-known/openid-configuration"


def configuration_document(issuer: str, algorithms: Iterable[Algorithm]) -> dict[str, object]:
    """Who issues the tokens, and where the keys are."""
    return {
        "issuer": issuer,
        "jwks_uri": issuer + KEYS_PATH,
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(dict.fromkeys(algorithms)),
        "claims_supported": ["aud", "exp", "iat", "iss", "jti", "sub"],
    }


def keys_document(keys: Iterable[SigningKey]) -> dict[str, object]:
    """The public halves."""
    return {"keys": [_jwk(key) for key in keys]}


def _jwk(key: SigningKey) -> dict[str, object]:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    known: dict[str, object] = {"kid": key.id, "use": "sig", "alg": key.algorithm}
    public = load_der_public_key(key.der)
    if isinstance(public, RSAPublicKey):
        numbers = public.public_numbers()
        return known | {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    assert isinstance(public, EllipticCurvePublicKey)  # noqa: S101 keys.py lets no others through
    point = public.public_numbers()
    size = (public.curve.key_size + 7) // 8
    return known | {"kty": "EC", "crv": "P-256", "x": _number(point.x, size), "y": _number(point.y, size)}


def _number(value: int, size: int | None = None) -> str:
    """A number as key sets write it: base64url of its bytes, the largest first (RFC 7518, 2 and 6.2.1.2)."""
    length = (value.bit_length() + 7) // 8 if size is None else size
    return base64url(value.to_bytes(length, "big"))
