"""stage.yaml changes of the template what it says and nothing else."""

import copy
import json
from pathlib import Path
from typing import Any

from ops.environments import ROOT
from ops.stages.read_stage_file import read_stage_file
from ops.stages.stage_file import StageFile
from ops.template.stage_template import ACCESS_LOG_FORMAT, apply_stage_file, bound_roles

KEY = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d-1111-2222-3333-444455556666"
CERTIFICATE = "arn:aws:acm:eu-central-1:111122223333:certificate/0a1b2c3d-1111-2222-3333-444455556666"
Template = dict[str, Any]
FUNCTIONS = ("APIHandler", "Revoker", "Doctor")


def read(tmp_path: Path, text: str) -> StageFile:
    (tmp_path / "stage.yaml").write_text(text)
    return read_stage_file(tmp_path)


def template() -> Template:
    """What Chalice makes of the shipped template, as far as these settings concern it."""
    shipped: Template = json.loads((ROOT / ".chalice/template.json").read_text())
    resources = shipped["Resources"]
    for function, reserved in (("APIHandler", 50), ("Revoker", 2), ("Doctor", 1)):
        resources[function] |= {"Type": "AWS::Serverless::Function"}
        resources[function]["Properties"] |= {"MemorySize": 512, "ReservedConcurrentExecutions": reserved}
    resources["RestAPI"] |= {"Type": "AWS::Serverless::Api"}
    resources["RestAPI"]["Properties"]["StageName"] = "api"
    signed: Template = {"security": [{"sigv4": []}]}
    paths = {"/v1/iam/roles": {"get": signed}, "/v1/roles": {"get": {}}}
    resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"] = paths
    for role in ("ApiHandlerRole", "RevokerRole"):
        resources[role] |= {"Type": "AWS::IAM::Role"}
        resources[role]["Properties"]["Policies"] = [{"PolicyDocument": {"Statement": []}}]
    for log_group in ("ApiHandlerLogGroup", "RevokerLogGroup", "DoctorLogGroup"):
        resources[log_group] |= {"Type": "AWS::Logs::LogGroup"}
        resources[log_group]["Properties"]["RetentionInDays"] = 365
    return shipped


def applied(tmp_path: Path, text: str) -> Template:
    changed = template()
    apply_stage_file(changed, read(tmp_path, text))
    return changed


def test_no_file_and_an_empty_one_change_nothing_but_the_resource_policy(tmp_path: Path) -> None:
    assert read_stage_file(tmp_path) == read(tmp_path, "# nothing yet\n") == StageFile()
    changed = applied(tmp_path, "")
    policy = changed["Resources"]["RestAPI"]["Properties"]["DefinitionBody"].pop("x-amazon-apigateway-policy")
    assert [statement["Sid"] for statement in policy["Statement"]] == ["TokensAndHealth"]
    assert changed == template()


def test_concurrency_is_reserved_or_not(tmp_path: Path) -> None:
    resources = applied(tmp_path, "concurrency: 7")["Resources"]
    reserved = [resources[name]["Properties"]["ReservedConcurrentExecutions"] for name in FUNCTIONS]
    assert reserved == [7, 2, 1]
    resources = applied(tmp_path, "concurrency: none")["Resources"]
    for name in FUNCTIONS:  # an account that has none to spare has none for any
        assert "ReservedConcurrentExecutions" not in resources[name]["Properties"]


def test_cheap_routes_keep_their_share_of_the_throttle(tmp_path: Path) -> None:
    changed = applied(tmp_path, "throttle: {rate: 200, burst: 1}")
    settings = changed["Resources"]["RestAPI"]["Properties"]["MethodSettings"]
    limits = {s["ResourcePath"]: (s["ThrottlingRateLimit"], s["ThrottlingBurstLimit"]) for s in settings}
    assert limits["/*"] == (200, 1)
    assert limits["/~1v1~1roles"] == (40, 1) and limits["/~1v1~1health"] == (20, 1)


def test_the_table_s_key_may_be_used_through_dynamodb_alone(tmp_path: Path) -> None:
    changed = applied(tmp_path, f"kms: {{tables: {KEY}}}")["Resources"]
    for table in ("TokensTable", "UsedTokensTable"):
        assert changed[table]["Properties"]["SSESpecification"]["KMSMasterKeyId"] == KEY
    for role in ("ApiHandlerRole", "RevokerRole"):
        (use,) = changed[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        assert use["Resource"] == KEY
        via = {"Fn::Sub": "dynamodb.${AWS::Region}.amazonaws.com"}
        assert use["Condition"]["StringEquals"]["kms:ViaService"] == via
    assert "KmsKeyId" not in changed["ApiHandlerLogGroup"]["Properties"]


def test_the_access_log_is_a_line_of_json_without_what_callers_send() -> None:
    line = json.loads(ACCESS_LOG_FORMAT)
    assert "\n" not in ACCESS_LOG_FORMAT and "$context.requestId" in line.values()
    assert line["lambdaRequestId"] == "$context.integration.requestId"  # by which the audit log's records are found
    sent = ("authorizer", "userAgent", "context.path", "requestOverride", "apiKey", "message", "cognito", "Header")
    assert not [value for value in line.values() for part in sent if part in value]


def test_a_domain_takes_nothing_older_than_tls_1_2(tmp_path: Path) -> None:
    changed = applied(tmp_path, f"domain: {{name: x.example.com, certificate: {CERTIFICATE}}}")
    assert changed["Resources"]["CustomDomain"]["Properties"]["SecurityPolicy"] == "TLS_1_2"
    assert "BasePath" not in changed["Resources"]["CustomDomainMapping"]["Properties"]
    assert changed["Outputs"]["CustomDomainURL"]["Value"] == "https://x.example.com"


def test_each_role_is_bounded_and_nothing_else() -> None:
    changed = template()
    changed["Resources"]["Other"] = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
    before = copy.deepcopy(changed)
    bound_roles(changed, None)
    assert changed == before
    bound_roles(changed, "arn:aws:iam::111122223333:policy/b")
    bounded = [n for n, r in changed["Resources"].items() if "PermissionsBoundary" in r["Properties"]]
    assert bounded == ["ApiHandlerRole", "RevokerRole", "Other"]


def test_a_role_without_properties_is_bounded_too() -> None:
    changed = template()
    changed["Resources"]["Bare"] = {"Type": "AWS::IAM::Role"}
    bound_roles(changed, "arn:aws:iam::111122223333:policy/b")
    assert changed["Resources"]["Bare"]["Properties"] == {"PermissionsBoundary": "arn:aws:iam::111122223333:policy/b"}
