"""What a caller is told when STS says no, or nothing."""

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
    UnknownEndpointError,
)

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.configuration.settings import Settings
from chalicelib.sessions.sts import ATTEMPTS, READ_SECONDS, WORST_SECONDS
from testing.app import CredvendApp, write_config
from testing.sts_server import REQUEST_ID, SECRET, TOKEN, Refusal, StsServer

ROLE = "arn:aws:iam::111122223333:role/credvend-prod-eu-west-1"
SERVICE = "arn:aws:sts::111122223333:assumed-role/credvend-prod-eu-west-1/credvend-prod"


def denied(action: str, why: str = "") -> Refusal:
    """STS's own words, which name the service's role."""
    role = "arn:aws:iam::111122223333:role/reader"
    return Refusal("AccessDenied", f"User: {SERVICE} is not authorized to perform: {action} on resource: {role}{why}")


@pytest.mark.parametrize(
    ("refusal", "status", "cause", "advice"),
    [
        (denied("sts:AssumeRole"), 502, "not_trusted", f"allow sts:AssumeRole to credvend's role {ROLE} ("),
        (denied("sts:TagSession"), 502, "no_tag_session", f"sts:TagSession to credvend's role {ROLE}, or"),
        (denied("sts:TagSession"), 502, "no_tag_session", "tag_session: false"),
        (denied("sts:SetSourceIdentity"), 502, "no_set_source_identity", f"Identity to credvend's role {ROLE}, or"),
        (denied("sts:SetSourceIdentity"), 502, "no_set_source_identity", "source_identity: false"),
        (
            denied("sts:AssumeRole", " because no identity-based policy allows the sts:AssumeRole action"),
            502,
            "own_policy",
            "must deploy again",
        ),
        (
            denied("sts:AssumeRole", " with an explicit deny in a service control policy"),
            502,
            "explicit_deny",
            "control policy",
        ),
        (Refusal("AccessDenied", "no"), 502, "not_trusted", "allow sts:AssumeRole to credvend's role (with"),
        (
            Refusal("AccessDenied", "User: arn:aws:iam::1:user/x is not authorized to perform: sts:AssumeRole"),
            502,
            "not_trusted",
            "allow sts:AssumeRole to credvend's role (with",
        ),
        (Refusal("RegionDisabledException"), 502, "region_disabled", "must activate it"),
        (
            Refusal("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set", 400),
            502,
            "max_session_duration",
            "Ask for less",
        ),
        (
            Refusal("PackedPolicyTooLarge", "Packed policy consumes 112% of allotted space, please use smaller", 400),
            400,
            "packed_policy_too_large",
            "112% of what it takes",
        ),
        (Refusal("PackedPolicyTooLarge", "no", 400), 400, "packed_policy_too_large", "more than what it takes"),
        (Refusal("MalformedPolicyDocument", "Syntax errors in policy.", 400), 502, "malformed_policy", "operators"),
        (Refusal("ExpiredToken"), 503, "own_credentials", "Try again"),
        (Refusal("InvalidClientTokenId"), 503, "own_credentials", "Try again"),
        (Refusal("Whatever", status=400), 502, "refused", "(Whatever)"),
    ],
)
def test_a_refusal_becomes_a_cause_to_act_on(
    credvend: CredvendApp, refusal: Refusal, status: int, cause: str, advice: str
) -> None:
    credvend.sts.refusals.append(refusal)
    answer = credvend.vend({"role": "reader"})
    assert answer.status == status and advice in str(answer.body["Message"])
    assert answer.body["Code"] == {400: "InvalidRequest", 502: "StsRefused", 503: "StsUnavailable"}[status]
    # Its role is for whoever must trust it; its session is nobody's business.
    assert "assumed-role" not in answer.text and "credvend-prod" not in answer.text.replace(ROLE, "")
    requested, failed = credvend.records()
    assert (requested["event"], failed["event"]) == ("credentials.requested", "credentials.failed")
    assert (failed["cause"], failed["sts_request_id"]) == (cause, REQUEST_ID)


