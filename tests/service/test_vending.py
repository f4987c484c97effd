"""A vend through the app: what the caller gets, what STS is asked, what is recorded."""

from datetime import UTC, datetime

import pytest

from testing.app import ACCOUNT, REQUEST_ID, CredvendApp
from testing.events import Texts, iam_user, role_session, unsigned
from testing.sts_server import REQUEST_ID as STS_REQUEST_ID
from testing.sts_server import SECRET, TOKEN


def test_an_allowed_caller_gets_what_assume_role_prints(credvend: CredvendApp) -> None:
    answer = credvend.vend({"role": "reader"})
    assert answer.status == 200
    given = answer.body["Credentials"]
    assert isinstance(given, dict)
    assert (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]) == ("ASIAEXAMPLE", SECRET, TOKEN)
    left = datetime.fromisoformat(given["Expiration"]) - datetime.now(UTC)
    assert 890 <= left.total_seconds() <= 900
    name = f"user=alice@{ACCOUNT}"
    assert answer.body["AssumedRoleUser"] == {
        "AssumedRoleId": f"AROAEXAMPLE:{name}",
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/{name}",
    }
    assert answer.body["SourceIdentity"] == name
    assert (answer.body["PackedPolicySize"], answer.body["Role"]) == (6, "reader")
    assert answer.body["RequestId"] == REQUEST_ID


def test_sts_is_asked_exactly_for_the_plan(credvend: CredvendApp) -> None:
    credvend.vend({"role": "external", "duration": "20m"})
    (asked,) = credvend.sts.asked
    assert asked == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": "arn:aws:iam::444455556666:role/deep/external",
        "RoleSessionName": f"user=alice@{ACCOUNT}",
        "SourceIdentity": f"user=alice@{ACCOUNT}",
        "DurationSeconds": "1200",
        "ExternalId": "shared-id",
        "Tags.member.1.Key": "credvend:caller",
        "Tags.member.1.Value": f"arn:aws:iam::{ACCOUNT}:user/alice",
        "Tags.member.2.Key": "credvend:request",
        "Tags.member.2.Value": REQUEST_ID,
        "Tags.member.3.Key": "credvend:role",
        "Tags.member.3.Value": "external",
        "TransitiveTagKeys.member.1": "credvend:caller",
        "TransitiveTagKeys.member.2": "credvend:request",
    }


def test_a_role_may_switch_tags_and_source_identity_off(credvend: CredvendApp) -> None:
    answer = credvend.vend({"role": "plain"})
    assert answer.status == 200 and "SourceIdentity" not in answer.body
    (asked,) = credvend.sts.asked
    assert not [key for key in asked if key.startswith(("Tags", "Source", "Transitive"))]


def test_a_role_is_asked_for_by_name_or_arn(credvend: CredvendApp) -> None:
    assert credvend.vend({"role": f"arn:aws:iam::{ACCOUNT}:role/reader"}).body["Role"] == "reader"


def test_a_session_keeps_the_same_connection_to_sts(credvend: CredvendApp) -> None:
    for _ in range(5):
        assert credvend.vend({"role": "reader"}).status == 200
    assert credvend.sts.server.connections == 1


@pytest.mark.parametrize(("duration", "status"), [(900, 200), (1799, 200), ("30m", 200), (1801, 400), ("1h", 400)])
def test_a_duration_beyond_the_maximum_is_refused_never_cut(
    credvend: CredvendApp, duration: object, status: int
) -> None:
    answer = credvend.vend({"role": "brief", "duration": duration})
    assert answer.status == status
    if status == 400:
        assert "at most 1800 seconds" in str(answer.body["Message"])
        assert credvend.sts.asked == []


def test_a_role_may_demand_a_reason(credvend: CredvendApp) -> None:
    refused = credvend.vend({"role": "reasoned", "reason": "  "})
    assert refused.status == 400 and '"reason" is required' in str(refused.body["Message"])
    assert credvend.vend({"role": "reasoned", "reason": "ticket 7"}).status == 200


def test_a_dry_run_explains_and_asks_sts_for_nothing(credvend: CredvendApp) -> None:
    answer = credvend.vend({"role": "reader", "dry_run": True})
    assert answer.status == 200 and credvend.sts.asked == []
    assert answer.body["DryRun"] is True and answer.body["Policies"] == ["alice-may-use-open-roles"]
    assert answer.body["RoleSessionName"] == f"user=alice@{ACCOUNT}"
    assert "Credentials" not in answer.body
    assert [record["event"] for record in credvend.records()] == ["credentials.requested"]


