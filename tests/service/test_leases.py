"""Sessions of less than 15 minutes: STS shortens the one that it has made."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

import app as app_module
from chalicelib.admission.with_ledger import WORST_SECONDS as LEDGER_SECONDS
from chalicelib.assembly import load_service
from chalicelib.configuration.settings import Settings
from chalicelib.http import HttpEdge
from chalicelib.sessions.leases import lease_client, shown
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sharing import SharedSessions
from testing.app import POLICIES, REQUEST_ID, CredvendApp, write_config
from testing.signing_app import ROLES as SIGNING_ROLES
from testing.sts_server import LEASE_KEY, LEASE_REQUEST_ID, LEASE_TOKEN, TOKEN, Refusal, StsServer
from testing.sts_server import REQUEST_ID as STS_REQUEST_ID

ROLES = """
roles:
  - {name: reader, arn: "arn:aws:iam::111122223333:role/reader", groups: [open]}
  - {name: leased, arn: "arn:aws:iam::111122223333:role/leased", groups: [open], min_duration: 1s}
  - name: scoped
    arn: arn:aws:iam::111122223333:role/scoped
    groups: [open]
    min_duration: 1s
    policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "*"}]}
  - name: managed
    arn: arn:aws:iam::111122223333:role/managed
    groups: [open]
    min_duration: 1s
    policy_arns: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess]
