import json

import pytest

from chalicelib.errors import InvalidRequest, RequestTooLarge, UnsupportedMediaType
from chalicelib.sessions.asked import VendRequest
from chalicelib.wire.vend_request import parse_vend_query, parse_vend_request


def parse(body: object) -> VendRequest:
    return parse_vend_request(json.dumps(body).encode(), "application/json; charset=utf-8")


def test_a_request_names_at_least_a_role() -> None:
    assert parse({"role": "reader"}) == VendRequest(role="reader")


def test_every_field_is_read() -> None:
    asked = parse({"role": "reader", "duration": "15m", "reason": " ticket 7 ", "dry_run": True})
    assert asked == VendRequest(role="reader", duration=900, reason="ticket 7", dry_run=True)


@pytest.mark.parametrize(
    "reason",
    ["역할 점검", "مراجعة", "👩‍💻 on call", "naïve – “quoted”", "a\u00a0b", "INC-42\u200f תיקון", "إصلاح v2\u200e"],
)
def test_a_reason_is_written_in_any_language(reason: str) -> None:
    assert parse({"role": "r", "reason": reason}).reason == reason


@pytest.mark.parametrize("written", [900, "900", "900s", "15m"])
def test_durations_are_seconds_or_have_a_unit(written: object) -> None:
    assert parse({"role": "r", "duration": written}).duration == 900


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, '"role" is required'),
        ({"role": ""}, '"role" must be'),
        ({"role": 7}, '"role" must be'),
        ({"role": "a\x00b"}, '"role" must be'),
        ({"role": "rôle"}, '"role" must be'),
        ({"role": "reader\n"}, '"role" must be'),
        ({"role": "r", "duration": 0}, "at least 1 second"),
        ({"role": "r", "duration": 43_201}, "at most 43200"),
        ({"role": "r", "duration": True}, '"duration" must be'),
        ({"role": "r", "duration": 900.5}, '"duration" must be'),
        ({"role": "r", "duration": "1d"}, '"duration" must be'),
        ({"role": "r", "duration": "٩٠٠"}, '"duration" must be'),
        ({"role": "r", "duration": []}, '"duration" must be'),
        ({"role": "r", "reason": "x" * 257}, "at most 256"),
        ({"role": "r", "reason": "a\x00b"}, "printable"),
        ({"role": "r", "reason": "INC-\u200b42"}, r"holds U\+200B ZERO WIDTH SPACE \(character 5\): remove that"),
        ({"role": "r", "reason": "INC-42\u200f"}, "RIGHT-TO-LEFT MARK"),
        ({"role": "read\u200ber"}, r"or its ARN, and holds U\+200B ZERO WIDTH SPACE \(character 5\)"),
        ({"role": "r", "reason": "a\nb"}, "printable"),
        ({"role": "r", "reason": "\ud800"}, "printable"),
        ({"role": "r", "tags": {"Project": "a\ud800"}}, '"tags" holds half a character'),
        ({"role": "r", "params": {"\udfff": "a"}}, '"params" holds half a character'),
        ({"role": "r", "reason": "\u202edeirt"}, "printable"),
        ({"role": "r", "reason": "a\u2066b"}, "printable"),
        ({"role": "r", "reason": "a\u2028b"}, "printable"),
        ({"role": "r", "reason": "\u200b"}, "printable"),
        ({"role": "r", "reason": "a\U000e0041"}, "printable"),
        ({"role": "r", "reason": "\u200d"}, "in words"),
        ({"role": "r", "reason": "\u3164"}, "in words"),
        ({"role": "r", "reason": "\u2800"}, "in words"),
        ({"role": "r", "reason": "..."}, "in words"),
        ({"role": "r", "reason": 1}, "must be a string"),
        ({"role": "r", "dry_run": "yes"}, "true or false"),
        ({"role": "r", "session_name": "x"}, 'Unknown field "session_name"'),
        ({"role": "r", "tags": []}, '"tags" must be an object of texts'),
        ({"role": "r", "tags": {"a": 1}}, '"tags" must be an object of texts'),
        ({"role": "r", "params": {"a": ["b"]}}, '"params" must be an object of texts'),
        ({"role": "r", "params": {str(n): "" for n in range(51)}}, "at most 50"),
        ({"role": "r", "policy": "{}"}, '"policy": must be a policy document'),
        ({"role": "r", "x" * 100: 1}, 'Unknown field "xxx'),
        ([], "not a JSON object"),
        ("reader", "not a JSON object"),
    ],
)
def test_a_wrong_field_is_named(body: object, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"{",
        b"\xff\xfe",
        b'{"role": NaN}',
        b'{"role": "a", "role": "b"}',
        b'{"role": "a", "duration": ' + b"9" * 5000 + b"}",
        b'{"role": "a", "duration": 1e400}',
        b'{"role":' + b"[" * 8000 + b"]" * 8000 + b"}",
        b"[" * 16000,
    ],
)
def test_what_is_not_plain_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_vend_request(body, None)


def test_a_huge_body_is_refused_unread() -> None:
    with pytest.raises(RequestTooLarge):
        parse_vend_request(b" " * 1_000_000, None)


def test_another_content_type_is_refused() -> None:
    with pytest.raises(UnsupportedMediaType, match="application/json"):
        parse_vend_request(b'{"role": "r"}', "application/x-www-form-urlencoded")


@pytest.mark.parametrize("name", ["tags", "tags.Team", "policy", "dry_run"])
def test_a_query_asks_for_no_tags_and_narrows_nothing(name: str) -> None:
    """So a policy about the format `container` and one of them never applies (configuration/possible_requests.py)."""
    with pytest.raises(InvalidRequest, match="Unknown query parameter"):
        parse_vend_query("reader", {name: ("x",)})
    asked = parse_vend_query("reader", {"params.tenant": ("acme",)})
    assert (asked.tags, asked.policy) == ({}, None)