def test_a_dry_run_is_refused_like_the_real_thing(credvend: CredvendApp) -> None:
    assert credvend.vend({"role": "forbidden", "dry_run": True}) == credvend.vend({"role": "forbidden"})


def test_an_unknown_role_and_a_forbidden_role_are_the_same_answer(credvend: CredvendApp) -> None:
    unknown = credvend.vend({"role": "unheard-of"})
    forbidden = credvend.vend({"role": "forbidden"})
    by_arn = credvend.vend({"role": f"arn:aws:iam::{ACCOUNT}:role/forbidden"})
    too_long = credvend.vend({"role": "forbidden", "duration": "1h"})
    assert unknown == forbidden == by_arn == too_long and unknown.status == 403
    assert credvend.sts.asked == []


def test_both_are_recorded_with_what_was_asked_for(credvend: CredvendApp) -> None:
    credvend.vend({"role": "unheard-of"})
    credvend.vend({"role": "forbidden"})
    unknown, forbidden = credvend.records()
    assert (unknown["event"], unknown["requested_role"]) == ("credentials.denied", "unheard-of")
    assert (forbidden["event"], forbidden["requested_role"]) == ("credentials.denied", "forbidden")


def test_intent_and_outcome_are_recorded(credvend: CredvendApp) -> None:
    credvend.vend({"role": "reader", "reason": "Störung 7"})
    requested, vended = credvend.records()
    assert (requested["event"], vended["event"]) == ("credentials.requested", "credentials.vended")
    assert {k for k in requested if requested[k] != vended.get(k)} <= {"event", "message", "timestamp"}
    assert vended["access_key_id"] == "ASIAEXAMPLE" and vended["sts_request_id"] == STS_REQUEST_ID
    assert vended["policies"] == ["alice-may-use-open-roles"] and vended["reason"] == "Störung 7"
    assert (requested["cold_start"], vended["cold_start"]) == (True, True)
    credvend.vend({"role": "reader"})
    assert [record["cold_start"] for record in credvend.records()] == [False, False]


def test_the_roles_that_a_caller_may_assume_are_listed_with_their_longest_duration(credvend: CredvendApp) -> None:
    roles = credvend.call("GET", "/v1/iam/roles").body["Roles"]
    assert isinstance(roles, list)
    assert {role["Role"]: role["MaxDurationSeconds"] for role in roles} == {
        "reader": 3600,
        "brief": 1800,
        "reasoned": 3600,
        "external": 3600,
        "plain": 3600,
        "tenant": 3600,
        "listed": 3600,
    }
    assert [role["Role"] for role in roles if role["ReasonRequired"]] == ["reasoned"]


def test_a_caller_without_rights_sees_no_roles(credvend: CredvendApp) -> None:
    mallory = iam_user("mallory")
    assert credvend.call("GET", "/v1/iam/roles", identity=mallory).body["Roles"] == []


def test_whoami_tells_the_caller_as_the_service_sees_it(credvend: CredvendApp) -> None:
    session = role_session("Dev", "alice@example.com")
    answer = credvend.call("GET", "/v1/iam/whoami", identity=session)
    assert answer.body == {
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Dev/alice@example.com",
        "Type": "IamRole",
        "Account": ACCOUNT,
        "PrincipalId": "AROAEXAMPLE:alice@example.com",
        "RoleSessionName": f"role=Dev=alice@example.com@{ACCOUNT}",
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/Dev",
        "RequestId": REQUEST_ID,
    }


def test_health_tells_nothing_but_that(credvend: CredvendApp) -> None:
    assert credvend.call("GET", "/v1/health", identity=unsigned("192.0.2.1")).body == {"Status": "ok"}
    assert credvend.records() == []


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
@pytest.mark.parametrize("query", [None, {"a": "b"}])
def test_no_answer_may_be_cached(credvend: CredvendApp, method: str, path: str, query: Texts) -> None:
    answer = credvend.call(method, path, body='{"role": "reader"}' if method == "POST" else None, query=query)
    assert answer.status == (400 if query else 200)
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Content-Type"] == "application/json"
