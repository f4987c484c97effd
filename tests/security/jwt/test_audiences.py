"""The `aud` claim: tokens for somebody else."""

from typing import Final

import pytest

from testing.tokens import ABSENT, AUDIENCE, honest_claims, honest_header, rsa_key, sign
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import OTHER, attacker, key
from tests.security.jwt.tokens import plain

AUD: Final[dict[str, object]] = {
    "another": "else",
    "of another issuer": "others",
    "of another issuer, in a list": ["others"],
    "of the same issuer's neighbour": "second",
    "the start of it": "cred",
    "the end of it": "vend",
    "it and more": "credvend2",
    "a word of it": "credvend other",
    "comma-joined": "credvend,other",
    "upper case": "Credvend",
    "a slash after it": "credvend/",
    "a URL": "https://credvend",
    "a space before it": " credvend",
    "a space after it": "credvend ",
    "a NUL after it": "credvend\x00",
    "a line end after it": "credvend\n",
    "wide letters": "\uff43redvend",
    "a star": "*",
    "half of a surrogate pair": "\ud800",
    "its letters": list("credvend"),
    "empty": "",
    "an empty list": [],
    "a list with nothing in it": [""],
    "a list in a list": [["credvend"]],
    "a list beside the right one": ["credvend", ["else"]],
    "a number beside the right one": ["credvend", 7],
    "null beside the right one": ["credvend", None],
    "an object beside the right one": [{}, "credvend"],
    "an object": {"credvend": True},
    "an object in a list": [{"credvend": "credvend"}],
    "JSON": '["credvend"]',
    "a number": 7,
    "zero": 0,
    "true": True,
    "null": None,
    "missing": ABSENT,
}


@pytest.mark.parametrize("aud", each(AUD))
def test_a_token_for_somebody_else_is_refused(gate: Gate, aud: object) -> None:
    gate.assert_refused(plain(aud=aud)())


@pytest.mark.parametrize(
    "client", each({"missing": ABSENT, "another": "else", "null": None, "a number": 7, "upper case": "CREDVEND"})
)
def test_an_audience_in_another_claim_than_the_issuers_does_not_count(gate: Gate, client: object) -> None:
    gate.assert_refused(sign(honest_claims(iss="https://cognito.example.com", client_id=client), key()))


def test_the_audience_of_one_issuer_is_not_that_of_another(gate: Gate) -> None:
    gate.assert_refused(sign(honest_claims(iss=OTHER), rsa_key("rsa-1", OTHER)))


def test_an_authorized_party_is_no_audience(gate: Gate) -> None:
    gate.assert_refused(plain(aud="else", azp=AUDIENCE, client_id=AUDIENCE)())


def test_the_audiences_of_an_issuer_are_named_to_holders_of_its_tokens_alone(gate: Gate) -> None:
    claims = honest_claims(iss="https://every.example.com", aud="else")
    told = [gate.present(sign(claims, signer, honest_header(key()))).body for signer in (key(), attacker())]
    assert told[0]["Message"] == "The token's aud is not credvend. Ask issuer every for a token for credvend or second."
    assert "second" not in str(told[1]) and "aud" not in str(told[1])