@pytest.mark.parametrize("action", ["AssumeRole", "TagSession", "SetSourceIdentity"])
@pytest.mark.parametrize(
    "why", ["", " because no identity-based policy allows it", " with an explicit deny in a policy"]
)
def test_whoever_has_just_changed_what_denies_is_told_to_try_again(
    credvend: CredvendApp, action: str, why: str
) -> None:
    credvend.sts.refusals.append(denied(f"sts:{action}", why))
    message = str(credvend.vend({"role": "reader"}).body["Message"])
    assert "just now, this can take some seconds: try again." in message and ROLE in message


@pytest.mark.parametrize(
    ("refusal", "cause"),
    [(Refusal("Throttling", status=400), "throttled"), (Refusal("InternalFailure", status=500), "sts_error")],
)
def test_a_passing_trouble_is_tried_again(credvend: CredvendApp, refusal: Refusal, cause: str) -> None:
    credvend.sts.refusals.append(refusal)
    assert credvend.vend({"role": "reader"}).status == 200 and len(credvend.sts.asked) == 2
    credvend.sts.refusals += [refusal] * 3
    answer = credvend.vend({"role": "reader"})
    assert answer.status == 503 and answer.headers["Retry-After"] == "2"
    assert credvend.records()[-1]["cause"] == cause


def test_an_answer_without_credentials_is_a_503(credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch) -> None:
    for nonsense in ("<AssumeRoleResponse/>", "<html>", "", "{}"):
        monkeypatch.setattr(StsServer, "answer", lambda *_, text=nonsense: (200, text))
        assert credvend.vend({"role": "reader"}).status == 503
        requested, failed = credvend.records()
        assert (requested["event"], failed["event"]) == ("credentials.requested", "credentials.failed")


def answering(monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]) -> None:
    """Have STS answer with what is left of a right answer."""
    honest = StsServer.answer

    def answer(sts: StsServer, body: bytes) -> tuple[int, str]:
        status, text = honest(sts, body)
        assert change(text) != text or change is same
        return status, change(text)

    monkeypatch.setattr(StsServer, "answer", answer)


def same(text: str) -> str:
    return text


def without(tag: str) -> Callable[[str], str]:
    return lambda text: re.sub(f"(?s)<{tag}>.*?</{tag}>", "", text)


def holding(tag: str, value: str) -> Callable[[str], str]:
    return lambda text: re.sub(f"(?s)<{tag}>.*?</{tag}>", f"<{tag}>{value}</{tag}>", text)


def in_the_future(seconds: int) -> str:
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def twice(tag: str) -> Callable[[str], str]:
    return lambda text: re.sub(f"(?s)(<{tag}>.*?</{tag}>)", r"\1\1", text)


