"""Every route and every form, answered by the package under the runtime client that Lambda's Python runtimes run."""

import json
import os
from collections.abc import Iterator
from typing import cast

import pytest

import app as app_module
from testing.app import Json
from testing.events import iam_user, rest_event, root
from testing.runtime import Environment
from testing.sts_server import SECRET, TOKEN, Refusal
from testing.tokens import Key, honest_claims, sign
from tests.runtime.conftest import World

JSON = {"Content-Type": "application/json"}


def signed_vend(role: str = "reader", **query: str) -> Json:
    body = json.dumps({"role": role})
    return rest_event("POST", "/v1/iam/credentials", identity=iam_user(), headers=JSON, query=query, body=body)


def bearer_vend(token: str) -> Json:
    headers = {**JSON, "Authorization": f"Bearer {token}"}
    return rest_event("POST", "/v1/credentials", headers=headers, body='{"role": "reader"}')


def nonsense() -> Json:
    """An event that API Gateway never sends, and that nothing here foresees."""
    event = signed_vend()
    return {**event, "requestContext": {**cast(Json, event["requestContext"]), "identity": "nobody"}}


def events(environment: Environment) -> list[object]:
    return [record["event"] for record in environment.records()]


@pytest.fixture
def function(world: World) -> Iterator[Environment]:
    with world.start() as started:
        yield started


def test_a_caller_that_signs_gets_credentials_with_both_records(world: World, function: Environment) -> None:
    answer = function.call(signed_vend())
    assert (answer.status, SECRET in answer.text) == (200, True), answer.text
    assert events(function) == ["credentials.requested", "credentials.vended"]
    assert [asked["RoleSessionName"] for asked in world.sts.asked] == ["user=alice@111122223333"]
    assert SECRET not in "".join(function.log) and TOKEN not in "".join(function.log)


def test_holders_of_tokens_get_credentials(world: World, function: Environment, issuer_key: Key) -> None:
    for token, kind in ((sign(honest_claims(), issuer_key), "OidcSubject"), (world.new_token(), "ServiceToken")):
        answer = function.call(bearer_vend(token))
        assert (answer.status, SECRET in answer.text) == (200, True), answer.text
        assert function.records()[-1]["caller_type"] == kind
        assert token not in "".join(function.log)


@pytest.mark.parametrize("form", ["json", "process", "env", "fish", "powershell", "ini"])
def test_every_form_is_answered(function: Environment, form: str) -> None:
    answer = function.call(signed_vend(format=form))
    assert (answer.status, SECRET in answer.text) == (200, True), answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_sdks_are_answered(world: World, function: Environment) -> None:
    event = rest_event(
        "GET",
        "/v1/credentials/{role}",
        headers={"Authorization": world.new_token()},
        path_parameters={"role": "reader"},
    )
    assert function.call(event).body["SecretAccessKey"] == SECRET


@pytest.mark.parametrize(
    ("method", "resource"),
    [(method, resource) for resource, methods in app_module.app.routes.items() for method in methods],
)
def test_every_route_is_answered(world: World, function: Environment, method: str, resource: str) -> None:
    signs = resource.startswith("/v1/iam/")
    event = rest_event(
        method,
        resource,
        identity=iam_user() if signs else None,
        headers=JSON | ({} if signs else {"Authorization": f"Bearer {world.new_token()}"}),
        path_parameters={name: "reader" for name in ("role", "session") if f"{{{name}}}" in resource} or None,
        body='{"role": "reader"}' if method == "POST" and "{session}" not in resource else None,
    )
    answer = function.call(event)
    # Nobody has a session of that id, and this stage signs no tokens.
    nothing = "{session}" in resource or resource.startswith("/.well-known/")
    assert answer.status == (404 if nothing else 200), answer.text


def test_what_can_be_read_is_read_by_both_doors(world: World, function: Environment) -> None:
    bearer = {"Authorization": f"Bearer {world.new_token()}"}
    assert function.call(rest_event("GET", "/v1/health")).body == {"Status": "ok"}
    for path in ("whoami", "roles"):
        assert function.call(rest_event("GET", f"/v1/iam/{path}", identity=iam_user())).status == 200
        assert function.call(rest_event("GET", f"/v1/{path}", headers=bearer)).status == 200
    assert events(function) == ["caller.described"] * 2 + ["roles.listed"] * 2


