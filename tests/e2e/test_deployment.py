"""The stack as CloudFormation made it, and what `make deploy` says when it cannot."""

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
import yaml

from chalicelib.configuration.catalog_file import read_catalog
from local.aws import ACCOUNT, REGION
from ops.aws.aws_cli import AwsCli
from ops.deploying.artifacts_bucket import artifacts_bucket
from ops.environments import ROOT
from testing.deployed import CONFIG, Json, Stack
from testing.operators import deploy_here, make_deploy


def template(stack: Stack) -> dict[str, Json]:
    """Resources of the deployed template, as it was sent."""
    sent = stack.cloudformation().get_template(StackName=stack.deployed.stack, TemplateStage="Original")
    body: object = sent["TemplateBody"]
    document = cast(dict[str, dict[str, Json]], yaml.safe_load(body) if isinstance(body, str) else body)
    return {name: cast(Json, resource["Properties"]) for name, resource in document["Resources"].items()}


def test_the_functions_role_may_assume_exactly_the_catalogs_roles(stack: Stack) -> None:
    role = stack.deployed.function_role_arn.rpartition("/")[2]
    iam = stack.iam()
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = cast(object, iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    policy = json.loads(document) if isinstance(document, str) else document
    assert isinstance(policy, dict)
    assume = [s for s in policy["Statement"] if any(action.startswith("sts:") for action in s["Action"])]
    # Those of more than an hour are had with a token.
    catalog = [role for role in read_catalog(CONFIG / "roles.yaml").roles if not role.by_web_identity]
    assert [sorted(s["Resource"]) for s in assume] == [sorted(role.arn for role in catalog)]
    rest = {action for s in policy["Statement"] for action in s["Action"] if not action.startswith("sts:")}
    assert rest == {
        "dynamodb:BatchGetItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "kms:GetPublicKey",
        "kms:Sign",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
    }


def test_the_template_bounds_what_callers_and_mistakes_can_cost(stack: Stack) -> None:
    resources = template(stack)
    api, function, log = resources["RestAPI"], resources["APIHandler"], resources["ApiHandlerLogGroup"]
    assert api["EndpointConfiguration"] in ("REGIONAL", {"Type": "REGIONAL"})
    settings = cast(list[Json], api["MethodSettings"])
    assert {(s["ResourcePath"], s["HttpMethod"]): s["ThrottlingRateLimit"] for s in settings} == {
        ("/*", "*"): 50,
        ("/~1v1~1iam~1roles", "GET"): 10,
        ("/~1v1~1roles", "GET"): 10,
        ("/~1v1~1whoami", "GET"): 10,
        ("/~1v1~1iam~1health", "GET"): 5,
        ("/~1v1~1health", "GET"): 5,
        ("/~1v1~1iam~1sessions", "GET"): 10,
        ("/~1v1~1iam~1sessions~1{session}", "GET"): 10,
        ("/~1v1~1iam~1sessions~1{session}~1revoke", "POST"): 10,
        ("/~1v1~1sessions", "GET"): 10,
        ("/~1v1~1sessions~1{session}", "GET"): 10,
        ("/~1v1~1sessions~1{session}~1revoke", "POST"): 10,
        ("/~1.well-known~1openid-configuration", "GET"): 20,
        ("/~1.well-known~1jwks.json", "GET"): 20,
    }
    # A trace of the data, or a cache, would hold credentials.
    assert not [s for s in settings if s["DataTraceEnabled"] is not False or s["CachingEnabled"] is not False]
    assert api["TracingEnabled"] is True and function["Tracing"] == "Active"
    assert function["ReservedConcurrentExecutions"] == 5 and function["Timeout"] == 28
    assert log["RetentionInDays"] == 7


def test_every_route_under_iam_demands_a_signature(stack: Stack) -> None:
    definition = cast(dict[str, dict[str, dict[str, dict[str, object]]]], template(stack)["RestAPI"]["DefinitionBody"])
    secured = {
        (path, method): operation.get("security")
        for path, methods in definition["paths"].items()
        for method, operation in methods.items()
    }
    assert secured == {
        ("/v1/iam/credentials", "post"): [{"sigv4": []}],
        ("/v1/iam/roles", "get"): [{"sigv4": []}],
        ("/v1/iam/sessions", "get"): [{"sigv4": []}],
        ("/v1/iam/sessions/{session}", "get"): [{"sigv4": []}],
        ("/v1/iam/sessions/{session}/revoke", "post"): [{"sigv4": []}],
        ("/v1/iam/whoami", "get"): [{"sigv4": []}],
        ("/v1/iam/health", "get"): [{"sigv4": []}],
        # The function itself asks for a token here.
        ("/v1/credentials", "post"): None,
        ("/v1/credentials/{role}", "get"): None,
        ("/v1/roles", "get"): None,
        ("/v1/sessions", "get"): None,
        ("/v1/sessions/{session}", "get"): None,
        ("/v1/sessions/{session}/revoke", "post"): None,
        ("/v1/whoami", "get"): None,
        ("/v1/health", "get"): None,
        # For STS, and everybody.
        ("/.well-known/openid-configuration", "get"): None,
        ("/.well-known/jwks.json", "get"): None,
    }


def test_api_gateway_may_invoke_the_function_for_each_route_of_the_stage_and_nothing_else(stack: Stack) -> None:
    client = boto3.client(
        "lambda",
        endpoint_url=stack.aws.endpoint,
        region_name=REGION,
        aws_access_key_id=stack.root.access_key_id,
        aws_secret_access_key=stack.root.secret_access_key,
    )
    policy = json.loads(client.get_policy(FunctionName=stack.deployed.stack)["Policy"])
    sources = {statement["Condition"]["ArnLike"]["AWS:SourceArn"] for statement in policy["Statement"]}
    definition = cast(dict[str, dict[str, dict[str, object]]], template(stack)["RestAPI"]["DefinitionBody"])
    api = stack.deployed.api_arn
    assert sources == {
        f"{api}/api/{method.upper()}{re.sub('{[a-z]+}', '*', path)}"
        for path, methods in definition["paths"].items()
        for method in methods
    }


def test_production_keeps_its_records_for_a_year(stack: Stack) -> None:
    done = deploy_here(stack, "prod", "--config", str(CONFIG))
    assert done.returncode == 0, done.stderr
    assert f"its role is               arn:aws:iam::{ACCOUNT}:role/credvend-prod-{REGION}" in done.stdout
    assert f"AWS_ENDPOINT_URL is set: this goes to {stack.aws.endpoint}" in done.stderr
    assert f'"Resource": "arn:aws:execute-api:{REGION}:{ACCOUNT}:' in done.stdout
    url = done.stdout.partition("credvend is at ")[2].split()[0]
    assert json.loads(stack.http.request("GET", f"{url}/v1/health").data) == {"Status": "ok"}
    groups = stack.logs().describe_log_groups(logGroupNamePrefix="/aws/lambda/credvend-prod")["logGroups"]
    kept = {group["logGroupName"].removeprefix("/aws/lambda/"): group["retentionInDays"] for group in groups}
    assert kept == {"credvend-prod": 365, "credvend-prod-revoker": 365, "credvend-prod-doctor": 365}
    again = deploy_here(stack, "prod", "--config", str(CONFIG))
    assert again.returncode == 0 and again.stdout == done.stdout


def changes(stack: Stack) -> list[tuple[str, object]]:
    """All stacks that ever were, and when each was changed."""
    found = stack.cloudformation().list_stacks()["StackSummaries"]
    return [(summary["StackId"], summary.get("LastUpdatedTime")) for summary in found]


def test_an_invalid_configuration_is_not_deployed(stack: Stack, tmp_path: Path) -> None:
    before = changes(stack)
    mine = tmp_path / "mine"
    shutil.copytree(CONFIG, mine)
    (mine / "policies/broken.cedar").write_text('@id("broken") permit (principal, action, resource) when { x };')
    (mine / "roles.yaml").write_text("roles: [{name: a, arn: nonsense}]")
    catalog = make_deploy(stack, "STAGE=dev", f"CONFIG={mine}")
    assert (
        catalog.returncode != 0
        and "roles.yaml: role 'a' (line 1): `arn` must be the ARN of an IAM role" in catalog.stderr
    )
    shutil.copy(CONFIG / "roles.yaml", mine)
    policies = make_deploy(stack, "STAGE=dev", f"CONFIG={mine}")
    assert policies.returncode != 0 and "policies/broken.cedar" in policies.stderr
    assert "Traceback" not in catalog.stderr + policies.stderr
    assert changes(stack) == before


def test_mistakes_are_answered_with_what_to_do(stack: Stack, tmp_path: Path) -> None:
    stage = make_deploy(stack, "STAGE=staging")
    assert stage.returncode != 0 and "There are: dev, local, prod" in stage.stderr
    config = make_deploy(stack, "STAGE=dev", f"CONFIG={tmp_path}")
    assert config.returncode != 0 and "holds no roles.yaml" in config.stderr and "holds no policies" in config.stderr
    shutil.copytree(CONFIG, tmp_path / "mine")
    (tmp_path / "mine/terraform.tfstate").touch()
    more = make_deploy(stack, "STAGE=dev", f"CONFIG={tmp_path / 'mine'}")
    assert more.returncode != 0 and "holds terraform.tfstate, which is no part of a configuration" in more.stderr
    profile = make_deploy(stack, f"CONFIG={CONFIG}", AWS_PROFILE="nope", AWS_REGION="", AWS_DEFAULT_REGION="")
    assert profile.returncode != 0 and "No region" in profile.stderr and "profile (nope)" in profile.stderr
    nowhere = make_deploy(stack, "STAGE=dev", f"CONFIG={tmp_path / 'not here'}")
    assert nowhere.returncode != 0 and "not here is not a directory" in nowhere.stderr


ELSEWHERE = "eu-west-3"  # a region where nothing was deployed yet
BUCKET = f"credvend-artifacts-{ACCOUNT}-{ELSEWHERE}"


@pytest.fixture
def s3(stack: Stack) -> Iterator[Any]:
    """A client for the other region; removes the bucket for packages there afterwards."""
    environment = stack.aws.environment()
    client = boto3.client(
        "s3",
        endpoint_url=stack.aws.endpoint,
        region_name=ELSEWHERE,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    yield client
    client.delete_bucket(Bucket=BUCKET)


def make_bucket(stack: Stack) -> None:
    region = {"AWS_REGION": ELSEWHERE, "AWS_DEFAULT_REGION": ELSEWHERE}
    assert artifacts_bucket(AwsCli(stack.aws.environment() | region), ACCOUNT, ELSEWHERE) == BUCKET


def test_the_bucket_for_packages_is_closed_versioned_and_for_tls_only(stack: Stack, s3: Any) -> None:
    make_bucket(stack)
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert "Expiration" not in rule  # what is deployed, and what a rollback goes back to, stays
    assert set(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values()) == {True}
    (owned,) = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    assert owned["ObjectOwnership"] == "BucketOwnerEnforced"


def test_a_bucket_that_is_there_is_made_safe_and_keeps_statements_of_others(stack: Stack, s3: Any) -> None:
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": ELSEWHERE})
    theirs = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": "*"}
    stale = {**theirs, "Sid": "CredvendOverTlsOnly"}
    policy = {"Version": "2012-10-17", "Statement": [theirs, stale]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    for _ in range(2):
        make_bucket(stack)
        first, second = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
        assert first == theirs and (second["Sid"], second["Action"]) == ("CredvendOverTlsOnly", "s3:*")
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"


def test_who_may_not_deploy_is_asked_whose_credentials_these_are(stack: Stack) -> None:
    key = stack.add_user("no-administrator")
    done = make_deploy(
        stack, f"CONFIG={CONFIG}", AWS_ACCESS_KEY_ID=key.access_key_id, AWS_SECRET_ACCESS_KEY=key.secret_access_key
    )
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert f"Are these the credentials of an administrator of account {ACCOUNT}?" in done.stderr


def test_nothing_hidden_beside_a_configuration_is_shipped(stack: Stack, tmp_path: Path) -> None:
    mine = tmp_path / "my config"
    shutil.copytree(CONFIG, mine)
    for hidden in (".env", ".git", "policies/.draft.cedar.swp"):
        (mine / hidden).write_text("secret")
    done = deploy_here(stack, "dev", "--config", str(mine))
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(ROOT / ".build/dev/package/deployment.zip") as package:
        configuration = [name for name in package.namelist() if name.startswith("chalicelib/config/")]
    assert sorted(configuration) == [
        "chalicelib/config/accounts.schema.json",
        "chalicelib/config/issuers.schema.json",
        "chalicelib/config/policies/callers.cedar",
        "chalicelib/config/policies/guards.cedar",
        "chalicelib/config/roles.schema.json",
        "chalicelib/config/roles.yaml",
        "chalicelib/config/schema.cedarschema",
        "chalicelib/config/sessions.schema.json",
        *(["chalicelib/config/sessions.yaml"] if (CONFIG / "sessions.yaml").exists() else []),
    ]
    assert (ROOT / ".build").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_walk_throughs_catalog_is_deployed_to_no_stage_but_local(stack: Stack, stage: str) -> None:
    done = make_deploy(stack, f"STAGE={stage}")
    assert done.returncode != 0 and f"make deploy STAGE={stage} CONFIG=DIRECTORY" in done.stderr


def test_a_misspelt_variable_deploys_nothing(stack: Stack) -> None:
    done = make_deploy(stack, "STAGE=prod", f"config={CONFIG}")
    assert done.returncode != 0 and "There is no variable config. There are: PYTHON PACKAGE_PYTHON STAGE" in done.stderr
