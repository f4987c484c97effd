"""Malformed requests to the deployed service: each a clear 4xx, never a 500, never a stack trace."""

import json

import pytest

from testing.deployed import Answer, Stack

STRINGS = {
    "nul": "a\x00b",
    "controls": "a\r\n\x1b[31mb",
    "unicode": "rôle-Ω-역할-🔑",
    "bidirectional": "\u202eelor",
    "half a surrogate pair": "\ud800",
    "line separator": "a\u2028b",
    "byte order mark": "\ufeffinstances",
    "long": "x" * 10_000,
    "path": "../../etc/passwd",
    "format": "%s%n{0}${jndi:ldap://127.0.0.1}",
    "quote": "'\"; DROP TABLE roles; --",
}
FIELDS = ("role", "duration", "reason", "dry_run")


def expect_clear_4xx(answer: Answer, *statuses: int) -> None:
    assert answer.status in statuses, answer.text
    assert answer.body.keys() == {"Code", "Message", "RequestId"} and answer.body["Message"]
    assert "Traceback" not in answer.text and ".py" not in answer.text
    assert answer.headers["Content-Type"] == "application/json"


def post(stack: Stack, body: bytes, content_type: str | None = "application/json") -> Answer:
    return stack.call("POST", "/v1/iam/credentials", body, {"Content-Type": content_type} if content_type else {})


@pytest.mark.parametrize(
    "text", ["{", "}", "{]", "role=instances", "{'role': 'instances'}", '{"role": "instances"', "\x00"]
)
def test_malformed_json(stack: Stack, text: str) -> None:
    expect_clear_4xx(post(stack, text.encode()), 400)


@pytest.mark.parametrize("text", ["[]", '"instances"', "null", "1", "true", "NaN", '[{"role": "instances"}]'])
def test_json_that_is_no_object(stack: Stack, text: str) -> None:
    expect_clear_4xx(post(stack, text.encode()), 400)


@pytest.mark.parametrize("body", [b"", b" ", b"\n\n"])
def test_an_empty_body(stack: Stack, body: bytes) -> None:
    answer = post(stack, body)
    expect_clear_4xx(answer, 400)
    assert "empty" in str(answer.body["Message"])


def test_an_empty_object(stack: Stack) -> None:
    answer = post(stack, b"{}")
    expect_clear_4xx(answer, 400)
    assert '"role" is required' in str(answer.body["Message"])


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "image/png"]
)
def test_a_wrong_content_type(stack: Stack, content_type: str) -> None:
    expect_clear_4xx(post(stack, b'{"role": "instances"}', content_type), 415)


def test_no_content_type_is_taken_for_json(stack: Stack) -> None:
    assert post(stack, b'{"role": "instances", "dry_run": true}', None).status == 200


@pytest.mark.parametrize("field", ["roles", "Role", "tags", "params", "policy", "session_name", "__proto__", ""])
def test_an_unknown_field(stack: Stack, field: str) -> None:
    answer = stack.vend({"role": "instances", field: "x"})
    expect_clear_4xx(answer, 400)
    assert json.dumps(field) in str(answer.body["Message"])


def test_a_field_that_stands_twice(stack: Stack) -> None:
    expect_clear_4xx(post(stack, b'{"role": "instances", "role": "brief"}'), 400)


def test_a_body_of_one_megabyte(stack: Stack) -> None:
    expect_clear_4xx(stack.vend({"role": "instances", "reason": "x" * 1_000_000}), 413)


@pytest.mark.parametrize("nested", ["[" * 8000, "[" * 8000 + "]" * 8000, '{"role":' * 1500 + "1" + "}" * 1500])
def test_deep_nesting(stack: Stack, nested: str) -> None:
    expect_clear_4xx(post(stack, nested.encode()), 400)
    expect_clear_4xx(post(stack, f'{{"role": {nested}}}'.encode()), 400)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("kind", STRINGS)
def test_any_text_in_any_string(stack: Stack, field: str, kind: str) -> None:
    answer = stack.vend({"role": "instances", "dry_run": True} | {field: STRINGS[kind]})
    if field == "reason" and kind in ("unicode", "path", "format", "quote"):
        assert answer.status == 200  # text that people may write
        assert stack.records(answer)[0]["reason"] == STRINGS[kind]
    else:
        expect_clear_4xx(answer, 400, 403)


@pytest.mark.parametrize("raw", [b'{"role": "\xff"}', b'{"role": "\xc0\xaf"}', b"\xff\xfe{\x00}\x00"])
def test_bytes_that_are_not_utf_8(stack: Stack, raw: bytes) -> None:
    expect_clear_4xx(post(stack, raw), 400)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [[], {}, 1.5, -1, 10**400, False, [["role"]], {"role": "instances"}])
def test_a_field_of_the_wrong_type(stack: Stack, field: str, value: object) -> None:
    if field == "dry_run" and value is False:
        value = "false"
    expect_clear_4xx(stack.vend({"role": "instances", "dry_run": True} | {field: value}), 400)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/iam/credentials"),
        ("GET", "/v1/iam/roles"),
        ("GET", "/v1/iam/whoami"),
        ("GET", "/v1/iam/health"),
        ("GET", "/v1/health"),
    ],
)
def test_a_query_parameter(stack: Stack, method: str, path: str) -> None:
    body = json.dumps({"role": "instances"}).encode() if method == "POST" else b""
    expect_clear_4xx(stack.call(method, f"{path}?role=instances", body), 400)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method(stack: Stack, method: str) -> None:
    assert stack.call(method, "/v1/iam/credentials").status in (403, 405)


@pytest.mark.parametrize("path", ["/v1/iam", "/v1/iam/credentials/instances", "/v1/iam/credentials/", "/v2/iam/whoami"])
def test_another_path(stack: Stack, path: str) -> None:
    assert 400 <= stack.call("GET", path).status < 500
