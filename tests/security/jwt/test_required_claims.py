"""Claims that an issuer requires: tokens that lack one, or say it in another value or type."""

from typing import Final

import pytest

from testing.app import Json
from testing.tokens import ABSENT, honest_claims, sign
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import key
from tests.security.jwt.tokens import strict_claims

REQUIRED: Final[dict[str, dict[str, object]]] = {
    "missing": {"repository_owner": ABSENT},
    "another value": {"repository_owner": "attacker"},
    "more than the value": {"repository_owner": "acme2"},
    "the start of the value": {"repository_owner": "acm"},
    "upper case": {"repository_owner": "Acme"},
    "a space": {"repository_owner": "acme "},
    "a NUL": {"repository_owner": "acme\x00"},
    "null": {"repository_owner": None},
    "empty": {"repository_owner": ""},
    "a list": {"repository_owner": ["acme"]},
    "a list with others": {"repository_owner": ["attacker", "acme"]},
    "an object": {"repository_owner": {"acme": True}},
    "true": {"repository_owner": True},
    "a number": {"repository_owner": 7},
    "a star": {"repository_owner": "*"},
    "in another case of the name": {"repository_owner": ABSENT, "Repository_Owner": "acme"},
    "further in": {"repository_owner": ABSENT, "x": {"repository_owner": "acme"}},
    "none of several": {"token_use": "refresh"},
    "several of several": {"token_use": ["access", "id"]},
    "all of several as text": {"token_use": "['access', 'id']"},
    "the one of several missing": {"token_use": ABSENT},
    "anything missing": {"jti": ABSENT},
    "anything null": {"jti": None},
}


@pytest.mark.parametrize("changes", each(REQUIRED))
def test_a_token_without_what_its_issuer_must_say_is_refused(gate: Gate, changes: dict[str, object]) -> None:
    gate.assert_refused(sign(strict_claims(**changes), key()))


def flag_claims(**changes: object) -> Json:
    honest = {"iss": "https://flags.example.com", "verified": True, "level": 1, "text": "true"}
    return honest_claims(**honest | changes)


def test_required_claims_that_are_no_texts_are_let_in(gate: Gate) -> None:
    assert gate.present(sign(flag_claims(), key())).status == 200


def test_a_claim_with_any_name_leaves_the_challenge_well_formed(gate: Gate) -> None:
    claims = honest_claims(iss="https://quoted.example.com")
    assert gate.present(sign(claims | {'a"b\\c é': "x"}, key())).status == 200
    gate.credvend.records()
    gate.assert_refused(sign(claims, key()))


FLAGS: Final[dict[str, dict[str, object]]] = {
    "one for true": {"verified": 1},
    "a fraction for true": {"verified": 1.0},
    "text for true": {"verified": "true"},
    "text of Python for true": {"verified": "True"},
    "false for true": {"verified": False},
    "true in a list": {"verified": [True]},
    "true for one": {"level": True},
    "text for one": {"level": "1"},
    "two for one": {"level": 2},
    "true for text": {"text": True},
    "one for text": {"text": 1},
}


@pytest.mark.parametrize("changes", each(FLAGS))
def test_a_required_claim_is_of_its_own_type(gate: Gate, changes: dict[str, object]) -> None:
    gate.assert_refused(sign(flag_claims(**changes), key()))
