"""Tokens signed with a keyed hash, whose secret is something that everybody knows: the public key."""

import json
from typing import Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from testing.tokens import (
    Key,
    decode,
    document,
    ec_key,
    hmac_signed,
    honest_claims,
    honest_header,
    key_set,
    rsa_key,
    sign,
)
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import curve_key, key


def public_forms() -> dict[str, tuple[Key, bytes]]:
    """What is known of a public key, in each form that a library might take for a secret."""
    forms: dict[str, tuple[Key, bytes]] = {}
    for kind, public in (("RSA", key()), ("EC", curve_key())):
        read = public.private.public_key()
        jwk = public.public_jwk
        pem = read.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        forms |= {
            f"{kind} PEM": (public, pem),
            f"{kind} PEM without its last line end": (public, pem.strip()),
            f"{kind} DER": (public, read.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
            f"{kind} JWK": (public, document(jwk)),
            f"{kind} JWK with spaces": (public, json.dumps(jwk).encode()),
        }
    numbers = key().public_jwk
    point = curve_key().public_jwk
    public_rsa = key().private.public_key()
    forms |= {
        "RSA PKCS1 PEM": (key(), public_rsa.public_bytes(Encoding.PEM, PublicFormat.PKCS1)),
        "RSA modulus": (key(), decode(str(numbers["n"]))),
        "RSA modulus in base64url": (key(), str(numbers["n"]).encode()),
        "EC point": (curve_key(), b"\x04" + decode(str(point["x"])) + decode(str(point["y"]))),
        "EC coordinate": (curve_key(), decode(str(point["x"]))),
        "key set": (key(), document(key_set(key(), rsa_key("rsa-2"), curve_key(), ec_key("ec-2")))),
        "name of the key": (key(), key().kid.encode()),
        "nothing": (key(), b""),
    }
    return forms


FORMS: Final = [
    *(f"{kind} {form}" for kind in ("RSA", "EC") for form in ("PEM", "PEM without its last line end", "DER", "JWK")),
    *("RSA JWK with spaces", "EC JWK with spaces", "RSA PKCS1 PEM", "RSA modulus", "RSA modulus in base64url"),
    *("EC point", "EC coordinate", "key set", "name of the key", "nothing"),
]


def test_every_form_of_a_public_key_is_tried_as_a_secret() -> None:
    assert set(FORMS) == public_forms().keys()


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", each({form: form for form in FORMS}))
def test_a_public_key_is_not_a_secret_to_sign_with(gate: Gate, form: str, alg: str) -> None:
    public, secret = public_forms()[form]
    gate.assert_refused(hmac_signed(honest_claims(), secret, honest_header(public, alg=alg)))


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_a_keyed_hash_is_no_signature_whatever_the_header_calls_it(gate: Gate, alg: str) -> None:
    public = key() if alg == "RS256" else curve_key()
    pem = public.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    hashed = hmac_signed(honest_claims(), pem, {"alg": "HS256"}).rpartition(".")[2]
    honest = sign(honest_claims(), public).rpartition(".")[0]
    gate.assert_refused(f"{honest}.{hashed}")
