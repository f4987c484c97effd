"""What is logged about a token: the issuer and the key that a refused one claims, and never the token itself."""

from testing.tokens import honest_claims, sign
from tests.security.jwt.gate import ROUTES, Gate
from tests.security.jwt.issuers import attacker
from tests.security.jwt.tokens import plain


def test_an_honest_token_is_in_no_log(gate: Gate) -> None:
    token = plain()()
    for route in ROUTES:
        assert gate.present(token, route).status == 200
    written, complained = gate.credvend.capture.readouterr()
    told = written + complained + gate.caplog.text
    assert "alice" in told and not [part for part in token.split(".") if part in told]


def test_a_failed_token_is_on_record_with_what_it_claims(gate: Gate) -> None:
    token = sign(honest_claims(), attacker())
    record = gate.assert_turned_away(gate.present(token), token)
    assert (record["issuer"], record["key_id"]) == ("main", "rsa-1")


def test_an_unknown_issuer_is_not_on_record_as_a_known_one(gate: Gate) -> None:
    token = plain(iss="https://attacker.example.com")()
    assert "issuer" not in gate.assert_turned_away(gate.present(token), token)