ARN = "arn:aws:sts::111122223333:assumed-role/reader/user=alice@111122223333"
HALF_RIGHT = {
    "an unreadable expiration": holding("Expiration", "soon"),
    "an empty expiration": holding("Expiration", ""),
    "an expiration beyond all times": holding("Expiration", "99999999999999999"),
    "an expiration without a time zone": holding("Expiration", "2036-01-01T00:00:00"),
    "no expiration": without("Expiration"),
    "an expiration in the past": holding("Expiration", "2026-01-01T00:00:00Z"),
    "an expiration just now": lambda text: holding("Expiration", in_the_future(-1))(text),
    "a longer session than was asked for": lambda text: holding("Expiration", in_the_future(900 + 360))(text),
    "two expirations": twice("Expiration"),
    "no credentials": without("Credentials"),
    "text instead of credentials": holding("Credentials", "none"),
    "no key": without("AccessKeyId"),
    "an empty key": holding("AccessKeyId", ""),
    "a key of two lines": holding("AccessKeyId", "ASIA\nEXAMPLE"),
    "two keys": twice("AccessKeyId"),
    "a key that does not end": holding("AccessKeyId", "AKIAIOSFODNN7EXAMPLE"),
    "a key of something else": holding("AccessKeyId", "AROAIOSFODNN7EXAMPLE"),
    "an empty secret": holding("SecretAccessKey", ""),
    "no secret": without("SecretAccessKey"),
    "an empty token": holding("SessionToken", ""),
    "a blank token": holding("SessionToken", " "),
    "no token": without("SessionToken"),
    "text instead of a number": holding("PackedPolicySize", "six"),
    "nothing instead of a number": holding("PackedPolicySize", ""),
    "two numbers": twice("PackedPolicySize"),
    "more than all of what fits": holding("PackedPolicySize", "101"),
    "less than nothing": holding("PackedPolicySize", "-1"),
    "no user": without("AssumedRoleUser"),
    "no ARN": without("Arn"),
    "another role's ARN": holding("Arn", ARN.replace("/reader/", "/admin/")),
    "another account's ARN": holding("Arn", ARN.replace("::111122223333", "::999999999999")),
    "another session's ARN": holding("Arn", ARN.replace("alice", "bob")),
    "a session's ARN in another spelling": holding("Arn", ARN.replace("alice", "Alice")),
    "an ARN with more in it": holding("Arn", ARN + "/more"),
    "another session's id": holding("AssumedRoleId", "AROAEXAMPLE:bob"),
    "no id": without("AssumedRoleId"),
    "half an id": holding("AssumedRoleId", ":user=alice@111122223333"),
    "another source identity": holding("SourceIdentity", "bob"),
    "no source identity": without("SourceIdentity"),
    "an empty source identity": holding("SourceIdentity", ""),
    "a source identity in another spelling": holding("SourceIdentity", "user=Alice@111122223333"),
    "two source identities": twice("SourceIdentity"),
    "no request id": without("ResponseMetadata"),
    "an empty request id": holding("RequestId", ""),
}


@pytest.mark.parametrize("change", HALF_RIGHT.values(), ids=HALF_RIGHT)
def test_half_a_session_is_not_handed_out_and_recorded(
    credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]
) -> None:
    answering(monkeypatch, change)
    for query in ({}, {"format": "env"}):
        answer = credvend.vend({"role": "reader", "duration": 900}, query=query)
        assert (answer.status, answer.body["Code"]) == (503, "StsUnavailable")
        requested, failed = credvend.records()
        assert (requested["event"], failed["event"]) == ("credentials.requested", "credentials.failed")
        assert failed["cause"] == "bad_answer" and failed["sts_problem"]
        for text in (answer.text, json.dumps(failed)):
            assert SECRET not in text and TOKEN not in text


@pytest.mark.parametrize(
    "change",
    [
        same,
        without("PackedPolicySize"),  # AWS tells none of a session without policy and tags
        holding("PackedPolicySize", "100"),
        holding("Arn", ARN.replace("/reader/", "/Reader/")),  # IAM's own spelling: names differ by more than case
        lambda text: holding("Expiration", in_the_future(900 + 240))(text),  # clocks differ
        lambda text: holding("Expiration", in_the_future(30))(text),  # shorter is less
    ],
)
def test_a_whole_session_is_handed_out(
    credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]
) -> None:
    answering(monkeypatch, change)
    assert credvend.vend({"role": "reader", "duration": 900}).status == 200
    assert credvend.records()[-1]["event"] == "credentials.vended"


def test_the_sessions_of_every_role_of_the_catalog_are_believed(credvend: CredvendApp) -> None:
    """A path is no part of a session's ARN, and a role may have neither source identity nor tags."""
    assert credvend.vend({"role": "external"}).body["RoleArn"] == "arn:aws:iam::444455556666:role/deep/external"
    for role, more in (("external", {}), ("plain", {}), ("tenant", {"params": {"tenant": "acme"}})):
        assert credvend.vend({"role": role, **more}).status == 200, role