def test_refusals_are_told_and_recorded(world: World, function: Environment) -> None:
    cases = [
        (signed_vend("forbidden"), 403, "credentials.denied"),
        (signed_vend("nowhere"), 403, "credentials.denied"),
        (bearer_vend("cvt_nonsense"), 401, "authentication.failed"),
        (rest_event("POST", "/v1/credentials", headers=JSON, body="{}"), 401, "authentication.failed"),
        (rest_event("GET", "/v1/iam/whoami", identity=root()), 403, "read.denied"),
        (rest_event("POST", "/v1/iam/credentials", identity=iam_user(), headers=JSON, body=b"\xff"), 400, None),
    ]
    for event, status, recorded in cases:
        answer = function.call(event)
        assert answer.status == status, answer.text
        assert recorded is None or events(function)[-1] == recorded
    world.sts.refusals.append(Refusal("AccessDenied", "User: x is not authorized to perform: sts:AssumeRole"))
    assert function.call(signed_vend()).status == 502 and events(function)[-1] == "credentials.failed"


def test_an_unforeseen_error_shows_no_trace_and_the_next_request_works(world: World, function: Environment) -> None:
    answer = function.call(nonsense())
    assert answer.status == 500 and answer.body["Code"] == "InternalError" and "Traceback" not in answer.text
    assert world.sts.asked == [] and [line for line in function.log if "unforeseen" in line]
    assert function.call(signed_vend()).status == 200


@pytest.mark.parametrize("form", ["Text", "JSON"])
def test_each_record_is_one_line_of_json_in_either_format_of_logs(world: World, form: str) -> None:
    with world.start({"AWS_LAMBDA_LOG_FORMAT": form}) as function:
        assert function.call(signed_vend()).status == 200
        records = [json.loads(line) for line in function.log]  # nothing but records, and none of them twice
    assert [record["event"] for record in records] == ["credentials.requested", "credentials.vended"]


@pytest.mark.parametrize("form", ["Text", "JSON"])
def test_records_go_to_standard_output_and_other_logs_to_lambdas_frames(world: World, form: str) -> None:
    """Lambda hands its runtime a descriptor for framed messages, in which several lines are one."""
    reading, writing = os.pipe()
    variables = {"AWS_LAMBDA_LOG_FORMAT": form, "_LAMBDA_TELEMETRY_LOG_FD": str(writing)}
    with world.start(variables, keep=[writing]) as function:
        os.close(writing)
        assert function.call(signed_vend()).status == 200
        assert function.call(nonsense()).status == 500
        records = [json.loads(line) for line in function.log]
    with os.fdopen(reading, "rb") as frames:
        (frame,) = read_frames(frames.read())
    expected = ["credentials.requested", "credentials.vended", "request.failed"]
    assert [record["event"] for record in records] == expected
    assert "unforeseen" in frame and "credentials." not in frame
    assert form == "Text" or json.loads(frame)["level"] == "ERROR"


def read_frames(content: bytes) -> list[str]:
    """Messages of frames: 4 bytes type, 4 bytes length, 8 bytes time, message (`FramedTelemetryLogSink`)."""
    found = []
    while content:
        length = int.from_bytes(content[4:8], "big")
        found.append(content[16 : 16 + length].decode())
        content = content[16 + length :]
    return found


def test_a_closed_log_of_operators_does_not_stand_in_the_way(world: World) -> None:
    """Lambda's handler raises where logging's own swallow; what matters is the audit log, which is open."""
    reading, writing = os.pipe()
    os.close(reading)
    with world.start({"_LAMBDA_TELEMETRY_LOG_FD": str(writing)}, keep=[writing]) as function:
        os.close(writing)
        assert function.call(nonsense()).body["Code"] == "InternalError"
        token = world.new_token()
        world.table.failures[:] = ["InternalServerError"] * 2
        answer = function.call(bearer_vend(token))
        assert (answer.status, answer.body["Code"]) == (503, "TokenStoreUnavailable")
        assert events(function) == ["request.failed", "authentication.failed"]
        assert function.call(signed_vend()).status == 200


def test_a_log_level_that_would_swallow_records_keeps_the_function_from_starting(world: World) -> None:
    with world.start({"AWS_LAMBDA_LOG_LEVEL": "ERROR", "AWS_LAMBDA_LOG_FORMAT": "JSON"}) as function:
        path, error = function.result()
    assert path == "init/error" and error["errorType"] == "ConfigError"
    assert "AWS_LAMBDA_LOG_LEVEL=ERROR would suppress the audit log" in str(error["errorMessage"])
