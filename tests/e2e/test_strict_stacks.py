"""What CloudFormation makes on the local AWS meets the rules that requests meet, and its own."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import ACCOUNT, REGION
from ops.stages.runtimes import OWN_RUNTIME
from testing.deployed import Json, Stack
from tests.e2e.strict_requests import FULL, LAMBDA, OTHER_RUNTIME, client, policy_of, trust, zipped

NAME = "strict-stack"
BUCKET = "strict-packages"
TRUST: Json = {"Version": "2012-10-17", "Statement": [LAMBDA]}
UNPACKED_BYTES = 250 * 1024 * 1024


def template(kind: str, properties: Json) -> str:
    return json.dumps({"Resources": {"Made": {"Type": kind, "Properties": properties}}})


@contextmanager
def made(stack: Stack, body: str, change_set: bool = False) -> Iterator[list[str]]:
    """Why making a stack failed, by its events; nothing: it did not."""
    clouds = client(stack, "cloudformation")
    asked: dict[str, object] = {"TemplateBody": body, "Capabilities": ["CAPABILITY_NAMED_IAM"], "StackName": NAME}
    if change_set:
        clouds.create_change_set(ChangeSetName="first", ChangeSetType="CREATE", **asked)
        await_status(clouds, "REVIEW_IN_PROGRESS")
        clouds.execute_change_set(ChangeSetName="first", StackName=NAME)
    else:
        clouds.create_stack(**asked)
    await_status(clouds, "ROLLBACK_COMPLETE", "CREATE_COMPLETE")
    events = clouds.describe_stack_events(StackName=NAME)["StackEvents"]
    try:
        yield [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    finally:
        clouds.delete_stack(StackName=NAME)
        clouds.get_waiter("stack_delete_complete").wait(StackName=NAME, WaiterConfig={"Delay": 1})


def await_status(clouds: Any, *wanted: str) -> None:
    ends = time.monotonic() + 30
    while (status := clouds.describe_stacks(StackName=NAME)["Stacks"][0]["StackStatus"]) not in wanted:
        assert time.monotonic() < ends, status
        time.sleep(0.05)


def role(**properties: object) -> Json:
    return {"AssumeRolePolicyDocument": TRUST, **properties}


def function(**properties: object) -> Json:
    arn = f"arn:aws:iam::{ACCOUNT}:role/strict-nobody"
    code: Json = {"ZipFile": "def handle(event, context): pass"}
    return {"Role": arn, "Handler": "index.handle", "Runtime": OWN_RUNTIME, "Code": code, **properties}


LARGE = json.loads(policy_of(10_241))
MANAGED = [f"arn:aws:iam::aws:policy/number-{number}" for number in range(11)]


@pytest.mark.parametrize(
    ("kind", "properties", "reason"),
    [
        ("AWS::IAM::Role", role(Policies=[{"PolicyName": "large", "PolicyDocument": LARGE}]), "10240"),
        ("AWS::IAM::Role", role(ManagedPolicyArns=MANAGED), "PoliciesPerRole: 10"),
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": json.loads(trust("sts:AssumeRole"))}, "Invalid principal"),
        ("AWS::IAM::ManagedPolicy", {"PolicyDocument": json.loads(policy_of(6_145))}, "PolicySize: 6144"),
        ("AWS::Lambda::Function", function(Environment=FULL), "4KB"),
        ("AWS::Lambda::Function", function(Runtime=OTHER_RUNTIME), OTHER_RUNTIME),
    ],
)
def test_what_a_service_would_refuse_is_not_made(stack: Stack, kind: str, properties: Json, reason: str) -> None:
    with made(stack, template(kind, properties)) as failures:
        assert reason in "".join(failures)


def test_no_function_is_made_whose_package_is_more_than_250_mb_unpacked(stack: Stack) -> None:
    stack.s3().create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    stack.s3().put_object(Bucket=BUCKET, Key="large", Body=zipped({"large": bytes(UNPACKED_BYTES + 1)}))
    code: Json = {"S3Bucket": BUCKET, "S3Key": "large"}
    with made(stack, template("AWS::Lambda::Function", function(Code=code))) as failures:
        assert "Unzipped size must be smaller than 262144000 bytes" in "".join(failures)


KEYS: Json = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.mark.parametrize("change_set", [False, True])
@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("AWS::IAM::Role", role(RoleName="credvend-local-ap-northeast-2")),
        ("AWS::IAM::ManagedPolicy", {"ManagedPolicyName": "reads-a", "PolicyDocument": json.loads(policy_of(200))}),
        ("AWS::Lambda::Function", function(FunctionName="credvend-local")),
        ("AWS::Logs::LogGroup", {"LogGroupName": "/aws/lambda/credvend-local"}),
        ("AWS::DynamoDB::Table", {"TableName": "credvend-local-tokens", **KEYS}),
    ],
)
def test_nothing_that_is_there_already_is_taken_over(stack: Stack, kind: str, named: Json, change_set: bool) -> None:
    with made(stack, template(kind, named), change_set) as failures:
        assert f"Resource of type '{kind}' already exists outside of this stack" in "".join(failures)
    # It is left as it was.
    assert stack.vend({"role": "instances"}).status == 200
    assert stack.lines() != []


def test_what_was_made_can_be_changed(stack: Stack) -> None:
    clouds = client(stack, "cloudformation")
    group: Json = {"LogGroupName": "strict-group", "RetentionInDays": 7}
    with made(stack, template("AWS::Logs::LogGroup", group)) as failures:
        assert failures == []
        changed = template("AWS::Logs::LogGroup", {**group, "RetentionInDays": 14})
        clouds.update_stack(StackName=NAME, TemplateBody=changed)
        await_status(clouds, "UPDATE_COMPLETE")


def test_items_of_a_table_end_as_its_template_says(stack: Stack) -> None:
    end: Json = {"AttributeName": "ttl", "Enabled": True}
    table: Json = {"TableName": "strict-table", **KEYS, "TimeToLiveSpecification": end}
    with made(stack, template("AWS::DynamoDB::Table", table)) as failures:
        assert failures == []
        told = stack.dynamodb().describe_time_to_live(TableName="strict-table")["TimeToLiveDescription"]
        assert told == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def many(section: str, count: int) -> str:
    """A template with so many parts of a section."""
    topic = {"Type": "AWS::SNS::Topic"}
    part = {"Resources": topic, "Outputs": {"Value": "x"}, "Parameters": {"Type": "String", "Default": "x"}}[section]
    return json.dumps({"Resources": {"Made": topic}, section: {f"Part{number}": part for number in range(count)}})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (many("Resources", 501), "Number of resources, 501, is greater than maximum allowed, 500"),
        (many("Outputs", 201), "Number of outputs, 201, is greater than maximum allowed, 200"),
        (many("Parameters", 201), "Number of parameters, 201, is greater than maximum allowed, 200"),
        (template("AWS::SNS::Topic", {}) + " " * 51_200, "'templateBody' failed to satisfy constraint"),
    ],
)
def test_no_template_is_larger_than_cloudformation_takes(stack: Stack, body: str, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        client(stack, "cloudformation").create_stack(StackName=NAME, TemplateBody=body)


def test_no_template_in_a_bucket_is_larger_than_1_mb(stack: Stack) -> None:
    body = template("AWS::SNS::Topic", {}) + " " * 1_048_576
    stack.s3().put_object(Bucket="tenant-data", Key="strict-template", Body=body.encode())
    url = f"{stack.aws.endpoint}/tenant-data/strict-template"
    with pytest.raises(ClientError, match="Template may not exceed"):
        client(stack, "cloudformation").create_stack(StackName=NAME, TemplateURL=url)
