"""The local AWS refuses what AWS refuses, and says it in AWS's words."""

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from local.aws import ACCOUNT
from tests.e2e.test_deployment import cloudformation
from tests.harness.deployed import Json, Key, Stack, allow

TARGET = f"arn:aws:iam::{ACCOUNT}:role/strict-target"


def trust(*actions: str, principal: str = f"arn:aws:iam::{ACCOUNT}:role/strict-caller", **condition: Json) -> str:
    statement: Json = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": list(actions)}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


ALL = ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")


@pytest.fixture
def user(stack: Stack) -> Iterator[Key]:
    """Somebody who may assume the role `strict-caller`, which may assume `strict-target`."""
    iam = stack.iam()
    key = stack.add_user("strict-user", "sts:*")
    stack.add_role("strict-caller", json.loads(trust(*ALL, principal=f"arn:aws:iam::{ACCOUNT}:root")), "sts:*")
    stack.add_role("strict-target", json.loads(trust(*ALL)), "ec2:DescribeInstances")
    yield key
    for name in ("strict-caller", "strict-target"):
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)
    iam.delete_access_key(UserName="strict-user", AccessKeyId=key.access_key_id)
    iam.delete_user_policy(UserName="strict-user", PolicyName="rights")
    iam.delete_user(UserName="strict-user")


@pytest.fixture
def session(stack: Stack, user: Key) -> Key:
    """A session of `strict-caller`: what it assumes is chained, as all that a function assumes."""
    return stack.assume(user, "strict-caller", "somebody")


def refusal(stack: Stack, key: Key, **asked: object) -> str:
    """Code and message with which an AssumeRole is refused."""
    with pytest.raises(ClientError) as raised:
        assume(stack, key, **asked)
    error = raised.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def assume(stack: Stack, key: Key, **asked: object) -> None:
    arguments = {"RoleArn": TARGET, "RoleSessionName": "somebody", **asked}
    stack.sts(key).assume_role(**arguments)  # type: ignore[arg-type]


def test_a_chained_session_lasts_an_hour_and_no_second_longer(stack: Stack, session: Key) -> None:
    assume(stack, session, DurationSeconds=3600)
    assert "exceeds the 1 hour session limit for roles assumed by role chaining" in refusal(
        stack, session, DurationSeconds=3601
    )


def test_no_session_is_longer_than_its_role_allows(stack: Stack, user: Key) -> None:
    caller = f"arn:aws:iam::{ACCOUNT}:role/strict-caller"
    assume(stack, user, RoleArn=caller, DurationSeconds=3600)
    assert "exceeds the MaxSessionDuration set for this role" in refusal(
        stack, user, RoleArn=caller, DurationSeconds=3601
    )


def test_a_source_identity_needs_the_trust_policys_leave(stack: Stack, session: Key) -> None:
    assume(stack, session, SourceIdentity="somebody")
    stack.iam().update_assume_role_policy(RoleName="strict-target", PolicyDocument=trust("sts:AssumeRole"))
    assert "not authorized to perform: sts:SetSourceIdentity on resource" in refusal(
        stack, session, SourceIdentity="somebody"
    )
    only_alice = trust(*ALL, StringEquals={"sts:SourceIdentity": "alice"})
    stack.iam().update_assume_role_policy(RoleName="strict-target", PolicyDocument=only_alice)
    assert refusal(stack, session, SourceIdentity="somebody").startswith("AccessDenied")
    assume(stack, session, SourceIdentity="alice")


def test_a_source_identity_that_is_set_stays(stack: Stack, user: Key) -> None:
    given = stack.sts(user).assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/strict-caller", RoleSessionName="somebody", SourceIdentity="alice"
    )["Credentials"]
    key = Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert refusal(stack, key, SourceIdentity="mallory").startswith("AccessDenied")
    assume(stack, key, SourceIdentity="alice")


