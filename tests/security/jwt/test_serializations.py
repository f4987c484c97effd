"""What is not a token of three parts: nested, encrypted, in JSON, with parts that lack, move or come twice."""

import json
from typing import Final

import pytest

from testing.tokens import document, encode, honest_header, sign
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import key
from tests.security.jwt.tokens import Make, plain, with_header


def nested_token() -> str:
    return sign(plain()().encode(), key(), honest_header(key(), cty="JWT"))


def nested_in_json() -> str:
    return sign(json.dumps(plain()()).encode(), key(), honest_header(key(), cty="JWT"))


def encrypted(parts: int = 5) -> str:
    head = encode(document({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "rsa-1", "cty": "JWT"}))
    return ".".join([head, encode(b"k" * 256), encode(b"i" * 12), encode(b"c" * 99), encode(b"t" * 16)][:parts])


def parts(*chosen: int) -> Make:
    """Parts of an honest token: 0, 1 and 2, and 3 for none."""
    return lambda: ".".join([*plain()().split("."), ""][part] for part in chosen)


def json_serialized() -> str:
    head, payload, good = plain()().split(".")
    return document({"payload": payload, "protected": head, "signature": good}).decode()


SHAPES: Final[dict[str, Make]] = {
    "a token in a token": nested_token,
    "a token in JSON in a token": nested_in_json,
    "claims that call themselves a token": with_header(cty="JWT"),
    "an encrypted token": encrypted,
    "an encrypted token of three parts": lambda: encrypted(3),
    "the JSON form": json_serialized,
    "one part": parts(1),
    "two parts": parts(0, 1),
    "header and signature": parts(0, 2),
    "four parts": parts(0, 1, 2, 2),
    "five parts": parts(0, 1, 2, 1, 2),
    "a dot after it": parts(0, 1, 2, 3),
    "a dot before it": parts(3, 0, 1, 2),
    "a dot in its middle": parts(0, 3, 1, 2),
    "no header": parts(3, 1, 2),
    "no payload": parts(0, 3, 2),
    "no signature": parts(0, 1, 3),
    "a signature alone": parts(3, 3, 2),
    "a payload alone": parts(3, 1, 3),
    "two dots": parts(3, 3, 3),
    "a dot": lambda: ".",
    "backwards": parts(2, 1, 0),
    "header and payload swapped": parts(1, 0, 2),
    "dots of another kind": lambda: plain()().replace(".", "\u3002"),
    "dots in percent": lambda: plain()().replace(".", "%2E"),
    "twice": lambda: plain()() + "." + plain()(),
    "text": lambda: "alice",
    "null": lambda: "null",
    "the word undefined": lambda: "undefined",
    "an access key id": lambda: "AKIAIOSFODNN7EXAMPLE",
    "an opaque token": lambda: "gho_16C7e42F292c6912E7710c838347Ae178B4a",
    "half of a surrogate pair": lambda: plain()() + "\ud800",
    "quotes around it": lambda: f'"{plain()()}"',
    "brackets around it": lambda: f"<{plain()()}>",
}


@pytest.mark.parametrize("make", each(SHAPES))
def test_what_does_not_have_the_three_parts_of_a_token_is_refused(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())