"""


@pytest.fixture
def credvend(
    sts: StsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CredvendApp:
    """The app with a role that has leases."""
    service = load_service(write_config(tmp_path, ROLES, POLICIES), Settings("ap-northeast-2"))
    monkeypatch.setattr(app_module, "service", service)
    monkeypatch.setattr(app_module, "edge", HttpEdge(service.record_unforeseen))
    return CredvendApp(sts, capsys)


@pytest.mark.parametrize(("written", "seconds"), [("60s", 60), (1, 1), ("14m59s", 899)])
def test_a_lease_is_all_that_leaves(credvend: CredvendApp, sts: StsServer, written: int | str, seconds: int) -> None:
    answer = credvend.vend({"role": "leased", "duration": written, "reason": "ticket 7"})
    assert answer.status == 200, answer.text
    given = cast(dict[str, str], answer.body["Credentials"])
    assert (given["AccessKeyId"], given["SessionToken"]) == (LEASE_KEY, LEASE_TOKEN)
    assert datetime.fromisoformat(given["Expiration"]) - datetime.now(UTC) <= timedelta(seconds=seconds)
    session, lease = sts.asked
    assert (session["Action"], session["DurationSeconds"]) == ("AssumeRole", "900")
    assert (lease["Action"], lease["DurationSeconds"]) == ("GetScopedCredentials", str(seconds))
    assert lease["ScopedSessionDescription"] == f"{REQUEST_ID} ticket 7" and "Policy" not in lease
    assert sts.signed_by == ["AKIASERVICE", "ASIAEXAMPLE"]


@pytest.mark.parametrize(("kept_seconds", "connections"), [(5, 1), (-1, 3)])
def test_leases_share_a_client_and_for_seconds_its_connection(
    credvend: CredvendApp, sts: StsServer, monkeypatch: pytest.MonkeyPatch, kept_seconds: int, connections: int
) -> None:
    monkeypatch.setattr("chalicelib.aws.brief_connections.KEPT_SECONDS", kept_seconds)
    made: list[object] = []

    def counted(region: str, connections: int) -> object:
        made.append(lease_client(region, connections))
        return made[-1]

    monkeypatch.setattr("chalicelib.sessions.leases.lease_client", counted)
    for _ in range(3):
        assert credvend.vend({"role": "leased", "duration": 60}).status == 200
    assert len(made) == 1
    assert sts.server.connections == 1 + connections  # one for AssumeRole
    assert sts.signed_by == ["AKIASERVICE", "ASIAEXAMPLE"] * 3


def test_a_lease_has_the_identity_that_a_session_has(credvend: CredvendApp, sts: StsServer) -> None:
    session = credvend.vend({"role": "leased", "duration": "15m"}).body
    lease = credvend.vend({"role": "leased", "duration": "60s"}).body
    for field in ("AssumedRoleUser", "SourceIdentity", "Role", "RoleArn"):
        assert lease[field] == session[field]
    assert [asked["Action"] for asked in sts.asked] == ["AssumeRole", "AssumeRole", "GetScopedCredentials"]
    same = {key: value for key, value in sts.asked[0].items() if "Value" not in key}
    assert {key: value for key, value in sts.asked[1].items() if "Value" not in key} == same


CUT_SHORT = {"Effect": "Allow", "Action": "sts:GetScopedCredentials", "Resource": "*"}
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


@pytest.mark.parametrize(
    ("role", "asked", "statements"),
    [
        ("leased", None, None),
        ("leased", READ, [READ, CUT_SHORT]),
        ("scoped", None, [READ, CUT_SHORT]),
        ("managed", None, [CUT_SHORT]),
    ],
)
def test_a_session_policy_lets_the_session_be_cut_short(
    credvend: CredvendApp, sts: StsServer, role: str, asked: object, statements: object
) -> None:
    """Or nobody who narrows a lease would get one. A session of 15 minutes has nothing of it."""
    policy = {} if asked is None else {"policy": {"Version": "2012-10-17", "Statement": asked}}
    assert credvend.vend({"role": role, "duration": 60, **policy}).status == 200
    sent = sts.asked[0].get("Policy")
    assert (None if sent is None else json.loads(sent)["Statement"]) == statements
    assert credvend.vend({"role": role, "duration": 900, **policy}).status == 200
    assert "GetScopedCredentials" not in sts.asked[2].get("Policy", "")


def test_the_record_is_that_of_the_lease(credvend: CredvendApp) -> None:
    credvend.vend({"role": "leased", "duration": 60})
    text = credvend.capture.readouterr().out
    assert TOKEN not in text and LEASE_TOKEN not in text and "ASIAEXAMPLE" not in text
    credvend.vend({"role": "leased", "duration": 60})
    _, vended = credvend.records()
    assert (vended["access_key_id"], vended["issued_by"]) == (LEASE_KEY, "assume_role")
    assert (vended["sts_request_id"], vended["sts_scoped_request_id"]) == (STS_REQUEST_ID, LEASE_REQUEST_ID)


@pytest.mark.parametrize("role", ["reader", "leased", "long"])
@pytest.mark.parametrize("duration", [1, 900])
def test_whatever_is_asked_ends_before_the_function_does(tmp_path: Path, role: str, duration: int) -> None:
    """API Gateway and Lambda give a request 28 s; half a second is what comes before the ledger."""
    config = write_config(tmp_path, SIGNING_ROLES, POLICIES)
    service = load_service(config, Settings("ap-northeast-2", signing_alias="alias/a"))
    found = service.configuration().catalog.find_role(role)
    assert found is not None
    plan = SessionPlan(found, "a", duration, None, ())
    assert LEDGER_SECONDS + service.issuing.worst_seconds(plan) <= 27.5


def test_a_role_that_has_none_names_the_shortest(credvend: CredvendApp, sts: StsServer) -> None:
    answer = credvend.vend({"role": "reader", "duration": 60})
    assert (answer.status, sts.asked) == (400, [])
    assert answer.body["Message"] == 'Field "duration" must be at least 900 seconds for role reader.'


@pytest.mark.parametrize(
    ("refusal", "status", "cause"),
    [
        (
            Refusal(
                "AccessDenied",
                "User: arn:aws:sts::111122223333:assumed-role/leased/x is not authorized to perform: "
                "sts:GetScopedCredentials because no identity-based policy allows the sts:GetScopedCredentials action",
            ),
            502,
            "no_scoped_credentials",
        ),
        (Refusal("InsufficientSessionLifetime", "x", 400), 502, "refused"),
        (Refusal("InvalidSubjectCredentials", "x", 400), 502, "refused"),
        # Of the session's credentials, not of credvend's own.
        (Refusal("ExpiredToken", "x", 400), 502, "refused"),
        (Refusal("InvalidClientTokenId", "x", 403), 502, "refused"),
        (Refusal("Throttling", "x", 400), 503, "throttled"),
        (Refusal("InternalFailure", "x", 500), 503, "sts_error"),
    ],
)
def test_no_session_leaves_where_no_lease_can_be_had(
    credvend: CredvendApp, sts: StsServer, refusal: Refusal, status: int, cause: str
) -> None:
    real = sts.answer

    def answer(body: bytes) -> tuple[int, str]:
        if b"GetScopedCredentials" in body:
            sts.refusals = [refusal]
        return real(body)

    sts.answer = answer  # type: ignore[method-assign]
    got = credvend.vend({"role": "leased", "duration": 60})
    failed = credvend.records()[-1]
    assert (got.status, failed["cause"]) == (status, cause), got.text
    assert failed["access_key_id"] == "ASIAEXAMPLE"  # CloudTrail shows it
    assert "Credentials" not in got.body and [asked["Action"] for asked in sts.asked] == [
        "AssumeRole",
        "GetScopedCredentials",
    ]


def test_a_lease_that_lasts_longer_than_was_asked_for_is_never_handed_out(
    credvend: CredvendApp, sts: StsServer
) -> None:
    real = sts.answer
    sts.answer = lambda body: real(body.replace(b"DurationSeconds=60", b"DurationSeconds=200"))  # type: ignore[method-assign]
    answer = credvend.vend({"role": "leased", "duration": 60})
    assert answer.status == 503 and "Credentials" not in answer.body
    assert credvend.records()[-1]["sts_problem"] == "Expiration is later than was asked for"


def test_a_lease_is_shared_with_nobody(
    credvend: CredvendApp, sts: StsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would have ended before the other has it."""
    sharing = app_module.service._replace(sharing=SharedSessions(5))
    monkeypatch.setattr(app_module, "service", sharing)
    for _ in range(2):
        assert credvend.vend({"role": "leased", "duration": 2}).status == 200
    assert [asked["Action"] for asked in sts.asked] == ["AssumeRole", "GetScopedCredentials"] * 2


def test_a_description_holds_what_sts_takes_and_no_more() -> None:
    assert shown("Übung für Zoë") == "Übung für Zoë"
    assert shown("日本 \u00a0\u0085\x7f\n") == "?? ????"
    assert len(shown("é" * 300)) == 256
