"""Honest tokens are let in: what the lies in the files beside are measured against."""

from collections.abc import Callable
from typing import Final

import pytest

from testing.sts_server import tags_of
from testing.tokens import ABSENT, AUDIENCE, SUBJECT, Key, honest_claims, honest_header, rsa_key, sign
from tests.security.jwt.gate import ROUTES, Gate, each
from tests.security.jwt.issuers import ALGORITHMS, OTHER, curve_key, key
from tests.security.jwt.tokens import Make, every_claims, plain, signed_with, soon, strict_claims


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_honest_token_of_each_algorithm_is_let_in(gate: Gate, algorithm: str) -> None:
    for route in ROUTES:
        answer = gate.present(signed_with(algorithm), route)
        assert answer.status == 200, answer.text


@pytest.mark.parametrize("signer", [key, curve_key], ids=["RS256", "ES256"])
def test_an_honest_token_vends_for_its_subject(gate: Gate, signer: Callable[[], Key]) -> None:
    asked = gate.vended(sign(honest_claims(), signer()))
    assert asked["RoleSessionName"] == asked["SourceIdentity"] == f"oidc=main={SUBJECT}"
    assert tags_of(asked)["credvend:caller"] == f"oidc:main:{SUBJECT}"
    requested, vended = gate.credvend.records()
    assert (requested["event"], vended["event"]) == ("credentials.requested", "credentials.vended")
    for record in (requested, vended):
        assert record["caller"] == f"oidc:main:{SUBJECT}" and record["caller_type"] == "OidcSubject"
        assert (record["caller_issuer"], record["caller_subject"]) == ("main", SUBJECT)


HONEST: Final[dict[str, Make]] = {
    "no typ": lambda: sign(honest_claims(), key(), honest_header(key(), typ=ABSENT)),
    "typ in lower case": lambda: sign(honest_claims(), key(), honest_header(key(), typ="jwt")),
    "typ as a media type": lambda: sign(honest_claims(), key(), honest_header(key(), typ="application/JWT")),
    "typ at+jwt where it is listed": lambda: sign(
        honest_claims(iss="https://typed.example.com"), key(), honest_header(key(), typ="at+jwt")
    ),
    "a thumbprint of a certificate": lambda: sign(honest_claims(), key(), honest_header(key(), x5t="dGh1bWI")),
    "the second key": lambda: sign(honest_claims(), rsa_key("rsa-2")),
    "no kid where there is one key": lambda: sign(
        honest_claims(iss=OTHER, aud="others"), rsa_key("rsa-1", OTHER), {"alg": "RS256"}
    ),
    "aud as a list": plain(aud=[AUDIENCE]),
    "aud among others": plain(aud=["else", AUDIENCE]),
    "the second audience": lambda: sign(every_claims(aud="second"), key()),
    "another audience claim": lambda: sign(
        honest_claims(iss="https://cognito.example.com", aud=ABSENT, client_id=AUDIENCE), key()
    ),
    "a nested subject": lambda: sign(
        honest_claims(iss="https://nested.example.com", sub=ABSENT, user={"id": "alice"}), key()
    ),
    "exp with a fraction": lambda: plain(exp=soon(600) + 0.5)(),
    "exp a moment ago": lambda: plain(exp=int(soon(-5)))(),
    "nbf in a moment": lambda: plain(nbf=int(soon(15)))(),
    "iat in a moment": lambda: plain(iat=int(soon(15)))(),
    "no nbf": plain(nbf=ABSENT),
    "iat almost too long ago": lambda: plain(iat=int(soon(-86_400 + 60)), nbf=ABSENT)(),
    "required claims": lambda: sign(strict_claims(), key()),
    "another value of a required claim": lambda: sign(strict_claims(token_use="id"), key()),
    "almost as long as may be": plain(pad="x" * 5000),
    "claims of all types": plain(a=[1, "b", None, {"c": True}], d=None, e=1.5, f={}),
    "a name in another script": plain(name="Алиса 愛"),
    "a name with a line end in it": plain(name="a\nb\u2028c"),
}


@pytest.mark.parametrize("make", each(HONEST))
def test_what_an_honest_issuer_may_say_is_let_in(gate: Gate, make: Make) -> None:
    answer = gate.present(make())
    assert answer.status == 200, answer.text
