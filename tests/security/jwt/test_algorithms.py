"""Tokens that name no algorithm, or another one than their key's, their issuer's or their signature's."""

from collections.abc import Callable
from typing import Final

import pytest

from testing.tokens import ABSENT, Key, ec_key, ed_key, honest_claims, honest_header, sign
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import ALGORITHMS, curve_key, key
from tests.security.jwt.tokens import Make, every_claims, signed_with

NONE: Final[dict[str, object]] = {
    "none": "none",
    "None": "None",
    "NONE": "NONE",
    "nOnE": "nOnE",
    "none and a space": "none ",
    "empty": "",
    "missing": ABSENT,
    "null": None,
    "a list with none": ["none"],
    "a list with the honest one": ["RS256"],
    "a number": 0,
    "false": False,
    "an object": {"RS256": True},
}


@pytest.mark.parametrize("ending", each({"empty signature": 0, "no signature": 1, "honest signature": 2}))
@pytest.mark.parametrize("alg", each(NONE))
def test_a_token_that_says_it_is_unsigned_is_refused(gate: Gate, alg: object, ending: int) -> None:
    token = sign(honest_claims(), key(), honest_header(key(), alg=alg))
    unsigned = token.rpartition(".")[0]
    gate.assert_refused((f"{unsigned}.", unsigned, token)[ending])


# Each is one that some key of the issuer can sign with, and that the issuer is not trusted with.
UNLISTED: Final = ("RS384", "RS512", "PS256", "PS384", "PS512")


@pytest.mark.parametrize("alg", UNLISTED)
def test_an_algorithm_that_is_not_the_issuers_is_refused_though_its_key_fits(gate: Gate, alg: str) -> None:
    gate.assert_refused(sign(honest_claims(), key(), honest_header(key(), alg=alg), alg))


def sign_as(alg: object, signer: Callable[[], Key], kid: str | None = None, algorithm: str | None = None) -> Make:
    """A token whose header names an algorithm and a key, and which is signed with what is given."""
    return lambda: sign(honest_claims(), signer(), honest_header(signer(), alg=alg, kid=kid or signer().kid), algorithm)


ALGORITHM: Final[dict[str, Make]] = {
    "RS256 with the kid of an EC key": sign_as("RS256", key, "ec-1"),
    "ES256 with the kid of an RSA key": sign_as("ES256", curve_key, "rsa-1"),
    "RS256 signed with an EC key": sign_as("RS256", curve_key),
    "ES256 signed with an RSA key": sign_as("ES256", key),
    "ES384 with a key on P-256": sign_as("ES384", curve_key, algorithm="ES384"),
    "EdDSA signed with an RSA key": sign_as("EdDSA", key),
    "EdDSA of a key that is not the issuer's": sign_as("EdDSA", lambda: ed_key("ed-1")),
    "RS256 signed as PS256": sign_as("RS256", key, algorithm="PS256"),
    "RS256 signed as RS512": sign_as("RS256", key, algorithm="RS512"),
    "ES256 signed with SHA-384": sign_as("ES256", curve_key, algorithm="ES384"),
    "lower case": sign_as("rs256", key),
    "mixed case": sign_as("Rs256", key),
    "a space after it": sign_as("RS256 ", key),
    "a space before it": sign_as(" RS256", key),
    "a NUL after it": sign_as("RS256\x00", key),
    "a look-alike": sign_as("\u0280S256", key),
    "wide digits": sign_as("RS\uff12\uff15\uff16", key),
    "half of a surrogate pair": sign_as("\ud800", key),
    "RS1": sign_as("RS1", key),
    "RSA-OAEP": sign_as("RSA-OAEP", key),
    "dir": sign_as("dir", key),
    "ES256K": sign_as("ES256K", curve_key),
    "Ed25519": sign_as("Ed25519", key),
    "a long one": sign_as("RS256" * 500, key),
}


@pytest.mark.parametrize("make", each(ALGORITHM))
def test_a_token_with_another_algorithm_than_its_key_and_issuer_is_refused(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())


@pytest.mark.parametrize("claimed", ALGORITHMS)
@pytest.mark.parametrize("signed", ["RS256", "PS256", "ES256", "EdDSA"])
def test_no_signature_passes_for_one_of_another_algorithm(gate: Gate, signed: str, claimed: str) -> None:
    """Not even at an issuer that is trusted with all of them."""
    if signed == claimed:
        assert gate.present(signed_with(signed)).status == 200
        return
    signer = {"E": curve_key() if signed == "ES256" else ed_key("ed-1")}.get(signed[0], key())
    gate.assert_refused(sign(every_claims(), signer, honest_header(signer, alg=claimed), signed))


@pytest.mark.parametrize(
    ("signer", "alg"),
    [("P-256", "ES384"), ("P-256", "ES512"), ("P-384", "ES256"), ("P-384", "ES512"), ("P-521", "ES256")],
)
def test_a_curve_goes_with_one_hash_alone(gate: Gate, signer: str, alg: str) -> None:
    """At an issuer that is trusted with all, and with a signature that is right for the curve and the hash."""
    curve = {"P-256": curve_key(), "P-384": ec_key("ec-384", curve="P-384"), "P-521": ec_key("ec-521", curve="P-521")}
    gate.assert_refused(sign(every_claims(), curve[signer], honest_header(curve[signer], alg=alg), alg))
