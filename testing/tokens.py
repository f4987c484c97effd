"""Keys, key sets and tokens, written on `cryptography` alone: what is malformed on purpose can be made, too."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from functools import cache
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

Json = dict[str, object]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

ISSUER: Final = "https://id.example.com"
AUDIENCE: Final = "credvend"
SUBJECT: Final = "alice@example.com"
ABSENT: Final = object()
"""Instead of a value: the claim or header parameter is left out."""

_HASHES: Final[dict[str, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}
_CURVES: Final[dict[str, type[ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1]]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}


@dataclass(frozen=True)
class Key:
    """A private key of an issuer.

    Attributes:
        algorithm: what `sign` uses unless told otherwise.
    """

    kid: str
    private: PrivateKey
    algorithm: str

    @property
    def public_jwk(self) -> Json:
        """The public key as it stands in a key set; without `alg`, so that each algorithm of the type may use it."""
        named: Json = {"kid": self.kid, "use": "sig"}
        match self.private:
            case rsa.RSAPrivateKey():
                public = self.private.public_key().public_numbers()
                return named | {"kty": "RSA", "n": _number(public.n), "e": _number(public.e)}
            case ec.EllipticCurvePrivateKey():
                point = self.private.public_key().public_numbers()
                size = _size(self.private)
                curve = f"P-{self.private.curve.key_size}"
                return named | {"kty": "EC", "crv": curve, "x": _number(point.x, size), "y": _number(point.y, size)}
        return named | {"kty": "OKP", "crv": "Ed25519", "x": encode(self.private.public_key().public_bytes_raw())}


@cache
def rsa_key(kid: str, owner: str = ISSUER, bits: int = 2048) -> Key:
    """An RSA key; the same at each call, for making one takes long."""
    return Key(kid, rsa.generate_private_key(65537, bits), "RS256")


@cache
def ec_key(kid: str, owner: str = ISSUER, curve: str = "P-256") -> Key:
    """A key on a NIST curve; the same at each call."""
    algorithms = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
    return Key(kid, ec.generate_private_key(_CURVES[curve]()), algorithms[curve])


@cache
def ed_key(kid: str, owner: str = ISSUER) -> Key:
    """An Ed25519 key; the same at each call."""
    return Key(kid, ed25519.Ed25519PrivateKey.generate(), "EdDSA")


def key_set(*keys: Key) -> Json:
    """A JWKS document."""
    return {"keys": [key.public_jwk for key in keys]}


def honest_claims(**changes: object) -> Json:
    """What an honest issuer says of an honest subject now; with changes, which may be `ABSENT`."""
    now = int(time.time())
    claims: Json = {"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 600}
    return _changed(claims, changes)


def honest_header(key: Key, **changes: object) -> Json:
    """The header of an honest token signed with a key; with changes, which may be `ABSENT`."""
    return _changed({"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}, changes)


def sign(claims: object, key: Key, header: object = None, algorithm: str | None = None) -> str:
    """A token with a valid signature, whatever it says.

    Args:
        claims: a JSON value, or the bytes of the payload.
        header: a JSON value, or the bytes of the header, or None for an honest one. What it says of the algorithm is
            not looked at.
        algorithm: what to sign with, if not with the key's own.
    """
    head = honest_header(key) if header is None else header
    return sign_input(f"{encode(document(head))}.{encode(document(claims))}", key, algorithm)


def sign_input(signing_input: str, key: Key, algorithm: str | None = None) -> str:
    """A token of an encoded header and payload, and a valid signature over them, be they what they may."""
    return f"{signing_input}.{encode(signature(signing_input.encode('utf-8', 'surrogatepass'), key, algorithm))}"


def signature(signed: bytes, key: Key, algorithm: str | None = None) -> bytes:
    """The signature of JWS (https://www.rfc-editor.org/rfc/rfc7518#section-3)."""
    name = algorithm or key.algorithm
    match key.private:
        case rsa.RSAPrivateKey():
            digest = _HASHES[name[2:]]()
            if name.startswith("PS"):
                pss = padding.PSS(padding.MGF1(digest), salt_length=digest.digest_size)
                return key.private.sign(signed, pss, digest)
            return key.private.sign(signed, padding.PKCS1v15(), digest)
        case ec.EllipticCurvePrivateKey():
            size = _size(key.private)
            r, s = decode_dss_signature(ecdsa_der(signed, key, name))
            return r.to_bytes(size) + s.to_bytes(size)
    return key.private.sign(signed)


def ecdsa_der(signed: bytes, key: Key, algorithm: str | None = None) -> bytes:
    """The signature as X.509 writes it, and JWS does not."""
    assert isinstance(key.private, ec.EllipticCurvePrivateKey)
    return key.private.sign(signed, ec.ECDSA(_HASHES[(algorithm or key.algorithm)[2:]]()))


def hmac_signed(claims: object, secret: bytes, header: Json) -> str:
    """A token signed with HS256, HS384 or HS512, as its header says."""
    signing_input = f"{encode(document(header))}.{encode(document(claims))}"
    bits = str(header["alg"])[2:]
    return f"{signing_input}.{encode(hmac.digest(secret, signing_input.encode(), getattr(hashlib, f'sha{bits}')))}"


def document(value: object) -> bytes:
    """JSON as issuers write it; bytes as they are."""
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def encode(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """The reverse of `encode`."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _changed(values: Json, changes: Json) -> Json:
    return {name: value for name, value in (values | changes).items() if value is not ABSENT}


def _size(private: ec.EllipticCurvePrivateKey) -> int:
    return (private.curve.key_size + 7) // 8


def _number(number: int, size: int | None = None) -> str:
    return encode(number.to_bytes(size or (number.bit_length() + 7) // 8))
