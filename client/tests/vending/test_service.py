"""What is sent to the service, and what its refusals mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from fake_service import FakeService, Planned

from credvend.auth.registry import authenticator
from credvend.disk.config_file import load_config
from credvend.errors import AccessDeniedError, AuthenticationError, CredvendError, ServiceError, UsageError
from credvend.net.request import Response
from credvend.vending.options import Options
from credvend.vending.refusals import refusal
from credvend.vending.service import Service


def ask(environ: Mapping[str, str]) -> Service:
    config = load_config(environ)
    return Service(config, authenticator(config, environ), environ)


def test_only_what_was_asked_for_is_sent(service: FakeService, environ: dict[str, str]) -> None:
    ask(environ).vend("reports", Options())
    assert service.asked[0].json == {"role": "reports"}
    assert service.asked[0].path == "/api/v1/credentials"
    assert service.asked[0].headers["authorization"] == "Bearer cvt_of-the-test"
    assert service.asked[0].headers["content-type"] == "application/json"


def test_a_denial_names_the_command_that_lists_the_roles() -> None:
    for route in ("GET /v1/roles (/v1/iam/roles)", "GET /v1/roles"):
        body = {"Code": "AccessDenied", "Message": f"No such role. {route} lists the roles you may assume."}
        error = refusal(Response(403, {}, json.dumps(body).encode()))
        assert error.message == "No such role. `credvend roles` lists the roles you may assume."


def test_whoever_has_too_many_sessions_is_told_how_to_end_one() -> None:
    told = "You are over the quota q: {}. Nothing was vended: try again in 60 seconds."
    for limit, words in (("3 live sessions at once", "`credvend revoke` ends one"), ("2 a minute", "60 seconds.")):
        answer = {"Code": "QuotaExceeded", "Message": told.format(limit)}
        found = refusal(Response(429, {}, json.dumps(answer).encode()))
        assert found.exit_code == 5 and words in found.message
        assert ("revoke" in found.message) == ("live" in limit)


@pytest.mark.parametrize("more", ["?x=1", "?", "#x"])
def test_a_url_with_a_query_is_not_asked(service: FakeService, environ: dict[str, str], more: str) -> None:
    environ["CREDVEND_URL"] = service.url + more
    with pytest.raises(UsageError, match="query"):
        ask(environ).whoami()
    assert service.asked == []


def test_every_option_is_sent(service: FakeService, environ: dict[str, str]) -> None:
    policy = {"Version": "2012-10-17", "Statement": []}
    options = Options("15m", "wé", (("bucket", "a"),), (("team", "b"),), json.dumps(policy))
    ask(environ).vend("reports", options, dry_run=True)
    assert service.asked[0].json == {
        "role": "reports",
        "duration": 900,
        "reason": "wé",
        "params": {"bucket": "a"},
        "tags": {"team": "b"},
        "policy": policy,
        "dry_run": True,
    }


def test_a_duration_in_seconds_is_a_number(service: FakeService, environ: dict[str, str]) -> None:
    ask(environ).vend("reports", Options(duration="900"))
    assert service.asked[0].json["duration"] == 900


DEEP = b'{"a": ' + b"[" * 100_000


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("body", [DEEP, b"\xff", b"[]", b"1" * 5000, b""])
def test_an_answer_that_is_no_object_is_no_fault_of_credvend(
    service: FakeService, environ: dict[str, str], status: int, body: bytes
) -> None:
    service.planned = [Planned(status, body)]
    with pytest.raises((ServiceError, AccessDeniedError)):
        ask(environ).whoami()


@pytest.mark.parametrize("role", ["", "a b", "a\0b", "é", "a\n"])
def test_what_can_be_no_role_is_not_asked_for(service: FakeService, environ: dict[str, str], role: str) -> None:
    with pytest.raises(UsageError, match="credvend roles"):
        ask(environ).vend(role, Options())
    assert service.asked == []


@pytest.mark.parametrize("policy", ["", "[]", "{", "'x'", DEEP.decode()])
def test_a_policy_that_is_no_json_object_is_not_sent(
    service: FakeService, environ: dict[str, str], policy: str
) -> None:
    with pytest.raises(UsageError, match="policy"):
        ask(environ).vend("reports", Options(policy=policy))
    assert service.asked == []


@pytest.mark.parametrize(
    "policy",
    [
        '{"Statement": [], "Statement": []}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "a", "Resource": "*"}]}',
        '{"Statement": [{"Condition": {"StringEquals": {"k": "a", "k": "b"}}}]}',
    ],
)
def test_a_policy_that_says_something_twice_is_refused_as_the_service_does(
    service: FakeService, environ: dict[str, str], policy: str
) -> None:
    with pytest.raises(UsageError, match="twice in one object"):
        ask(environ).vend("reports", Options(policy=policy))
    assert service.asked == []


def test_a_name_is_given_once() -> None:
    for pairs in ((("a", "1"), ("a", "2")), (("", "1"),)):
        with pytest.raises(UsageError):
            Options(tags=pairs)
        with pytest.raises(UsageError):
            Options(params=pairs)


def test_without_a_url_people_are_told_how_to_set_one(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="credvend configure"):
        ask({name: value for name, value in environ.items() if name != "CREDVEND_URL"})


REFUSALS = [
    (400, {"Code": "InvalidRequest", "Message": "m"}, {}, UsageError),
    (413, {"Code": "RequestTooLarge", "Message": "m"}, {}, UsageError),
    (415, {"Code": "UnsupportedMediaType", "Message": "m"}, {}, UsageError),
    (401, {"Code": "InvalidToken", "Message": "m"}, {}, AuthenticationError),
    (403, {"Code": "AccessDenied", "Message": "m"}, {}, AccessDeniedError),
    (403, {"Code": "AccessDenied", "Message": "no token for you"}, {}, AccessDeniedError),
    (403, {"Code": "CallerRefused", "Message": "m"}, {}, AccessDeniedError),
    # API Gateway's own, on AWS and on the local AWS.
    (403, {"message": "Missing Authentication Token"}, {}, ServiceError),
    (
        403,
        {"message": "Missing Authentication Token"},
        {"x-amzn-errortype": "MissingAuthenticationTokenException"},
        ServiceError,
    ),
    (403, {"message": "The security token included in the request is invalid."}, {}, AuthenticationError),
    (403, {"message": "Signature expired: 20261124T000000Z is now earlier than ..."}, {}, AuthenticationError),
    (403, {"message": "m"}, {"x-amzn-errortype": "InvalidSignatureException"}, AuthenticationError),
    (403, {"message": "m"}, {"x-amzn-errortype": "ExpiredTokenException:http://x"}, AuthenticationError),
    (
        403,
        {"Code": "Forbidden", "Message": "User: x is not authorized to perform: execute-api:Invoke"},
        {},
        AccessDeniedError,
    ),
    (403, {"Code": "NotThroughApi", "Message": "m"}, {}, AccessDeniedError),
    (
        403,
        {"Message": "User: x is not authorized to perform: execute-api:Invoke"},
        {"x-amzn-errortype": "AccessDeniedException"},
        AccessDeniedError,
    ),
    # Nobody who knows the caller: a stage that there is not, a firewall, a proxy, a page for signing in to a network.
    (403, {"message": "Forbidden"}, {}, ServiceError),
    (403, {"message": "Forbidden"}, {"x-amzn-errortype": "ForbiddenException"}, ServiceError),
    (403, "<html>Your token is not authorized to credential", {"server": "squid/5.7"}, ServiceError),
    (403, {"message": "You are not authorized to visit this page."}, {}, ServiceError),
    (401, "<html>", {}, ServiceError),
    (400, "<html>", {"via": "1.1 proxy"}, ServiceError),
    (413, "", {}, ServiceError),
    (401, {"message": "Unauthorized"}, {"x-amzn-errortype": "UnauthorizedException"}, AuthenticationError),
    (400, {"message": "Bad Request"}, {}, UsageError),
    (404, {"message": "Not Found"}, {}, ServiceError),
    (429, {"message": "Too Many Requests"}, {}, ServiceError),
    (500, {"Code": "AuditFailed", "Message": "m"}, {}, ServiceError),
    (502, {"Code": "StsRefused", "Message": "m"}, {}, ServiceError),
    (503, {"Code": "StsUnavailable", "Message": "m"}, {}, ServiceError),
    (502, "<html>\x1b[31m", {}, ServiceError),
    (403, ["x"], {}, ServiceError),
]


@pytest.mark.parametrize(("status", "body", "headers", "error"), REFUSALS)
def test_each_refusal_has_its_exit_code(
    status: int, body: object, headers: dict[str, str], error: type[CredvendError]
) -> None:
    content = body if isinstance(body, str) else json.dumps(body)
    found = refusal(Response(status, headers, content.encode()))
    assert type(found) is error and found.message


def test_who_answered_instead_of_credvend_is_told() -> None:
    found = refusal(Response(403, {"server": "squid/5.7\x1b[2J"}, b"<html>")).message
    assert "squid/5.7?[2J" in found and "status 403" in found and "proxy" in found and "url" in found
    found = refusal(Response(403, {"x-amzn-errortype": "ForbiddenException"}, b'{"message": "Forbidden"}')).message
    assert "API Gateway" in found and "stage" in found and "Forbidden" in found


def test_a_message_of_the_service_cannot_steer_a_terminal() -> None:
    body = json.dumps({"Code": "AccessDenied", "Message": "a\nb\x1b[2J\x07\u202e", "RequestId": "r\n1"}).encode()
    assert refusal(Response(403, {}, body)).message == "a b?[2J?? (request r 1)"


def test_a_wrong_clock_is_told_with_a_refusal(service: FakeService, environ: dict[str, str]) -> None:
    service.ahead = 600
    service.planned = [Planned(403, {"message": "Signature expired"})]
    with pytest.raises(AuthenticationError, match=r"clock is (599|600|601) s behind"):
        ask(environ).whoami()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff", b""])
def test_an_answer_that_is_not_the_service_s_is_an_error(
    service: FakeService, environ: dict[str, str], body: bytes
) -> None:
    service.planned = [Planned(200, body)]
    with pytest.raises(ServiceError, match="url"):
        ask(environ).whoami()


@pytest.mark.parametrize("roles", [None, {}, ["x"], [{}]])
def test_a_list_of_roles_that_is_none_is_an_error(service: FakeService, environ: dict[str, str], roles: object) -> None:
    service.planned = [Planned(200, {"Roles": roles})]
    with pytest.raises(ServiceError):
        ask(environ).roles()


@pytest.mark.parametrize("token", ["two\nlines", "a b", "tökén", "\x7f", " "])
def test_a_token_that_no_header_can_hold_is_not_sent_and_not_told(
    service: FakeService, environ: dict[str, str], token: str
) -> None:
    with pytest.raises(AuthenticationError) as refused:
        ask({**environ, "CREDVEND_TOKEN": token}).whoami()
    assert not token.strip() or token not in str(refused.value)
    assert service.asked == []


def test_a_token_comes_from_a_file(service: FakeService, environ: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    del environ["CREDVEND_TOKEN"]
    ask({**environ, "CREDVEND_TOKEN_FILE": str(file)}).whoami()
    assert service.asked[0].headers["authorization"] == "Bearer from-file"
    file.write_text("")
    with pytest.raises(AuthenticationError, match="empty"):
        ask({**environ, "CREDVEND_TOKEN_FILE": str(file)}).whoami()
    file.unlink()
    with pytest.raises(AuthenticationError, match="cannot be read"):
        ask({**environ, "CREDVEND_TOKEN_FILE": str(file)}).whoami()
