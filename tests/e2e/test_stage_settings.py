"""A company's own settings, from CONFIG to the package and to the stack: the examples of docs/stage.md."""

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.aws import ACCOUNT, REGION
from ops.environments import ROOT, programs
from testing.deployed import CONFIG, Stack, make_package
from testing.documents import blocks
from testing.operators import deploy_here

# What the docs' examples say of region, account and runtime, and what the local AWS has instead.
HERE = {"eu-central-1": REGION, "111122223333": ACCOUNT}
# AWS's own translator, which the local AWS has.
TRANSLATE = """
import json, sys
from types import SimpleNamespace
from samtranslator.translator.transform import transform
print(json.dumps(transform(json.load(sys.stdin), {}, SimpleNamespace(load=lambda: {}))))
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with the examples of docs/stage.md in it."""
    mine = Path(shutil.copytree(CONFIG, tmp_path / "mine"))
    stage, template = blocks(ROOT / "docs/stage.md", "yaml")
    (mine / "stage.yaml").write_text(stage)
    (mine / "template.yaml").write_text(template)
    shutil.copy(ROOT / "chalicelib/config/stage.schema.json", mine)
    return mine


def test_the_examples_are_in_the_template_and_not_in_the_package(config: Path) -> None:
    template, code = make_package(config)
    with zipfile.ZipFile(code) as package:
        names = [name.rpartition("/")[2] for name in package.namelist()]
    assert not {"stage.yaml", "stage.schema.json", "template.yaml"} & set(names)
    sent = json.loads(template.read_text())
    for function in ("APIHandler", "Revoker", "Doctor"):
        sent["Resources"][function]["Properties"]["CodeUri"] = "s3://bucket/key"  # as after the upload
    translated = subprocess.run(
        [programs("ministack") / "python", "-c", TRANSLATE],
        input=json.dumps(sent),
        env={"AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    made = json.loads(translated.stdout)["Resources"]
    resources = {name: resource.get("Properties", {}) for name, resource in made.items()}
    stage = {"Ref": "RestAPIapiStage"}
    assert resources["RestAPIapiStage"]["AccessLogSetting"]["DestinationArn"].endswith(":log-group:/access/credvend")
    assert resources["WebAcl"]["ResourceArn"]["Fn::Sub"][1] == {"Stage": stage}
    assert resources["CustomDomainMapping"]["Stage"] == stage
    policy = resources["RestAPI"]["Body"]["x-amazon-apigateway-policy"]
    assert [s["Sid"] for s in policy["Statement"]] == ["TokensAndHealth", "OtherAccounts", "Organization"]
    assert resources["ApiHandlerRole"]["PermissionsBoundary"].endswith(":policy/company-boundary")
    assert resources["ErrorsAlarm"]["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "APIHandler"}}]
    assert resources["ApiHandlerLogGroup"]["RetentionInDays"] == 731


def test_a_stack_is_made_as_the_examples_say(stack: Stack, config: Path) -> None:
    stack.logs().create_log_group(logGroupName="/access/credvend")
    settings = (config / "stage.yaml").read_text()
    for there, here in HERE.items():
        settings = settings.replace(there, here)
    # The local AWS has no association of web ACLs in CloudFormation.
    (config / "stage.yaml").write_text(re.sub(r"^waf_acl:.*\n", "", settings, flags=re.M))
    done = deploy_here(stack, "dev", "--config", str(config))
    assert done.returncode == 0, done.stderr
    (made,) = stack.cloudformation().describe_stacks(StackName="credvend-dev")["Stacks"]
    tags = {tag["Key"]: tag["Value"] for tag in made["Tags"]}
    assert tags == {"cost-center": "4711", "owner": "platform@example.com"}
    outputs = {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}
    assert outputs["AlertsTopic"].startswith("arn:aws:sns:")
    groups = stack.logs().describe_log_groups(logGroupNamePrefix="/aws/lambda/credvend-dev")["logGroups"]
    (group,) = (group for group in groups if group["logGroupName"] == "/aws/lambda/credvend-dev")
    assert group["retentionInDays"] == 731 and group["kmsKeyId"].startswith(f"arn:aws:kms:{REGION}:")
    url = done.stdout.partition("credvend is at ")[2].split()[0]
    assert json.loads(stack.http.request("GET", f"{url}/v1/health").data) == {"Status": "ok"}
    assert outputs["CustomDomainURL"] == "https://credvend.example.com/prod"
    by_name = {"Host": "credvend.example.com"}
    health = stack.http.request("GET", f"{stack.aws.endpoint}/prod/v1/health", headers=by_name)
    assert json.loads(health.data) == {"Status": "ok"}
    # The local AWS takes none from the definition, but judges by one that is put there.
    patch = {"op": "replace", "path": "/policy", "value": _resource_policy(stack)}
    _gateway(stack).update_rest_api(restApiId=outputs["RestAPIId"], patchOperations=[patch])
    for path, status in (("/v1/health", 200), ("/v1/whoami", 401), ("/v1/credentials/instances", 401)):
        assert stack.http.request("GET", url + path).status == status, path
    assert _signed(stack, f"{url}/v1/iam/whoami") == 200


def _resource_policy(stack: Stack) -> str:
    """As CloudFormation makes it of the template that was sent."""
    sent = stack.cloudformation().get_template(StackName="credvend-dev", TemplateStage="Original")
    body: object = sent["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else cast(dict[str, Any], body)
    definition = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    text = json.dumps(definition["x-amazon-apigateway-policy"])
    text = re.sub(r'\{"Fn::Sub": ("[^"]*")\}', r"\1", text).replace("${AWS::Partition}", "aws")
    return text.replace('{"Ref": "AWS::AccountId"}', f'"{ACCOUNT}"')


def _signed(stack: Stack, url: str) -> int:
    """Status of the answer to alice."""
    request = AWSRequest("GET", url)
    credentials = Credentials(stack.alice.access_key_id, stack.alice.secret_access_key)
    SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
    return stack.http.request("GET", url, headers=dict(request.headers.items())).status


def _gateway(stack: Stack) -> Any:
    return boto3.client(
        "apigateway",
        endpoint_url=stack.aws.endpoint,
        region_name=REGION,
        aws_access_key_id=stack.root.access_key_id,
        aws_secret_access_key=stack.root.secret_access_key,
    )