@pytest.mark.parametrize(
    ("error", "status", "code", "cause"),
    [
        (ReadTimeoutError(endpoint_url="https://sts"), 503, "StsUnavailable", "unreachable"),
        (ConnectTimeoutError(endpoint_url="https://sts"), 503, "StsUnavailable", "unreachable"),
        (EndpointConnectionError(endpoint_url="https://sts"), 503, "StsUnavailable", "unreachable"),
        (SSLError(endpoint_url="https://sts", error=ValueError("certificate")), 503, "StsUnavailable", "unreachable"),
        (ProxyConnectionError(proxy_url="http://proxy"), 503, "StsUnavailable", "unreachable"),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), 503, "StsUnavailable", "unreachable"),
        (HTTPClientError(error="anything"), 503, "StsUnavailable", "unreachable"),
        (NoCredentialsError(), 503, "StsUnavailable", "own_credentials"),
        (PartialCredentialsError(provider="env", cred_var="SECRET"), 503, "StsUnavailable", "own_credentials"),
        (CredentialRetrievalError(provider="x", error_msg="y"), 503, "StsUnavailable", "own_credentials"),
        (MetadataRetrievalError(error_msg="y"), 503, "StsUnavailable", "own_credentials"),
        (ParamValidationError(report="Invalid length"), 500, "InternalError", "not_sent"),
        (UnknownEndpointError(service_name="sts", region_name="x"), 500, "InternalError", "not_sent"),
        (BotoCoreError(), 500, "InternalError", "not_sent"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), 500, "InternalError", "unforeseen"),
        (AttributeError("secret"), 500, "InternalError", "unforeseen"),
    ],
)
def test_what_the_aws_client_raises_is_of_its_own_kind(
    credvend: CredvendApp,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    code: str,
    cause: str,
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(app_module.service.issuing.by_assume_role.client, "assume_role", fail)
    answer = credvend.vend({"role": "reader"})
    assert (answer.status, answer.body["Code"]) == (status, code)
    requested, failed = credvend.records()
    assert (requested["event"], failed["event"]) == ("credentials.requested", "credentials.failed")
    assert (failed["cause"], failed["error_type"]) == (cause, type(error).__name__)


def test_a_request_that_botocore_does_not_send_is_no_outage(
    credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.sessions.plan.session_name", lambda _caller: "x")  # STS wants two characters
    assert credvend.vend({"role": "reader"}).body["Code"] == "InternalError"
    failed = credvend.records()[-1]
    assert (failed["cause"], failed["error_type"]) == ("not_sent", "ParamValidationError")
    assert credvend.sts.asked == []


def test_a_silent_sts_is_given_up_well_before_api_gateway_gives_up(
    credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All attempts end in time, if each waits for an answer as long as it is told to: here, a tenth of that."""
    assert WORST_SECONDS <= 16
    shorter = READ_SECONDS / 10
    monkeypatch.setattr("chalicelib.sessions.sts.READ_SECONDS", shorter)
    monkeypatch.setattr(app_module, "service", load_service(write_config(tmp_path), Settings("ap-northeast-2")))
    credvend.sts.silent = True
    started = time.monotonic()
    answer = credvend.vend({"role": "reader"})
    assert answer.status == 503 and "could not be reached" in str(answer.body["Message"])
    assert ATTEMPTS * shorter <= time.monotonic() - started < WORST_SECONDS - ATTEMPTS * (READ_SECONDS - shorter)
    assert credvend.sts.server.connections == ATTEMPTS
    assert credvend.records()[-1]["cause"] == "unreachable"


def test_an_sts_that_is_not_there_is_a_503(credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib3.util.connection.create_connection", _refuse)
    answer = credvend.vend({"role": "reader"})
    assert answer.status == 503
    assert credvend.records()[-1]["cause"] == "unreachable"


def _refuse(*_: object, **__: object) -> None:
    raise ConnectionRefusedError
