"""Whatever is sent, the answer is a clear 4xx: never a 500, never a stack trace."""

import json
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testing.app import CredvendApp
from testing.events import iam_user, root

JSON_VALUES: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(["role", "duration", "reason", "dry_run", "policy", "tags", "params"])
ONE_APP = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@ONE_APP
@given(st.dictionaries(FIELDS | st.text(max_size=10), JSON_VALUES, max_size=5))
def test_any_json_is_answered_below_500(credvend: CredvendApp, body: dict[str, object]) -> None:
    answer = credvend.vend(json.dumps(body))
    assert 400 <= answer.status < 500 and answer.body.keys() == {"Code", "Message", "RequestId"}
    assert "Traceback" not in answer.text


@ONE_APP
@given(st.text())
def test_any_text_is_answered_below_500(credvend: CredvendApp, body: str) -> None:
    assert 400 <= credvend.vend(body).status < 500


@ONE_APP
@given(st.text(), st.sampled_from(["role", "reason", "duration"]))
def test_any_string_in_any_field_is_answered_below_500(credvend: CredvendApp, value: str, field: str) -> None:
    assert credvend.vend({"role": "reader", "dry_run": True} | {field: value}).status < 500


@pytest.mark.parametrize("field", ["format", "Role", "session_name", "source_identity", "transitive_tags"])
def test_a_field_that_is_not_there_is_refused(credvend: CredvendApp, field: str) -> None:
    answer = credvend.vend({"role": "reader", field: {}})
    assert answer.status == 400 and f'Unknown field "{field}"' in str(answer.body["Message"])


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "json"])
def test_another_content_type_is_a_415(credvend: CredvendApp, content_type: str) -> None:
    answer = credvend.call("POST", "/v1/iam/credentials", '{"role": "reader"}', headers={"Content-Type": content_type})
    assert answer.status == 415 and answer.body["Code"] == "UnsupportedMediaType"


def test_half_a_surrogate_pair_is_not_utf_8(credvend: CredvendApp) -> None:
    answer = credvend.vend('{"role": "\ud800"}')
    assert answer.status == 400 and "UTF-8" in str(answer.body["Message"])
    assert [record["event"] for record in credvend.records()] == ["credentials.denied"]


def test_a_refused_request_is_recorded(credvend: CredvendApp) -> None:
    credvend.vend("{")
    credvend.call("POST", "/v1/iam/credentials", '{"role": "reader"}', query={"role": "x"})
    assert [(r["event"], r["cause"]) for r in credvend.records()] == [("credentials.denied", "InvalidRequest")] * 2


def test_a_refused_read_is_recorded(credvend: CredvendApp) -> None:
    for path in ("/v1/iam/roles", "/v1/iam/whoami"):
        assert credvend.call("GET", path, identity=root()).status == 403
        assert credvend.call("GET", path, query={"a": "b"}).status == 400
        refused, malformed = credvend.records()
        assert (refused["event"], refused["cause"]) == ("read.denied", "CallerRefused")
        assert (malformed["event"], malformed["cause"]) == ("read.denied", "InvalidRequest")


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_has_one_spelling(credvend: CredvendApp, address: str, seen: str) -> None:
    credvend.call("GET", "/v1/iam/whoami", identity=iam_user() | {"sourceIp": address})
    assert credvend.records()[0]["source_ip"] == seen


def test_any_user_agent_is_recorded_in_one_line(credvend: CredvendApp) -> None:
    for agent in ("a\nb", '"}', "\ud800", "\u2028", string.printable, "x" * 10_000):
        identity = {"userAgent": agent}
        assert credvend.vend({"role": "reader"}, identity=iam_user() | identity).status == 200
        assert [record["event"] for record in credvend.records()] == ["credentials.requested", "credentials.vended"]
