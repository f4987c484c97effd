"""Headers that ask for what the service does not know: `crit`, and payloads that are not encoded, or elsewhere."""

from typing import Final

import pytest

from testing.tokens import document, encode, honest_claims, honest_header, signature
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import key
from tests.security.jwt.tokens import Make, plain, with_header


def unencoded() -> str:
    """https://www.rfc-editor.org/rfc/rfc7797: the payload as it is, where it holds no dot."""
    head = encode(document(honest_header(key(), b64=False, crit=["b64"])))
    payload = document(honest_claims(iss="https://localhost", sub="alice")).decode()
    assert "." not in payload
    return f"{head}.{payload}.{encode(signature(f'{head}.{payload}'.encode(), key()))}"


def detached() -> str:
    head, _, good = plain()().split(".")
    return f"{head}..{good}"


CRITICAL: Final[dict[str, Make]] = {
    "crit with a known name": with_header(crit=["exp"], exp=1),
    "crit with kid": with_header(crit=["kid"]),
    "crit with an unknown name": with_header(crit=["https://attacker.example.com/x"]),
    "crit with b64 left at its default": with_header(crit=["b64"], b64=True),
    "crit with b64 false": with_header(crit=["b64"], b64=False),
    "crit empty": with_header(crit=[]),
    "crit text": with_header(crit="exp"),
    "crit null": with_header(crit=None),
    "crit with an object": with_header(crit=[{}]),
    "crit with a number": with_header(crit=[1]),
    "b64 false": with_header(b64=False),
    "b64 true": with_header(b64=True),
    "b64 null": with_header(b64=None),
    "b64 text": with_header(b64="false"),
    "a payload that is not encoded": unencoded,
    "a payload that is elsewhere": detached,
}


@pytest.mark.parametrize("make", each(CRITICAL))
def test_an_extension_is_refused_and_not_passed_over(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())
