"""GetScopedCredentials on the local AWS: a shorter or narrower session, which is the same in all else, and ends."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import ACCOUNT
from testing.deployed import Json, Key, Stack
from tests.e2e.strict_requests import client, trust

ROLE = f"arn:aws:iam::{ACCOUNT}:role/strict-scoped"
ALL = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
RIGHTS = ("ec2:DescribeInstances", "ec2:DescribeRegions", "ec2:DescribeVpcs", "sts:GetScopedCredentials")


@pytest.fixture(scope="module")
def user(stack: Stack) -> Iterator[Key]:
    """Somebody who may have the role `strict-scoped`."""
    iam = stack.iam()
    key = stack.add_user("strict-scoper", "sts:*")
    yield key
    iam.delete_access_key(UserName="strict-scoper", AccessKeyId=key.access_key_id)
    iam.delete_user_policy(UserName="strict-scoper", PolicyName="rights")
    iam.delete_user(UserName="strict-scoper")


@pytest.fixture
def session(stack: Stack, user: Key) -> Iterator[Key]:
    """A session of 15 minutes, with a tag that goes on and a source identity."""
    principal = f"arn:aws:iam::{ACCOUNT}:user/strict-scoper"
    stack.add_role("strict-scoped", json.loads(trust(*ALL, principal=principal)), *RIGHTS)
    yield key_of(
        stack.sts(user).assume_role(
            RoleArn=ROLE,
            RoleSessionName="somebody",
            DurationSeconds=900,
            SourceIdentity="alice",
            Tags=[{"Key": "team", "Value": "a"}],
            TransitiveTagKeys=["team"],
        )
    )
    for policy in stack.iam().list_role_policies(RoleName="strict-scoped")["PolicyNames"]:
        stack.iam().delete_role_policy(RoleName="strict-scoped", PolicyName=policy)
    stack.iam().delete_role(RoleName="strict-scoped")


def key_of(answer: Any) -> Key:
    given = answer["Credentials"]
    return Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def scope(stack: Stack, key: Key, **asked: object) -> Any:
    sts: Any = stack.sts(key)  # no stubs know the operation yet
    return sts.get_scoped_credentials(**asked)


def refusal(stack: Stack, key: Key, **asked: object) -> str:
    with pytest.raises(ClientError) as raised:
        scope(stack, key, **asked)
    return str(raised.value.response["Error"]["Code"])


def policy(effect: str, *actions: str, **condition: Json) -> str:
    statement: Json = {"Effect": effect, "Action": list(actions), "Resource": "*"}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def deny(stack: Stack, *actions: str, **condition: Json) -> None:
    document = policy("Deny", *actions, **condition)
    stack.iam().put_role_policy(RoleName="strict-scoped", PolicyName="deny", PolicyDocument=document)


def test_a_scoped_session_is_the_same_one_but_shorter(stack: Stack, session: Key) -> None:
    answer = scope(stack, session, DurationSeconds=60)
    assert 58 < answer["Credentials"]["Expiration"].timestamp() - time.time() <= 60
    identity = stack.sts(key_of(answer)).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/strict-scoped/somebody"
    assert answer["SessionInfo"] == {"ScopedSessionId": identity["UserId"], "Arn": identity["Arn"]}
    assert (answer["SourceIdentity"], answer["ScopedPoliciesCount"]) == ("alice", 0)
    assert answer["SessionTokenSize"] == len(answer["Credentials"]["SessionToken"])
    stack.ec2(key_of(answer)).describe_instances()


def test_a_scoped_session_is_dead_when_its_time_is_over_whoever_is_asked(stack: Stack, session: Key) -> None:
    key = key_of(scope(stack, session, DurationSeconds=1))
    stack.sts(key).get_caller_identity()
    ends = time.monotonic() + 10
    while True:
        try:
            stack.ec2(key).describe_instances()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "RequestExpired"
            break
        assert time.monotonic() < ends
        time.sleep(0.05)
    key_of(scope(stack, session, DurationSeconds=900 - 30))  # another one is made, and the ended one not forgotten
    with pytest.raises(ClientError, match="ExpiredToken"):
        stack.sts(key).get_caller_identity()
    assert refusal(stack, key, DurationSeconds=1) == "ExpiredToken"


def test_a_scoped_session_never_outlives_the_one_that_it_is_made_of(stack: Stack, session: Key) -> None:
    assert refusal(stack, session, DurationSeconds=901) == "InsufficientSessionLifetime"
    short = key_of(scope(stack, session, DurationSeconds=60))
    assert refusal(stack, short, DurationSeconds=61) == "InsufficientSessionLifetime"
    inherited = scope(stack, short, Policy=policy("Allow", "ec2:*"))
    assert inherited["Credentials"]["Expiration"].timestamp() - time.time() <= 60


def test_each_policy_is_one_more_layer_and_there_are_three(stack: Stack, session: Key) -> None:
    first = scope(stack, session, Policy=policy("Allow", "ec2:DescribeInstances", "ec2:DescribeRegions", "sts:*"))
    second = scope(stack, key_of(first), Policy=policy("Allow", "ec2:DescribeRegions", "ec2:DescribeVpcs", "sts:*"))
    ec2 = stack.ec2(key_of(second))
    ec2.describe_regions()
    for denied in (ec2.describe_instances, ec2.describe_vpcs):
        with pytest.raises(ClientError, match="UnauthorizedOperation"):
            denied()
    third = scope(stack, key_of(second), Policy=policy("Allow", "ec2:*", "sts:*"))
    assert [answer["ScopedPoliciesCount"] for answer in (first, second, third)] == [1, 2, 3]
    assert refusal(stack, key_of(third), Policy=policy("Allow", "*")) == "AccessDenied"
    assert scope(stack, key_of(third), DurationSeconds=60)["ScopedPoliciesCount"] == 3
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        stack.ec2(key_of(third)).describe_vpcs()


def test_a_scope_down_policy_gives_no_right(stack: Stack, session: Key) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        stack.s3(key_of(scope(stack, session, Policy=policy("Allow", "*")))).list_buckets()


def test_the_right_to_scope_can_be_missing_or_denied(stack: Stack, session: Key) -> None:
    narrowed = key_of(scope(stack, session, Policy=policy("Allow", "ec2:*")))
    assert refusal(stack, narrowed, DurationSeconds=60) == "AccessDenied"
    deny(stack, "sts:GetScopedCredentials")
    assert refusal(stack, session, DurationSeconds=60) == "AccessDenied"


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalTag/team": "a"}},
        {"StringEquals": {"aws:SourceIdentity": "alice"}},
        {"DateLessThan": {"aws:TokenIssueTime": "2999-01-01T00:00:00Z"}},
        {"StringLike": {"aws:userid": "*:somebody"}},
    ],
)
def test_what_denies_a_session_denies_those_that_are_made_of_it(
    stack: Stack, session: Key, condition: dict[str, Json]
) -> None:
    lease = key_of(scope(stack, session, DurationSeconds=60))
    stack.ec2(lease).describe_instances()
    deny(stack, "*", **condition)
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        stack.ec2(lease).describe_instances()


def test_only_sessions_are_scoped_and_something_must_be_asked_for(stack: Stack, user: Key, session: Key) -> None:
    assert refusal(stack, user, DurationSeconds=60) == "InvalidSubjectCredentials"
    assert refusal(stack, stack.root, DurationSeconds=60) == "InvalidSubjectCredentials"
    assert refusal(stack, session) == "ValidationError"
    assert refusal(stack, session, Policy="{}") == "MalformedPolicyDocument"
    assert refusal(stack, session, Policy=" " * 2049) == "ValidationError"
    assert refusal(stack, session, DurationSeconds=129_601) == "ValidationError"
    for description in ("x" * 257, "\u20ac\u20ac"):
        assert refusal(stack, session, DurationSeconds=60, ScopedSessionDescription=description) == "ValidationError"


def test_the_description_stands_in_cloudtrail(stack: Stack, session: Key) -> None:
    scope(stack, session, DurationSeconds=60, ScopedSessionDescription="Deploy 4711")
    asked = [{"AttributeKey": "AccessKeyId", "AttributeValue": session.access_key_id}]
    events = client(stack, "cloudtrail").lookup_events(LookupAttributes=asked)["Events"]
    (event,) = (json.loads(each["CloudTrailEvent"]) for each in events if each["EventName"] == "GetScopedCredentials")
    assert event["requestParameters"] == {"durationSeconds": "60", "scopedSessionDescription": "Deploy 4711"}
