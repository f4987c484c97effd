"""The `kid` of a header: a key is found by its exact name, which is never a path, a query or a pattern."""

from typing import Final

import pytest

from testing.tokens import ABSENT, honest_claims, honest_header, rsa_key, sign
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import OTHER, curve_key
from tests.security.jwt.tokens import with_header

KIDS: Final[dict[str, object]] = {
    "a path": "../../dev/null",
    "an absolute path": "/dev/null",
    "a path to the right key": "./rsa-1",
    "the file of the right key": "keys/main.json",
    "a path of Windows": "..\\..\\nul",
    "SQL": "x' UNION SELECT 'secret' --",
    "a shell command": "rsa-1; cat /etc/passwd",
    "a template": "${jndi:ldap://127.0.0.1/x}",
    "a URL": "https://attacker.example.com/jwks.json",
    "a URL of this machine": "http://169.254.169.254/latest/meta-data/",
    "a NUL": "rsa-1\x00",
    "a NUL alone": "\x00",
    "a line end": "rsa-1\n",
    "a header in it": 'x"\r\nSet-Cookie: a=b',
    "quotes and a backslash": 'x", error="\\',
    "half of a surrogate pair": "\ud800",
    "another script": "ключ",
    "a line of the log": '"}\n{"event": "credentials.vended"}',
    "257 characters": "k" * 257,
    "almost 8 kB": "k" * 5000,
    "10 kB": "k" * 10_000,
    "upper case": "RSA-1",
    "a space before it": " rsa-1",
    "a space after it": "rsa-1 ",
    "the start of it": "rsa",
    "wide digits": "rsa-\uff11",
    "empty": "",
    "a star": "*",
    "a number": 1,
    "zero": 0,
    "a fraction": 1.5,
    "true": True,
    "false": False,
    "null": None,
    "a list": ["rsa-1"],
    "an empty list": [],
    "an object": {"kid": "rsa-1"},
    "missing": ABSENT,
    "unknown": "rsa-3",
    "of another key": "rsa-2",
}


@pytest.mark.parametrize("kid", each(KIDS))
def test_a_key_is_found_by_its_exact_name_alone(gate: Gate, kid: object) -> None:
    gate.assert_refused(with_header(kid=kid)())


@pytest.mark.parametrize("kid", each({"missing": ABSENT, "null": None, "empty": ""}))
def test_a_token_that_names_no_curve_key_is_refused_where_there_are_two(gate: Gate, kid: object) -> None:
    gate.assert_refused(sign(honest_claims(), curve_key(), honest_header(curve_key(), kid=kid)))


@pytest.mark.parametrize("kid", each({"null": None, "empty": "", "unknown": "rsa-2", "a number": 1}))
def test_a_kid_that_fits_no_key_is_not_a_kid_that_is_missing(gate: Gate, kid: object) -> None:
    """At an issuer with one key, where a token without a kid is let in."""
    lone = rsa_key("rsa-1", OTHER)
    gate.assert_refused(sign(honest_claims(iss=OTHER, aud="others"), lone, honest_header(lone, kid=kid)))
