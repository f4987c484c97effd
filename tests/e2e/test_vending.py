"""What the deployed service vends, and that it works and reaches no further."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from local.aws import ACCOUNT
from testing.deployed import OTHER_ACCOUNT, Answer, Stack

NAME = f"user=alice@{ACCOUNT}"


def left(answer: Answer) -> float:
    """Seconds until the credentials end."""
    given = answer.body["Credentials"]
    assert isinstance(given, dict)
    return (datetime.fromisoformat(given["Expiration"]) - datetime.now(UTC)).total_seconds()


def test_vended_credentials_work_and_are_of_the_role_in_the_callers_name(stack: Stack, instance: str) -> None:
    answer = stack.vend({"role": "instances"})
    assert answer.status == 200 and answer.headers["Cache-Control"] == "no-store"
    assert stack.sts(answer.key).get_caller_identity()["Arn"] == (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/instances/{NAME}"
    )
    found = stack.ec2(answer.key).describe_instances()["Reservations"]
    assert [one["InstanceId"] for reservation in found for one in reservation["Instances"]] == [instance]


def test_vended_credentials_reach_no_further_than_the_role(stack: Stack) -> None:
    key = stack.vend({"role": "instances"}).key
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        stack.ec2(key).terminate_instances(InstanceIds=["i-00000000"])
    # Nor to credvend itself.
    assert stack.call("GET", "/v1/iam/whoami", key=key).status == 403


def test_a_role_is_asked_for_by_its_arn_too(stack: Stack) -> None:
    answer = stack.vend({"role": f"arn:aws:iam::{ACCOUNT}:role/e2e/instances"})
    assert answer.status == 200 and answer.body["Role"] == "instances"


def test_a_role_in_another_account_is_vended(stack: Stack) -> None:
    answer = stack.vend({"role": "elsewhere"})
    assert answer.status == 200
    identity = stack.sts(answer.key).get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (
        OTHER_ACCOUNT,
        f"arn:aws:sts::{OTHER_ACCOUNT}:assumed-role/elsewhere/{NAME}",
    )


def test_rights_may_hang_on_the_session_tags(stack: Stack) -> None:
    assert (
        stack.ec2(stack.vend({"role": "tagged"}).key).describe_instances()["ResponseMetadata"]["HTTPStatusCode"] == 200
    )


def test_a_role_that_takes_neither_tags_nor_source_identity_is_vended(stack: Stack) -> None:
    answer = stack.vend({"role": "plain"})
    assert answer.status == 200 and "SourceIdentity" not in answer.body


def test_an_external_id_is_sent_where_the_catalog_has_one(stack: Stack) -> None:
    assert stack.vend({"role": "with-external-id"}).status == 200
    assert stack.vend({"role": "without-external-id"}).status == 502


@pytest.mark.parametrize(
    ("role", "duration", "seconds"),
    [
        ("instances", None, 900),
        ("instances", 900, 900),
        ("instances", "15m", 900),
        ("instances", 3600, 3600),
        ("instances", "1h", 3600),
        ("brief", None, 1200),
        ("brief", 1800, 1800),
    ],
)
def test_a_duration_within_the_limits_is_kept_exactly(stack: Stack, role: str, duration: object, seconds: int) -> None:
    answer = stack.vend({"role": role} | ({} if duration is None else {"duration": duration}))
    assert answer.status == 200
    assert seconds - 30 < left(answer) <= seconds


@pytest.mark.parametrize(
    ("role", "duration", "limit"),
    [
        ("instances", 899, "at least 900"),
        ("instances", 0, "at least 1 second"),
        ("instances", -900, "at least 1 second"),
        ("instances", "14m", "at least 900"),
        ("instances", 3601, "at most 3600"),
        ("instances", "2h", "at most 3600"),
        ("brief", 1801, "at most 1800"),
        ("brief", "1h", "at most 1800"),
    ],
)
def test_a_duration_outside_the_limits_is_refused_with_the_limit(
    stack: Stack, role: str, duration: object, limit: str
) -> None:
    answer = stack.vend({"role": role, "duration": duration})
    assert answer.status == 400 and limit in str(answer.body["Message"])


def test_a_dry_run_explains_and_vends_nothing(stack: Stack) -> None:
    answer = stack.vend({"role": "brief", "duration": "30m", "dry_run": True})
    assert answer.status == 200 and "Credentials" not in answer.body
    assert {key: answer.body[key] for key in ("Decision", "Policies", "RoleArn", "DurationSeconds")} == {
        "Decision": "Allow",
        "Policies": ["alice-may-use-open-roles"],
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/e2e/brief",
        "DurationSeconds": 1800,
    }
    assert [record["event"] for record in stack.records(answer)] == ["credentials.requested"]


@pytest.mark.parametrize(
    ("role", "advice"),
    [
        ("untrusting", "must allow sts:AssumeRole to credvend's role {own_role} ("),
        ("missing", "The role does not exist"),
        ("untaggable", "to credvend's role {own_role}, or the catalog must say tag_session: false"),
    ],
)
def test_a_target_that_does_not_let_credvend_in_says_what_its_owner_must_do(
    stack: Stack, role: str, advice: str
) -> None:
    answer = stack.vend({"role": role})
    assert answer.status == 502 and answer.body["Code"] == "StsRefused"
    advice = advice.format(own_role=stack.deployed.function_role_arn)
    assert role in str(answer.body["Message"]) and advice in str(answer.body["Message"])
    assert "this can take some seconds" in answer.text and "assumed-role" not in answer.text
