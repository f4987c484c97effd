"""Keys that are listed but not for signing, and keys of one issuer that sign for another."""

from typing import Final

import pytest

from testing.app import Json
from testing.tokens import ec_key, ed_key, hmac_signed, honest_claims, honest_header, rsa_key, sign
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import OTHER, key, odd_keys
from tests.security.jwt.tokens import Make

ODD: Final = (
    *(
        "one for encryption",
        "one for other operations",
        "one of 1024 bits",
        "one for another algorithm",
        "one for PS256 alone",
    ),
    *("one of another type", "one on another curve by name", "one that is not on its curve"),
    *("one without its modulus", "one whose exponent is a number", "one with a list for a modulus"),
    *("a shared secret", "one whose name is a number"),
)


def odd_claims() -> Json:
    return honest_claims(iss="https://odd.example.com")


def test_every_odd_key_but_the_usual_one_is_tried() -> None:
    assert odd_keys().keys() - set(ODD) == {"one that is as it should be"}


@pytest.mark.parametrize("algorithm", [None, "PS256"])
def test_keys_beside_odd_ones_are_used(gate: Gate, algorithm: str | None) -> None:
    signer, _ = odd_keys()["one for PS256 alone" if algorithm else "one that is as it should be"]
    token = sign(odd_claims(), signer, honest_header(signer, alg=algorithm or signer.algorithm), algorithm)
    assert gate.present(token).status == 200


@pytest.mark.parametrize("name", each({name: name for name in ODD}))
def test_a_key_that_is_not_for_this_is_not_used(gate: Gate, name: str) -> None:
    """Though the signature is right, and the issuer itself lists the key."""
    signer, _ = odd_keys()[name]
    gate.assert_refused(sign(odd_claims(), signer))


def test_a_shared_secret_in_a_key_set_signs_nothing(gate: Gate) -> None:
    gate.assert_refused(hmac_signed(odd_claims(), b"s" * 32, {"alg": "HS256", "kid": "oct", "typ": "JWT"}))


CROSSED: Final[dict[str, Make]] = {
    "main's name, the other's key": lambda: sign(honest_claims(), rsa_key("rsa-1", OTHER)),
    "the other's name, main's key": lambda: sign(honest_claims(iss=OTHER, aud="others"), key()),
    "the other's name and main's second key": lambda: sign(honest_claims(iss=OTHER, aud="others"), rsa_key("rsa-2")),
    "the other's name and no kid": lambda: sign(honest_claims(iss=OTHER, aud="others"), key(), {"alg": "RS256"}),
    "the kid of a key that only another issuer has": lambda: sign(honest_claims(), ec_key("ec-384", curve="P-384")),
    "a key that only another issuer has": lambda: sign(honest_claims(), ed_key("ed-1")),
}


@pytest.mark.parametrize("make", each(CROSSED))
def test_a_key_of_one_issuer_does_not_speak_for_another(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())
