"""The `typ` of a header: tokens that are meant for other ends."""

from typing import Final

import pytest

from testing.tokens import ABSENT, honest_claims, honest_header, sign
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import key
from tests.security.jwt.tokens import with_header

TYPES: Final[dict[str, object]] = {
    "at+jwt": "at+jwt",
    "at+jwt as a media type": "application/at+jwt",
    "a logout token": "logout+jwt",
    "a security event": "secevent+jwt",
    "a proof of possession": "dpop+jwt",
    "JOSE": "JOSE",
    "JWE": "JWE",
    "odd": "odd",
    "empty": "",
    "a space after it": "JWT ",
    "a NUL after it": "JWT\x00",
    "application twice": "application/application/JWT",
    "the prefix alone": "application/",
    "text/JWT": "text/JWT",
    "a parameter": "JWT; v=1",
    "a look-alike": "J\u216fT",
    "half of a surrogate pair": "\ud800",
    "a number": 1,
    "true": True,
    "null": None,
    "a list": ["JWT"],
    "an object": {},
}


@pytest.mark.parametrize("typ", each(TYPES))
def test_a_token_of_another_type_is_refused(gate: Gate, typ: object) -> None:
    gate.assert_refused(with_header(typ=typ)())


@pytest.mark.parametrize("typ", each({"JWT": "JWT", "none": ABSENT, "empty": "", "odd": "odd", "null": None}))
def test_a_token_for_other_ends_is_refused_where_access_tokens_are_asked_for(gate: Gate, typ: object) -> None:
    claims = honest_claims(iss="https://typed.example.com")
    gate.assert_refused(sign(claims, key(), honest_header(key(), typ=typ)))
