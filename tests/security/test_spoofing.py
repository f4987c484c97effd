"""A caller who lies about who they are: nothing that the caller sends says who it is."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testing.app import ACCOUNT, REQUEST_ID, CredvendApp
from testing.events import iam_user, signed, unsigned
from testing.sts_server import tags_of

BOB = f"arn:aws:iam::{ACCOUNT}:user/bob"
LIES = [
    {"X-Amzn-Caller": BOB},
    {"X-Forwarded-User": BOB, "X-Remote-User": BOB},
    {"userArn": BOB, "accountId": "999999999999", "caller": "AIDABOB"},
    {"X-Amz-Security-Token": BOB},
    {"Authorization": f"AWS4-HMAC-SHA256 Credential=AKIABOB/20260101/eu-west-1/execute-api/aws4_request, {BOB}"},
    {"X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1", "Forwarded": "for=10.0.0.1"},
    {"X-Amzn-RequestId": "forged", "requestId": "forged"},
    {"X-HTTP-Method-Override": "DELETE", "X-Original-URL": "/v1/health"},
    {"credvend:caller": BOB, "X-Session-Name": "bob", "X-Source-Identity": "bob"},
]


@pytest.mark.parametrize("headers", LIES)
def test_a_header_does_not_change_the_caller(credvend: CredvendApp, headers: dict[str, str]) -> None:
    honest = credvend.vend({"role": "reader"})
    (asked,) = credvend.sts.asked
    honest_records = credvend.records()
    lied = credvend.vend({"role": "reader"}, headers={"Content-Type": "application/json"} | headers)
    assert (lied.status, lied.body["AssumedRoleUser"]) == (200, honest.body["AssumedRoleUser"])
    assert credvend.sts.asked[1] == asked
    for before, after in zip(honest_records, credvend.records(), strict=True):
        differing = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        assert differing <= {"timestamp", "decision_time", "cold_start", "expiration", "sts_milliseconds"}


@pytest.mark.parametrize(
    "claim",
    ["caller", "identity", "session_name", "RoleSessionName", "source_identity", "SourceIdentity", "Tags", "sub"],
)
def test_a_body_cannot_name_the_caller(credvend: CredvendApp, claim: str) -> None:
    assert credvend.vend({"role": "reader", claim: BOB}).status == 400
    assert credvend.sts.asked == []


@pytest.mark.parametrize(
    "context",
    [
        {"authorizer": {"principalId": BOB, "userArn": BOB}},
        {"userArn": BOB, "accountId": ACCOUNT},
        {"authorizer": {"iam": {"userArn": BOB}}},
    ],
)
def test_only_the_verified_identity_counts(credvend: CredvendApp, context: dict[str, object]) -> None:
    assert credvend.call("GET", "/v1/iam/whoami", context=context).body["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert credvend.call("GET", "/v1/iam/whoami", context=context, identity=unsigned()).status == 401


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    headers=st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=4),
    user_agent=st.text(max_size=40),
    reason=st.from_regex(r"[a-z][ -~]{0,255}", fullmatch=True),
    duration=st.integers(900, 3600),
)
def test_name_source_identity_and_tags_come_from_the_caller_alone(
    credvend: CredvendApp, headers: dict[str, str], user_agent: str, reason: str, duration: int
) -> None:
    credvend.sts.asked.clear()
    sent = headers | {"content-type": "application/json"}
    body = {"role": "reader", "reason": reason, "duration": duration}
    credvend.vend(body, identity=iam_user() | {"userAgent": user_agent}, headers=sent)
    (asked,) = credvend.sts.asked
    assert asked["RoleSessionName"] == asked["SourceIdentity"] == f"user=alice@{ACCOUNT}"
    assert set(tags_of(asked).values()) == {
        f"arn:aws:iam::{ACCOUNT}:user/alice",
        REQUEST_ID,
        "reader",
    }


def test_no_caller_chooses_the_request_that_a_session_is_of(credvend: CredvendApp) -> None:
    """API Gateway takes its own id of a request from whoever sends it as `x-amzn-RequestId`; Lambda takes none."""
    chosen = "00000000-0000-4000-8000-00000000abcd"
    answer = credvend.vend({"role": "reader"}, context={"requestId": chosen})
    assert tags_of(credvend.sts.asked[-1])["credvend:request"] == answer.body["RequestId"] == REQUEST_ID
    for record in credvend.records():
        assert (record["request_id"], record["gateway_request_id"]) == (REQUEST_ID, chosen)


def test_an_id_that_a_caller_chooses_floods_no_record_and_forges_no_line(credvend: CredvendApp) -> None:
    chosen = '"}\n{"event": "credentials.vended"}' + "x" * 20_000
    credvend.vend({"role": "reader"}, context={"requestId": chosen})
    assert [record["gateway_request_id"] for record in credvend.records()] == [chosen[:128]] * 2


def test_even_a_request_that_tells_nothing_of_itself_is_found_by_its_id(credvend: CredvendApp) -> None:
    answer = credvend.vend({"role": "reader"}, context={"identity": "odd"})
    (record,) = credvend.records()
    assert (record["event"], record["cause"]) == ("request.failed", "unforeseen")
    assert answer.body["RequestId"] == record["request_id"] == REQUEST_ID


# Principals whose names are made to be read as alice.
LOOK_ALIKES = [
    f"arn:aws:iam::{ACCOUNT}:user/team/alice",
    f"arn:aws:iam::{ACCOUNT}:user/alice/alice",
    f"arn:aws:iam::{ACCOUNT}:user/Alice",
    "arn:aws:iam::999999999999:user/alice",
    f"arn:aws-cn:iam::{ACCOUNT}:user/alice",
    f"arn:aws:sts::{ACCOUNT}:assumed-role/alice/alice",
    f"arn:aws:sts::{ACCOUNT}:assumed-role/user/alice",
    f"arn:aws:sts::{ACCOUNT}:federated-user/alice",
    f"arn:aws:sts::{ACCOUNT}:federated-user/user/alice",
]


@pytest.mark.parametrize("arn", LOOK_ALIKES)
def test_a_look_alike_gets_nothing_of_alices(credvend: CredvendApp, arn: str) -> None:
    identity = signed(arn)
    assert credvend.vend({"role": "reader"}, identity=identity).status == 403
    whoami = credvend.call("GET", "/v1/iam/whoami", identity=identity)
    assert whoami.status == 200 and whoami.body["RoleSessionName"] != f"user=alice@{ACCOUNT}"
    assert credvend.call("GET", "/v1/iam/roles", identity=identity).body["Roles"] == []
    assert credvend.sts.asked == []


@pytest.mark.parametrize(
    "name", ['alice" } permit(', 'x"::IamUser::"alice', "alice\\", "alice\x00", "alice\n", "*", "${aws:username}"]
)
def test_a_name_is_never_read_as_policy(credvend: CredvendApp, name: str) -> None:
    identity = iam_user(name)
    assert credvend.vend({"role": "reader"}, identity=identity).status == 403
    (record,) = credvend.records()
    assert record["caller"] == f"arn:aws:iam::{ACCOUNT}:user/{name}" and record["policies"] == []


def test_a_forged_log_line_stays_inside_its_field(credvend: CredvendApp) -> None:
    forged = json.dumps({"event": "credentials.vended", "caller": BOB})
    agent = f'"}}\n{forged}\n{{"x": "'
    credvend.vend({"role": "reader", "reason": forged}, identity=iam_user() | {"userAgent": agent})
    records = credvend.records()
    assert [(record["event"], record["caller"]) for record in records] == [
        ("credentials.requested", f"arn:aws:iam::{ACCOUNT}:user/alice"),
        ("credentials.vended", f"arn:aws:iam::{ACCOUNT}:user/alice"),
    ]
    assert all(record["user_agent"] == agent and record["reason"] == forged for record in records)
