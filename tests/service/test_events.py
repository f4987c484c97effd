"""Events as API Gateway really sends them: each is answered as it should be, and whatever is null may be null."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from chalicelib.configuration.digest import configuration_digest
from testing.app import CredvendApp
from testing.event_table import SAMPLES, Sample
from testing.events import Json
from testing.sts_server import SECRET

# API Gateway cannot route a request without them, and Chalice finds its routes by them.
ROUTING = [("pathParameters",), ("requestContext", "resourcePath"), ("requestContext", "httpMethod")]


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES.keys())
def test_each_event_gets_the_answer_that_it_should(credvend: CredvendApp, sample: Sample) -> None:
    before = copy.deepcopy(sample.event)
    answer = credvend.receive(sample.event)
    assert (answer.status, answer.body.get("Code")) == (sample.status, sample.code), answer.text
    records = credvend.records()
    assert tuple(record["event"] for record in records) == sample.records
    for record in records:
        assert (record.get("caller"), record.get("source_ip")) == (sample.caller, sample.source_ip)
        assert record.get("cause") == (sample.code if record is records[-1] else None)
    assert (SECRET in answer.text) is ("credentials.vended" in sample.records)
    assert bool(credvend.sts.asked) is ("credentials.vended" in sample.records)
    assert sample.event == before


def fields(node: Json, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places of all fields of an event and, wherever that nests, of its context."""
    for name, value in node.items():
        here = (*place, name)
        if here not in ROUTING and here != ("requestContext",):
            yield here
        if isinstance(value, dict) and here[0] == "requestContext":
            yield from fields(value, here)


def with_null(event: Json, place: tuple[str, ...]) -> Json:
    return with_value(event, place, None)


def value_at(event: Json, place: tuple[str, ...]) -> object:
    node: object = event
    for name in place:
        node = cast(Json, node)[name]
    return node


def with_value(event: Json, place: tuple[str, ...], value: object) -> Json:
    changed = copy.deepcopy(event)
    node = changed
    for name in place[:-1]:
        node = cast(Json, node[name])
    node[place[-1]] = value
    return changed


@pytest.mark.parametrize(
    "name", ["custom domain with a base path, /v1/iam/credentials", "console's test", "mutual TLS"]
)
def test_any_field_may_be_null(credvend: CredvendApp, name: str) -> None:
    event = SAMPLES[name].event
    places = list(fields(event))
    assert ("requestContext", "identity", "accessKey") in places and ("multiValueHeaders",) in places
    for place in places:
        answer = credvend.receive(with_null(event, place))
        assert answer.status < 500, place
        assert credvend.records(), place


def test_any_text_may_hold_half_a_surrogate_pair(credvend: CredvendApp) -> None:
    """Which is no text, and which nothing but JSON can hold: whatever it is in, the answer is clear, and recorded."""
    event = SAMPLES["custom domain with a base path, /v1/iam/credentials"].event
    texts = [place for place in fields(event) if isinstance(value_at(event, place), str)]
    assert ("requestContext", "identity", "userArn") in texts and ("body",) in texts
    for place in texts:
        changed = with_value(event, place, f"{value_at(event, place)}\ud800")
        answer = credvend.receive(changed)
        assert answer.status < 500, place
        assert credvend.records()[-1]["request_id"], place


def test_what_tells_nothing_of_the_caller_changes_nothing(credvend: CredvendApp) -> None:
    """Only the context's identity says who calls, and only its address and stage say where from."""
    event = SAMPLES["custom domain with a base path, /v1/iam/credentials"].event
    used = {"userArn", "accountId", "caller", "sourceIp", "userAgent", "cognitoIdentityId"}
    credvend.receive(event)
    (expected,) = credvend.sts.asked
    for place in fields(event):
        if place[0] == "requestContext" and place[-1] not in used | {"identity", "requestId"}:
            credvend.sts.asked.clear()
            assert credvend.receive(with_null(event, place)).status == 200, place
            assert credvend.sts.asked == [expected], place


def test_a_signed_caller_is_told_which_configuration_answers(credvend: CredvendApp, tmp_path: Path) -> None:
    answer = credvend.call("GET", "/v1/iam/health")
    assert answer.body == {"Status": "ok", "Configuration": configuration_digest(tmp_path)}
    assert json.loads(credvend.call("GET", "/v1/health").text) == {"Status": "ok"}
    assert credvend.call("GET", "/v1/iam/health", query={"a": "b"}).status == 400
    credvend.vend({"role": "reader"})
    events = [(record["event"], record["configuration"]) for record in credvend.records()]
    assert events == [
        (event, configuration_digest(tmp_path))
        for event in ("health.reported", "read.denied", "credentials.requested", "credentials.vended")
    ]
