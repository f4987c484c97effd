"""A signed token (JWT, RFC 7519), in its compact form (RFC 7515, 7.1)."""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from chalicelib.signing.keys import KeyRing, SigningFailed, SigningKey
from chalicelib.text.base64url import base64url

# Bytes of each of the two numbers of an ES256 signature: RFC 7518, 3.4.
_P256_BYTES: Final = 32


def signed_token(claims: Mapping[str, object], keys: KeyRing) -> tuple[str, SigningKey]:
    """The token that says this, and the key that it is signed with.

    Raises:
        SigningFailed: KMS signs nothing.
    """
    for _ in range(2):  # the second time where the keys were exchanged a moment ago
        key = keys.signing()
        header = {"alg": key.algorithm, "kid": key.id, "typ": "JWT"}
        signed = f"{_part(header)}.{_part(claims)}"
        signature = keys.sign(key, hashlib.sha256(signed.encode()).digest())
        if signature is not None:
            raw = signature if key.algorithm == "RS256" else _joined(signature)
            return f"{signed}.{base64url(raw)}", key
    raise SigningFailed("the keys were exchanged twice")


def _joined(signature: bytes) -> bytes:
    """An ECDSA signature as tokens have it, from KMS's (RFC 3279, 2.2.3).

    Raises:
        SigningFailed: it is none.
    """
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature  # slow to import; RS256 needs none

    try:
        first, second = decode_dss_signature(signature)
        return first.to_bytes(_P256_BYTES, "big") + second.to_bytes(_P256_BYTES, "big")
    except (ValueError, OverflowError):
        raise SigningFailed("the signature cannot be read") from None


def _part(value: Mapping[str, object]) -> str:
    return base64url(json.dumps(value, separators=(",", ":")).encode())
