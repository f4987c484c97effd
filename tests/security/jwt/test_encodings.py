"""Base64url: each of these tokens is read as an honest one by a decoder that takes it easy."""

import re
from collections.abc import Callable
from typing import Final

import pytest

from chalicelib.callers.oidc.jwt_format import read_token
from chalicelib.errors import InvalidToken
from testing.tokens import decode, honest_claims, honest_header, sign, sign_input
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import key

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
PARTS: Final = {"header": 0, "payload": 1, "signature": 2}


def with_segment(position: int, change: Callable[[str], str]) -> str:
    """An honest token with one part written otherwise; the signature is over what stands there.

    The parts are of lengths that leave bits over at their ends, and hold each of the characters `-` and `_`.
    """
    for count in range(2000):
        pad = f"{'p' * (count % 3)}~~~???>>>{count // 3}"
        head, payload, good = sign(honest_claims(pad=pad), key(), honest_header(key(), pad=pad)).split(".")
        chosen = (head, payload, good)[position]
        if len(chosen) % 4 == 0 or "-" not in chosen or "_" not in chosen:
            continue
        written = change(chosen)
        assert written != chosen or change is str
        if position == 2:
            return f"{head}.{payload}.{written}"
        return sign_input(f"{written}.{payload}" if position == 0 else f"{head}.{written}", key())
    raise AssertionError("no such token")


def _spare_bits(segment: str) -> str:
    loose = segment[:-1] + ALPHABET[ALPHABET.index(segment[-1]) + 1]
    assert decode(loose) == decode(segment)
    return loose


def _wide_digit(segment: str) -> str:
    return re.sub("[0-9]", lambda found: chr(ord(found[0]) + 0xFEE0), segment, count=1)


def inserted(text: str) -> Callable[[str], str]:
    return lambda segment: segment[:20] + text + segment[20:]


LOOSE: Final[dict[str, Callable[[str], str]]] = {
    "as it is, but for the padding": lambda segment: segment + "=" * (-len(segment) % 4),
    "one sign of padding": lambda segment: segment + "=",
    "padding too much": lambda segment: segment + "====",
    "padding before it": lambda segment: "=" + segment,
    "padding in percent": lambda segment: segment + "%3D",
    "a plus": lambda segment: segment.replace("-", "+"),
    "a slash": lambda segment: segment.replace("_", "/"),
    "the first alphabet": lambda segment: segment.replace("_", "/").replace("-", "+"),
    "bits left over": _spare_bits,
    "a character more": lambda segment: segment + "A" * (5 - len(segment) % 4),
    "a space": inserted(" "),
    "a tab": inserted("\t"),
    "a line end": inserted("\n"),
    "a line end of HTTP": inserted("\r\n"),
    "a folded line": inserted("\r\n "),
    "a NUL": inserted("\x00"),
    "an exclamation mark": inserted("!"),
    "padding in its middle": inserted("="),
    "a space without width": inserted("\u200b"),
    "a soft hyphen": inserted("\xad"),
    "half of a surrogate pair": inserted("\ud800"),
    "a digit of another script": _wide_digit,
    "a line end after it": lambda segment: segment + "\n",
    "a vertical tab after it": lambda segment: segment + "\x0b",
}


@pytest.mark.parametrize("change", each(LOOSE))
@pytest.mark.parametrize("part", PARTS)
def test_a_part_has_one_spelling(gate: Gate, part: str, change: Callable[[str], str]) -> None:
    token = with_segment(PARTS[part], change)
    gate.assert_refused(token)
    # What no header could bring is not read either.
    with pytest.raises(InvalidToken):
        read_token(token)


@pytest.mark.parametrize("part", PARTS)
def test_the_one_spelling_is_let_in(gate: Gate, part: str) -> None:
    assert gate.present(with_segment(PARTS[part], str)).status == 200