def test_a_role_that_was_made_anew_is_no_longer_trusted(stack: Stack, user: Key) -> None:
    iam = stack.iam()
    iam.delete_role_policy(RoleName="strict-caller", PolicyName="rights")
    iam.delete_role(RoleName="strict-caller")
    stack.add_role("strict-caller", json.loads(trust(*ALL, principal=f"arn:aws:iam::{ACCOUNT}:root")), "sts:*")
    again = stack.assume(user, "strict-caller", "somebody")
    assert refusal(stack, again).startswith("AccessDenied")
    # Named by a condition on the account, it is found by its name.
    arn: Json = {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/strict-caller"}
    by_name = trust(*ALL, principal=f"arn:aws:iam::{ACCOUNT}:root", ArnEquals=arn)
    iam.update_assume_role_policy(RoleName="strict-target", PolicyDocument=by_name)
    assume(stack, again)
    assert refusal(stack, user).startswith("AccessDenied")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"RoleSessionName": "x" * 65}, "'roleSessionName' failed to satisfy constraint"),
        ({"RoleSessionName": "a b"}, "'roleSessionName' failed to satisfy constraint"),
        ({"SourceIdentity": "a/b"}, "'sourceIdentity' failed to satisfy constraint"),
        ({"DurationSeconds": 43_201}, "'durationSeconds' failed to satisfy constraint"),
        ({"Tags": [{"Key": "k" * 129, "Value": ""}]}, "'tags.1.member.key' failed to satisfy constraint"),
        ({"Tags": [{"Key": "k", "Value": "#"}]}, "'tags.1.member.value' failed to satisfy constraint"),
        ({"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, "'tags' failed to satisfy constraint"),
        ({"Policy": " " * 2049}, "'policy' failed to satisfy constraint"),
    ],
)
def test_what_sts_models_do_not_allow_is_refused(
    stack: Stack, user: Key, asked: dict[str, object], message: str
) -> None:
    said = refusal(stack, user, **asked)
    assert said.startswith("ValidationError") and message in said


def policy_of(characters: int) -> str:
    """A policy document of so many characters."""
    empty = allow("").replace(" ", "")
    return allow("s3:" + "x" * (characters - len(empty) - 3)).replace(" ", "")


def test_inline_policies_of_a_role_have_a_size(stack: Stack, user: Key) -> None:
    iam = stack.iam()
    iam.delete_role_policy(RoleName="strict-target", PolicyName="rights")
    iam.put_role_policy(RoleName="strict-target", PolicyName="large", PolicyDocument=policy_of(10_240))
    with pytest.raises(ClientError, match=r"LimitExceeded.*10240"):
        iam.put_role_policy(RoleName="strict-target", PolicyName="large", PolicyDocument=policy_of(10_241))
    with pytest.raises(ClientError, match=r"LimitExceeded.*10240"):  # it is the sum that counts
        iam.put_role_policy(RoleName="strict-target", PolicyName="second", PolicyDocument=policy_of(200))


def test_managed_and_trust_policies_have_a_size(stack: Stack, user: Key) -> None:
    iam = stack.iam()
    with pytest.raises(ClientError, match=r"LimitExceeded.*PolicySize"):
        iam.create_policy(PolicyName="large", PolicyDocument=policy_of(6_145))
    long = trust(*ALL, StringEquals={"sts:ExternalId": ["x" * 2_000]})
    with pytest.raises(ClientError, match=r"LimitExceeded.*ACLSizePerRole"):
        iam.update_assume_role_policy(RoleName="strict-target", PolicyDocument=long)


def test_nobody_who_is_not_there_can_be_trusted(stack: Stack) -> None:
    with pytest.raises(ClientError, match="Invalid principal in policy"):
        stack.add_role("trusts-nobody", json.loads(trust("sts:AssumeRole")))


def test_cloudformation_makes_no_role_that_iam_would_refuse(stack: Stack) -> None:
    policies = [{"PolicyName": "large", "PolicyDocument": json.loads(policy_of(10_241))}]
    lambdas = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    properties = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [lambdas]}, "Policies": policies}
    client = cloudformation(stack)
    client.create_stack(
        StackName="too-large",
        TemplateBody=json.dumps({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}}),
        Capabilities=["CAPABILITY_IAM"],
        OnFailure="DELETE",
    )
    with pytest.raises(Exception, match=r"(?i)failed|does not exist|terminal failure"):
        client.get_waiter("stack_create_complete").wait(
            StackName="too-large", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
