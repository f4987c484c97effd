"""Nobody can make the service work long before it knows who they are: time grows with what they send, and no faster.

Four times as much may take eight times as long, and a millisecond for whatever else the machine does: what grows with
the square takes sixteen times as long, and tens of milliseconds.
"""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from chalicelib.callers.bearer import bearer_token
from chalicelib.callers.oidc.jwt_format import read_token
from chalicelib.errors import CredvendError
from chalicelib.text.strict_json import NotStrictJson, json_object
from chalicelib.wire.formats.negotiation import choose_format, wants_script
from chalicelib.wire.query import refuse_query
from chalicelib.wire.vend_request import parse_vend_query, parse_vend_request
from testing.tokens import encode

# Of the most that is read of a body and a token.
LITTLE, MUCH = 4096, 16_384


def names(length: int) -> bytes:
    return b",".join(b'"%05d":1' % number for number in range(length // 10))


def jwt(part: bytes) -> str:
    return f"{encode(part)}.{encode(part)}.AAAA"


HOSTILE: dict[str, tuple[Callable[[int], object], float]] = {
    "a body whose last name stands twice": (
        lambda n: parse_vend_request(b'{%s,"%05d":1}' % (names(n - 20), (n - 20) // 10 - 1), None),
        1,
    ),
    "JSON whose last name stands twice": (lambda n: json_object(b'{%s,"%05d":1}' % (names(n), n // 10 - 1)), 1),
    "the same deep down": (lambda n: json_object(b'{"a":[{%s,"%05d":1}]}' % (names(n), n // 10 - 1)), 1),
    "a token's part whose last name stands twice": (
        lambda n: read_token(jwt(b'{%s,"%05d":1}' % (names(n), n // 10 - 1))),
        0.17,
    ),
    "many names": (lambda n: parse_vend_request(b"{%s}" % names(n - 20), None), 1),
    "many objects": (lambda n: json_object(b'{"a":[%s1]}' % (b"{}," * (n // 3))), 1),
    "deep nesting": (lambda n: json_object(b"[" * n), 1),
    "deep objects": (lambda n: json_object(b'{"a":' * (n // 5)), 1),
    "a long integer": (lambda n: json_object(b'{"a":%s}' % (b"1" * n)), 1),
    "long integers": (lambda n: json_object(b'{"a":[%s1]}' % (b"1" * 4000 + b",") * (n // 4001)), 1),
    "a long fraction": (lambda n: json_object(b'{"a":0.%s}' % (b"1" * n)), 1),
    "a long exponent": (lambda n: json_object(b'{"a":1e%s}' % (b"1" * n)), 1),
    "escapes": (lambda n: json_object(b'{"a":"%s' % (b"\\u0041" * (n // 6))), 1),
    "white space": (lambda n: json_object(b"{" + b" " * n), 1),
    "a long name of a role": (lambda n: parse_vend_query("arn:aws" + "-" * n, {}), 1),
    "a long duration": (lambda n: parse_vend_query("a", {"duration": ("1" * n,)}), 1),
    "many params": (lambda n: parse_vend_query("a", {f"params.{k}": ("x",) for k in range(n // 10)}), 1),
    "many parameters": (lambda n: refuse_query({f"p{k}": ("x",) for k in range(n // 6)}.keys()), 1),
    "a token that ends wrong": (lambda n: bearer_token(["Bearer " + "a" * n + "!"]), 1),
    "a token with padding that ends wrong": (
        lambda n: bearer_token(["Bearer " + "a" * (n // 2) + "=" * (n // 2) + "!"], bare=True),
        1,
    ),
    "padding and characters": (lambda n: bearer_token(["Bearer " + "a=" * (n // 2)], bare=True), 1),
    "a token of dots": (lambda n: read_token("." * n), 0.4),
    "a token of long parts": (lambda n: read_token(jwt(b"a" * (n // 3))), 0.4),
    "many media types": (lambda n: choose_format(None, "a/b;q=0.1," * (n // 10)), 1),
    "no media types": (lambda n: wants_script((), "," * n), 1),
    "parameters of a media type": (lambda n: choose_format(None, "a" + ";q" * (n // 2)), 1),
    "a long quality": (lambda n: choose_format(None, "a;q=" + "1" * n), 1),
    "a long content type": (lambda n: parse_vend_request(b"{}", " " * n + ";"), 1),
}


def seconds(work: Callable[[int], object], length: int) -> float:
    """Of processor time, at its best."""
    taken = []
    for _ in range(5):
        started = time.process_time()
        with suppress(CredvendError, NotStrictJson):
            work(length)
        taken.append(time.process_time() - started)
    return min(taken)


@pytest.mark.parametrize("name", HOSTILE)
def test_time_grows_with_what_was_sent_and_no_faster(name: str) -> None:
    work, share = HOSTILE[name]
    little, much = (seconds(work, int(length * share)) for length in (LITTLE, MUCH))
    assert much < 8 * little + 0.001
