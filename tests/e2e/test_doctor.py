"""What operators are told of what is deployed, and what roles let it do: `credvend-admin doctor`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.client import session
from chalicelib.configuration.catalog_file import read_catalog
from local.aws import ACCOUNT, REGION
from ops import admin
from ops.environments import ROOT
from testing.deployed import CONFIG, Json, Key, Stack
from testing.documents import blocks
from testing.events import iam_user, rest_event

DOCTOR = "credvend-local-doctor"
ROLES = len(read_catalog(CONFIG / "roles.yaml").roles)
# What the local AWS does otherwise than AWS: docs/local-aws.md.
NOT_RESERVED = "its reserved concurrency is not set"


@dataclass
class Admin:
    """`credvend-admin doctor` in this process, on the deployed stage."""

    stack: Stack
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def run(self, *arguments: str, status: int) -> tuple[str, str]:
        """What it prints, and what it says."""
        got = admin.main(["doctor", "--stage", "local", *arguments])
        out, err = self.capture.readouterr()
        assert got == status, out + err
        return out, err

    def asked(self, *arguments: str, status: int = 1) -> Any:
        """What it prints as JSON."""
        return json.loads(self.run("--json", *arguments, status=status)[0])

    def of_role(self, name: str, status: int = 1) -> list[Json]:
        """What is found of one role."""
        came = self.asked("--role", name, status=status)
        assert came["RolesAsked"] == 1
        return [one for one in came["Findings"] if one["About"].startswith(f"role {name} ")]

    def sign_in(self, key: Key) -> None:
        self.patch.setenv("AWS_ACCESS_KEY_ID", key.access_key_id)
        self.patch.setenv("AWS_SECRET_ACCESS_KEY", key.secret_access_key)


@pytest.fixture
def doctor(
    stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Admin]:
    for name, value in stack.aws.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)  # no configuration is at hand
    session.cache_clear()  # it keeps credentials, and tests of this file change them
    yield Admin(stack, capsys, monkeypatch)
    session.cache_clear()


@dataclass
class Trust:
    """The trust policy of a role that tests change."""

    stack: Stack
    name: str

    def read(self) -> list[Json]:
        told = self.stack.iam().get_role(RoleName=self.name)["Role"]["AssumeRolePolicyDocument"]
        return cast(list[Json], cast(Json, told)["Statement"])

    def write(self, statements: list[Json]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.stack.iam().update_assume_role_policy(RoleName=self.name, PolicyDocument=document)

    def add(self, statements: object) -> None:
        """What a finding says is to be added."""
        self.write([*self.read(), *cast(list[Json], statements)])


@pytest.fixture
def trust(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Trust]:
    """Of the role that a test names; as it was, afterwards."""
    changed = Trust(stack, request.param)
    before = changed.read()
    yield changed
    changed.write(before)


def without(statement: Json, action: str) -> Json:
    return {**statement, "Action": [one for one in cast(list[str], statement["Action"]) if one != action]}


@pytest.mark.parametrize("trust", ["untaggable"], indirect=True)
def test_a_role_that_lacks_sts_tag_session_is_found_and_the_statement_mends_it(doctor: Admin, trust: Trust) -> None:
    assert doctor.stack.vend({"role": "untaggable"}).status == 502
    (found,) = doctor.of_role("untaggable")
    assert "sts:TagSession" in str(found["What"]) and "tag_session: false" in str(found["Do"])
    (statement,) = cast(list[Json], found["TrustStatements"])
    assert statement["Action"] == "sts:TagSession"
    trust.add([statement])
    assert doctor.of_role("untaggable", status=0) == []
    assert doctor.stack.vend({"role": "untaggable"}).status == 200


@pytest.mark.parametrize("trust", ["guarded"], indirect=True)
def test_a_role_that_lacks_sts_set_source_identity_is_found_and_mended(doctor: Admin, trust: Trust) -> None:
    (whole,) = trust.read()
    trust.write([without(whole, "sts:SetSourceIdentity")])
    (found,) = doctor.of_role("guarded")
    assert "does not allow sts:SetSourceIdentity" in str(found["What"])
    trust.add(found["TrustStatements"])
    assert doctor.of_role("guarded", status=0) == []


@pytest.mark.parametrize("trust", ["guarded"], indirect=True)
def test_a_role_that_lacks_both_gets_one_statement(doctor: Admin, trust: Trust) -> None:
    (whole,) = trust.read()
    trust.write([{**whole, "Action": "sts:AssumeRole"}])
    (found,) = doctor.of_role("guarded")
    assert "sts:SetSourceIdentity and sts:TagSession" in str(found["What"])
    assert len(cast(list[Json], found["TrustStatements"])) == 1
    trust.add(found["TrustStatements"])
    assert doctor.of_role("guarded", status=0) == []


@pytest.mark.parametrize("trust", ["untrusting"], indirect=True)
def test_a_role_that_does_not_trust_credvend_is_found_and_mended(doctor: Admin, trust: Trust) -> None:
    (found,) = doctor.of_role("untrusting")
    assert "not let in" in str(found["What"]) and "sts:AssumeRole" in str(found["What"])
    trust.add(found["TrustStatements"])
    assert doctor.of_role("untrusting", status=0) == []
    assert doctor.stack.vend({"role": "untrusting"}).status == 200


def test_a_role_that_is_not_there_is_told_from_one_that_does_not_trust(doctor: Admin) -> None:
    (found,) = doctor.of_role("missing")
    assert found["What"] == "there is no such role"


@pytest.mark.parametrize("trust", ["with-external-id"], indirect=True)
def test_a_wrong_external_id_is_found_and_the_statements_mend_it(doctor: Admin, trust: Trust) -> None:
    assert doctor.of_role("with-external-id", status=0) == []
    text = json.dumps(trust.read())
    trust.write(json.loads(text.replace("shared-id", "another-id")))
    (found,) = doctor.of_role("with-external-id")
    assert "demands the external id 'another-id', and roles.yaml has 'shared-id'" in str(found["What"])
    trust.write(cast(list[Json], found["TrustStatements"]))
    assert doctor.of_role("with-external-id", status=0) == []


@pytest.mark.parametrize("trust", ["with-external-id"], indirect=True)
def test_an_external_id_that_keeps_nobody_out_is_a_warning(doctor: Admin, trust: Trust) -> None:
    assume, others = trust.read()
    open_to_all = {key: value for key, value in cast(Json, assume["Condition"]).items() if key != "StringEquals"}
    trust.write([{**assume, "Condition": open_to_all}, others])
    (found,) = doctor.of_role("with-external-id", status=0)
    assert found["Level"] == "warning" and "without the external_id" in str(found["What"])
    trust.write(cast(list[Json], found["TrustStatements"]))
    assert doctor.of_role("with-external-id", status=0) == []


def test_an_external_id_that_roles_yaml_does_not_have_is_named(doctor: Admin) -> None:
    (found,) = doctor.of_role("without-external-id")
    assert "demands the external id 'shared-id', and roles.yaml has none" in str(found["What"])


@pytest.mark.parametrize("trust", ["guarded"], indirect=True)
def test_a_session_that_may_not_last_as_long_as_the_catalog_says_is_found(doctor: Admin, trust: Trust) -> None:
    (whole,) = trust.read()
    condition = {**cast(Json, whole["Condition"]), "NumericLessThanEquals": {"sts:DurationSeconds": "1800"}}
    trust.write([{**whole, "Condition": condition}])
    (found,) = doctor.of_role("guarded")
    assert "for 900 s, and not for its max_duration, 3600 s" in str(found["What"])


def test_each_role_of_the_catalog_is_asked_about_and_what_is_in_order_is_not_told(doctor: Admin) -> None:
    before = len(doctor.stack.logs().describe_log_streams(logGroupName=f"/aws/lambda/{DOCTOR}")["logStreams"])
    came = doctor.asked("--only", "roles")
    assert came["RolesAsked"] == ROLES and came["RolesGranted"] >= 15 and not came["InOrder"]
    named = {one["About"].split()[1] for one in came["Findings"] if one["About"].startswith("role ")}
    assert {"missing", "untrusting", "untaggable", "without-external-id"} <= named
    assert not named & {"instances", "plain", "with-external-id", "elsewhere", "by-managed-policy", "by-tag"}
    assert before >= 0


def test_it_leaves_records_without_secrets_and_nothing_in_the_ledger(doctor: Admin) -> None:
    table = doctor.stack.dynamodb()
    before = table.scan(TableName="credvend-local-sessions", Select="COUNT")["Count"]
    doctor.of_role("instances", status=0)
    pages = doctor.stack.logs().get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{DOCTOR}")
    lines = [event["message"] for page in pages for event in page["events"]]
    records = [json.loads(line) for line in lines if line.startswith("{")]
    requested = [one for one in records if one["event"] == "examination.requested" and one["roles"] == ["instances"]]
    (examined,) = [one for one in records if one["request_id"] == requested[-1]["request_id"]][1:]
    assert examined["event"] == "role.examined" and examined["granted"] is True and examined["sts_request_ids"]
    assert not [line for line in lines if "ASIA" in line or "SecretAccessKey" in line]
    assert table.scan(TableName="credvend-local-sessions", Select="COUNT")["Count"] == before


def invoked(stack: Stack, function: str, event: object, key: Key | None = None) -> str:
    client = cast(Any, stack._client("lambda", key))
    return str(client.invoke(FunctionName=function, Payload=json.dumps(event).encode())["Payload"].read())


def test_the_doctor_vends_nothing_whatever_it_is_sent(doctor: Admin) -> None:
    body = json.dumps({"role": "instances"})
    identity = iam_user("alice", account=ACCOUNT)
    event = rest_event("POST", "/v1/iam/credentials", identity=identity, body=body)
    for sent in (event, {"Examine": ["instances"]}, {"List": 0}, {"Examine": ["instances"], **event}):
        assert "SecretAccessKey" not in invoked(doctor.stack, DOCTOR, sent)
    # Nor does the function that vends answer what the doctor is asked.
    answer = invoked(doctor.stack, "credvend-local", {"Examine": ["instances"]})
    assert "Granted" not in answer and "SecretAccessKey" not in answer


def rights() -> str:
    """The IAM policy of docs/operate.md."""
    (policy,) = [one for one in blocks(ROOT / "docs/operate.md", "json") if "AskTheDoctor" in one]
    return policy.replace("REGION", REGION).replace("ACCOUNT", ACCOUNT).replace("STAGE", "local")


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Key:
    """Who has the rights that docs/operate.md names, and no others."""
    key = stack.add_user("doctors-operator")
    arn = stack.iam().create_policy(PolicyName="doctors-operator", PolicyDocument=rights())["Policy"]["Arn"]
    stack.iam().attach_user_policy(UserName="doctors-operator", PolicyArn=arn)
    return key


def test_the_rights_that_are_documented_are_enough_and_get_nobody_a_role(doctor: Admin, operator: Key) -> None:
    whole = doctor.asked()
    doctor.sign_in(operator)
    limited = doctor.asked()
    assert (
        sorted({str(one["MissingRight"]) + one["About"] for one in limited["Findings"] if one not in whole["Findings"]})
        == []
    )
    assert limited == whole
    assert not [one for one in whole["Findings"] if one["MissingRight"] or one["Level"] == "unknown"]
    with pytest.raises(ClientError, match="AccessDenied"):
        invoked(doctor.stack, "credvend-local", {}, operator)
    with pytest.raises(ClientError, match="AccessDenied"):
        invoked(doctor.stack, "credvend-local-revoker", {}, operator)


def test_without_any_rights_each_right_that_is_missing_is_said(doctor: Admin) -> None:
    doctor.sign_in(doctor.stack.add_user("nobody-at-all"))
    came = doctor.asked()
    assert {one["MissingRight"] for one in came["Findings"]} >= {"cloudformation:DescribeStacks"}
    doctor.sign_in(
        doctor.stack.add_user(
            "reads-stacks",
            *("cloudformation:DescribeStacks", "cloudformation:GetTemplate", "cloudformation:ListStackResources"),
        )
    )
    missing = {one["MissingRight"] for one in doctor.asked()["Findings"]}
    assert missing >= {
        *("lambda:InvokeFunction", "lambda:GetFunctionConfiguration", "lambda:ListEventSourceMappings"),
        *("dynamodb:DescribeTable", "logs:DescribeLogGroups", "cloudwatch:DescribeAlarms"),
        *("iam:GetAccountAuthorizationDetails", "cloudwatch:GetMetricStatistics", "logs:FilterLogEvents"),
    }


def test_what_is_wrong_with_the_stack_is_found(doctor: Admin) -> None:
    stack = doctor.stack
    logs, tables, functions = stack.logs(), stack.dynamodb(), cast(Any, stack._client("lambda", None))
    alarms = cast(Any, stack._client("cloudwatch", None))
    first = doctor.asked("--only", "stack", status=0)
    assert {one["What"].partition(",")[0] for one in first["Findings"]} == {
        NOT_RESERVED,
        "none watches credvend: nobody is told when it fails",
        "no sessions can be revoked",
    } - {"no sessions can be revoked"}
    (mapping, *_) = functions.list_event_source_mappings(FunctionName="credvend-local-revoker")["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    logs.put_retention_policy(logGroupName="/aws/lambda/credvend-local", retentionInDays=1)
    tables.update_time_to_live(
        TableName="credvend-local-quotas", TimeToLiveSpecification={"Enabled": False, "AttributeName": "ttl"}
    )
    functions.put_function_concurrency(FunctionName="credvend-local-doctor", ReservedConcurrentExecutions=3)
    alarms.put_metric_alarm(
        AlarmName="errors",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "FunctionName", "Value": "credvend-local"}],
        Period=60,
        EvaluationPeriods=1,
        Statistic="Sum",
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    alarms.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="it fails")
    try:
        told = {one["About"]: one["What"] for one in doctor.asked("--only", "stack")["Findings"]}
        assert "nothing is revoked while it is" in told["event source mappings of function credvend-local-revoker"]
        assert "records for 1 days, and the stack says 7" in told["log group /aws/lambda/credvend-local"]
        assert "time to live is DISABLED" in told["table credvend-local-quotas"]
        assert "is 3, and the stack's 1" in told["function credvend-local-doctor"]
        assert told["alarm errors"] == "it is in ALARM: it fails" and "alarms" not in told
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
        logs.put_retention_policy(logGroupName="/aws/lambda/credvend-local", retentionInDays=7)
        tables.update_time_to_live(
            TableName="credvend-local-quotas", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
        )
        functions.delete_function_concurrency(FunctionName="credvend-local-doctor")
        alarms.delete_alarms(AlarmNames=["errors"])


def test_the_configuration_at_hand_is_compared_and_its_issuers_are_asked(doctor: Admin) -> None:
    config = doctor.stack.aws.directory / "config"
    came = doctor.asked("--config", str(config))
    assert came["IssuersAsked"] == 2 and not [one for one in came["Findings"] if one["About"].startswith("issuer")]
    assert "configuration directory" not in json.dumps(came)
    later = Path("later")
    (later / "policies").mkdir(parents=True)
    (later / "roles.yaml").write_text(
        "roles:\n  - {name: new, arn: 'arn:aws:iam::278805249149:role/new'}\n  - {name: instances, "
        "arn: 'arn:aws:iam::278805249149:role/e2e/instances'}\n"
    )
    (later / "policies/all.cedar").write_text("permit (principal, action, resource);")
    (later / "issuers.yaml").write_text(
        "issuers:\n  - {name: gone, issuer: 'http://127.0.0.1:9', audiences: [x], jwks_uri: 'http://127.0.0.1:9/k'}\n"
    )
    told = [f"{one['About']}: {one['What']}" for one in doctor.asked("--config", str(later))["Findings"]]
    assert [one for one in told if "is not what the configuration directory holds" in one]
    assert [one for one in told if one.startswith("issuer gone: ")]
    assert "roles: not asked: new, which are not deployed yet" in told


def test_what_cannot_be_asked_at_all_says_what_to_do(doctor: Admin) -> None:
    assert "no role 'nowhere'" in doctor.run("--role", "nowhere", status=1)[1]
    with doctor.patch.context() as elsewhere:  # other tests deploy other stages, and none of them to this region
        elsewhere.setenv("AWS_REGION", "eu-west-3")
        assert "There is no stack credvend-local here" in doctor.run(status=1)[1]
    assert admin.main(["doctor", "--stage", "elsewhere"]) == 1
    assert "No stage 'elsewhere'" in doctor.capture.readouterr().err
    doctor.sign_in(Key("AKIAWRONG", "wrong"))
    assert "AWS does not take your credentials" in doctor.run(status=1)[1]
    doctor.patch.delenv("AWS_ACCESS_KEY_ID")
    doctor.patch.delenv("AWS_SECRET_ACCESS_KEY")
    doctor.patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "No AWS credentials" in doctor.run(status=1)[1]
    doctor.patch.delenv("AWS_REGION", raising=False)
    doctor.patch.delenv("AWS_DEFAULT_REGION", raising=False)
    assert "No region" in doctor.run(status=1)[1]


def test_people_read_the_worst_first_with_what_to_do(doctor: Admin) -> None:
    out, err = doctor.run("--only", "roles", status=1)
    heads = [line.split("  ")[0] for line in out.splitlines() if line and line[0] not in " {}"]
    assert heads == sorted(heads, key=["PROBLEM", "NOT ASKED", "WARNING", "NOTE"].index)
    assert '        "Action": "sts:TagSession"' in out or '"Action": "sts:TagSession"' in out
    assert f"of {ROLES} roles grant what vends ask for" in err
