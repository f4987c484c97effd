"""Headers and claims that are not one plain JSON object: other text, deep nesting, a name twice."""

import json
from collections.abc import Callable
from typing import Final

import pytest

from testing.tokens import SUBJECT
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import OTHER
from tests.security.jwt.tokens import Make, with_head, with_payload

NOT_AN_OBJECT: Final[dict[str, Callable[[bytes], bytes]]] = {
    "text": lambda _: b"alice",
    "a string": lambda _: b'"alice"',
    "the object in a string": lambda honest: json.dumps(honest.decode()).encode(),
    "the object in a list": lambda honest: b"[" + honest + b"]",
    "an empty list": lambda _: b"[]",
    "pairs": lambda honest: json.dumps(list(json.loads(honest).items())).encode(),
    "a number": lambda _: b"7",
    "null": lambda _: b"null",
    "true": lambda _: b"true",
    "nothing": lambda _: b"",
    "a space": lambda _: b" ",
    "an empty object": lambda _: b"{}",
    "UTF-16": lambda honest: honest.decode().encode("utf-16"),
    "UTF-16 without a mark": lambda honest: honest.decode().encode("utf-16-le"),
    "UTF-32": lambda honest: honest.decode().encode("utf-32"),
    "a byte order mark": lambda honest: b"\xef\xbb\xbf" + honest,
    "a byte that is not UTF-8": lambda honest: honest.replace(b"}", b',"x":"\xff"}'),
    "an overlong form": lambda honest: honest.replace(b"}", b',"x":"\xc0\xaf"}'),
    "half of a pair in UTF-8": lambda honest: honest.replace(b"}", b',"x":"\xed\xa0\x80"}'),
    "NaN": lambda honest: honest.replace(b"}", b',"x":NaN}'),
    "Infinity": lambda honest: honest.replace(b"}", b',"x":Infinity}'),
    "-Infinity": lambda honest: honest.replace(b"}", b',"x":-Infinity}'),
    "a number without end": lambda honest: honest.replace(b"}", b',"x":1e400}'),
    "a number without end in a list": lambda honest: honest.replace(b"}", b',"x":[{"y":-1e400}]}'),
    "a number of 5000 digits": lambda honest: honest.replace(b"}", b',"x":' + b"1" * 5000 + b"}"),
    "text after it": lambda honest: honest + b" x",
    "a brace after it": lambda honest: honest + b"}",
    "another object after it": lambda honest: honest + honest,
    "a NUL after it": lambda honest: honest + b"\0",
    "a NUL before it": lambda honest: b"\0" + honest,
    "text before it": lambda honest: b")]}'," + honest,
    "a comma too many": lambda honest: honest.replace(b"}", b",}"),
    "a comment": lambda honest: honest.replace(b"{", b"{/* */", 1),
    "single quotes": lambda honest: honest.replace(b'"', b"'"),
    "a line end in a string": lambda honest: honest.replace(b"}", b',"x":"a\nb"}'),
    "cut short": lambda honest: honest[:-1],
    "nested deep and cut short": lambda honest: honest.replace(b"}", b',"x":' + b"[" * 5000),
    "YAML": lambda honest: b"\n".join(f"{k}: {v}".encode() for k, v in json.loads(honest).items()),
    "a query": lambda honest: b"&".join(f"{k}={v}".encode() for k, v in json.loads(honest).items()),
}


@pytest.mark.parametrize("change", each(NOT_AN_OBJECT))
def test_claims_that_are_not_a_json_object_are_refused(gate: Gate, change: Callable[[bytes], bytes]) -> None:
    gate.assert_refused(with_payload(change)())


@pytest.mark.parametrize("change", each(NOT_AN_OBJECT))
def test_a_header_that_is_not_a_json_object_is_refused(gate: Gate, change: Callable[[bytes], bytes]) -> None:
    gate.assert_refused(with_head(change)())


DEEP: Final[dict[str, Callable[[bytes], bytes]]] = {
    "lists": lambda honest: honest.replace(b"}", b',"x":' + b"[" * 2500 + b"]" * 2500 + b"}"),
    "objects": lambda honest: honest.replace(b"}", b',"x":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}"),
}


@pytest.mark.parametrize("change", each(DEEP))
@pytest.mark.parametrize("part", [with_payload, with_head], ids=["claims", "header"])
def test_deep_nesting_is_refused(
    gate: Gate, part: Callable[[Callable[[bytes], bytes]], Make], change: Callable[[bytes], bytes]
) -> None:
    """It is JSON, but how much of it can be followed would depend on the Python."""
    gate.assert_refused(part(change)())


def before(member: str) -> Callable[[bytes], bytes]:
    return lambda honest: b"{" + member.encode() + b"," + honest[1:]


def after(member: str) -> Callable[[bytes], bytes]:
    return lambda honest: honest[:-1] + b"," + member.encode() + b"}"


TWICE: Final[dict[str, Make]] = {
    "sub, the honest one last": with_payload(before('"sub":"bob"')),
    "sub, the honest one first": with_payload(after('"sub":"bob"')),
    "sub, both the same": with_payload(after(f'"sub":"{SUBJECT}"')),
    "sub in escapes, the honest one last": with_payload(before(r'"s\u0075b":"bob"')),
    "sub in escapes, the honest one first": with_payload(after(r'"s\u0075b":"bob"')),
    "iss, the honest one last": with_payload(before(f'"iss":"{OTHER}"')),
    "iss, the honest one first": with_payload(after(f'"iss":"{OTHER}"')),
    "iss in escapes": with_payload(after(rf'"\u0069ss":"{OTHER}"')),
    "aud, the honest one last": with_payload(before('"aud":"else"')),
    "aud, the honest one first": with_payload(after('"aud":"else"')),
    "exp, the honest one last": with_payload(before('"exp":1')),
    "exp, the honest one first": with_payload(after('"exp":99999999999')),
    "a claim that nobody reads": with_payload(after('"x":1,"x":2')),
    "a claim further in": with_payload(after('"x":{"y":1,"y":2}')),
    "a claim in a list": with_payload(after('"x":[{"y":1,"y":1}]')),
    "alg, the honest one last": with_head(before('"alg":"none"')),
    "alg, the honest one first": with_head(after('"alg":"none"')),
    "alg, both the same": with_head(after('"alg":"RS256"')),
    "alg in escapes, the honest one last": with_head(before(r'"al\u0067":"none"')),
    "alg in escapes, the honest one first": with_head(after(r'"al\u0067":"none"')),
    "kid, the honest one last": with_head(before('"kid":"rsa-2"')),
    "kid, the honest one first": with_head(after('"kid":"rsa-2"')),
    "typ": with_head(after('"typ":"at+jwt"')),
    "a member of the header further in": with_head(after('"x":{"y":1,"y":2}')),
}


@pytest.mark.parametrize("make", each(TWICE))
def test_a_token_that_says_a_thing_twice_is_refused(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())
