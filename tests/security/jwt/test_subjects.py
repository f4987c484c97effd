"""The `sub` claim: subjects that are missing, of another type, or hold what no log should show."""

from typing import Final

import pytest

from testing.tokens import ABSENT, SUBJECT, honest_claims, sign
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import key
from tests.security.jwt.tokens import plain

SUB: Final[dict[str, object]] = {
    "missing": ABSENT,
    "empty": "",
    "a number": 7,
    "zero": 0,
    "true": True,
    "false": False,
    "null": None,
    "a list": [SUBJECT],
    "an empty list": [],
    "an object": {"sub": SUBJECT},
    "5 kB": "s" * 5000,
    "a NUL": "alice\x00",
    "a NUL alone": "\x00",
    "a tab": "alice\tx",
    "a line end": "alice\n",
    "a line end of Unicode": "alice\u2028",
    "an escape sequence of terminals": "alice\x1b[2K",
    "half of a surrogate pair": "alice\ud800",
}


@pytest.mark.parametrize("sub", each(SUB))
def test_a_token_without_a_proper_subject_is_refused(gate: Gate, sub: object) -> None:
    gate.assert_refused(plain(sub=sub)())


@pytest.mark.parametrize(
    "user",
    each(
        {
            "missing": ABSENT,
            "null": None,
            "text": "alice",
            "a list": [{"id": "alice"}],
            "without it": {},
            "with null": {"id": None},
            "with an object": {"id": {"id": "alice"}},
            "with a list": {"id": ["alice"]},
            "with a number": {"id": 7},
        }
    ),
)
def test_a_subject_is_not_found_beside_its_path(gate: Gate, user: object) -> None:
    claims = honest_claims(iss="https://nested.example.com", user=user)
    claims |= {"id": "alice", "user.id": "alice", "user/id": "alice"}
    gate.assert_refused(sign(claims, key()))
