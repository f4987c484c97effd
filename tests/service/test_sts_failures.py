"""What a caller is told when STS says no, or nothing."""

import time

import pytest

from testing.app import CredvendApp
from testing.sts_server import REQUEST_ID, Refusal, StsServer

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


def test_a_silent_sts_is_given_up_well_before_api_gateway_gives_up(credvend: CredvendApp) -> None:
    credvend.sts.silent = True
    started = time.monotonic()
    answer = credvend.vend({"role": "reader"})
    assert answer.status == 503 and "could not be reached" in str(answer.body["Message"])
    assert time.monotonic() - started < 16
    assert credvend.records()[-1]["cause"] == "unreachable"


def test_an_sts_that_is_not_there_is_a_503(credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib3.util.connection.create_connection", _refuse)
    answer = credvend.vend({"role": "reader"})
    assert answer.status == 503
    assert credvend.records()[-1]["cause"] == "unreachable"


def _refuse(*_: object, **__: object) -> None:
    raise ConnectionRefusedError
