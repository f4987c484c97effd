"""Leases of seconds, at the deployed service and the strict STS: AWS's SDKs work with them, and `narrow` makes more."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from local import npm
from local.aws import ACCOUNT, REGION
from ops.environments import ROOT, programs
from ops.iam.statements import trust_statement
from testing.client import Client
from testing.deployed import Json, Stack
from tests.e2e.strict_requests import client as aws_client

PROGRAMS = ROOT / "tests/e2e/sdks"
RIGHTS = ("ec2:DescribeInstances", "ec2:DescribeRegions", "sts:GetScopedCredentials")
AWS = str(programs("aws") / "aws")
REGIONS = [AWS, "ec2", "describe-regions"]
INSTANCES = [AWS, "ec2", "describe-instances", "--query", "Reservations[].Instances[].InstanceId", "--output", "text"]


@pytest.fixture(scope="module", autouse=True)
def tasks(stack: Stack) -> Iterator[None]:
    trust = {"Version": "2012-10-17", "Statement": [trust_statement(stack.deployed.function_role_arn)]}
    stack.add_role("tasks", trust, *RIGHTS, path="/e2e/")
    yield
    stack.iam().delete_role_policy(RoleName="tasks", PolicyName="rights")
    stack.iam().delete_role(RoleName="tasks")


@pytest.fixture
def task(tmp_path: Path) -> str:
    """A policy that lists instances, and lets leases be made."""
    allowed = {"Effect": "Allow", "Action": ["ec2:DescribeInstances", "sts:GetScopedCredentials"], "Resource": "*"}
    path = tmp_path / "task.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [allowed]}, indent=2))
    return str(path)


def records(stack: Stack, reason: str) -> list[Json]:
    found = [cast(Json, json.loads(line)) for line in stack.lines() if line.startswith("{")]
    return [each for each in found if each.get("reason") == reason and each["event"] == "credentials.vended"]


def listing(program: str) -> list[str]:
    """What lists instances by an SDK."""
    if program == "boto3":
        return [sys.executable, str(PROGRAMS / "list_instances.py")]
    if program == "aws":
        return INSTANCES
    npm.ensure("sdk")
    return [str(npm.node()), str(npm.place("sdk") / "list_instances.mjs")]


@pytest.mark.parametrize("program", ["boto3", "aws", "javascript"])
def test_an_sdk_works_with_leases_of_a_minute(client: Client, instance: str, program: str) -> None:
    """Though it thinks them about to end, and asks at each request: in variables, of an endpoint, of a process."""
    reason = f"a minute of {program}"
    words = ("--duration", "60s", "--reason", reason, "tasks")
    for serve in ([], ["--serve"]):
        done = client.run("exec", *serve, *words, "--", *listing(program))
        assert (done.returncode, done.stdout.split()) == (0, [instance]), done.stderr
    (client.home / ".aws").mkdir()
    process = f'{programs("client") / "credvend"} process --duration 60s --reason "{reason}" tasks'
    config = client.home / ".aws/config"
    config.write_text(f"[profile tasks]\nregion = {REGION}\ncredential_process = {process}\n")
    key = {"aws_access_key_id": client.stack.alice.access_key_id}
    key["aws_secret_access_key"] = client.stack.alice.secret_access_key
    (client.home / ".aws/credentials").write_text("[alice]\n" + "".join(f"{name}={key[name]}\n" for name in key))
    by_profile = client.without("AWS_ACCESS", "AWS_SECRET", "AWS_CONFIG_FILE", "AWS_SHARED").with_variables(
        CREDVEND_PROFILE="alice", AWS_PROFILE="tasks", AWS_SDK_LOAD_CONFIG="1"
    )
    done = by_profile.command(*listing(program))
    assert (done.returncode, done.stdout.split()) == (0, [instance]), done.stderr
    assert len(records(client.stack, reason)) == 2, "one for each way to sign, however often an SDK asked"


def test_with_an_endpoint_leases_are_renewed_as_they_end_and_without_they_are_not(client: Client) -> None:
    program = [sys.executable, str(PROGRAMS / "until_it_ends.py")]
    words = ("--duration", "5s", "--reason", "five seconds", "tasks", "--", *program)
    served = client.run("exec", "--serve", *words)
    assert served.returncode == 0 and len(set(served.stdout.split())) == 3, served.stdout + served.stderr
    vended = [each["access_key_id"] for each in records(client.stack, "five seconds")]
    assert vended[:3] == served.stdout.split() and len(vended) <= 4
    fixed = client.run("exec", "--fresh", *words)
    key, code = fixed.stdout.split()
    assert key.startswith("ASIA") and code == "ended", fixed.stderr


def test_the_library_renews_leases_as_they_end(client: Client) -> None:
    code = (
        "import credvend, boto3, runpy\n"
        "session = credvend.session('tasks', duration='5s', reason='the library')\n"
        "boto3.client = session.client\n"
        f"runpy.run_path({str(PROGRAMS / 'until_it_ends.py')!r})"
    )
    done = client.command(client.python, "-c", code)
    assert done.returncode == 0 and len(set(done.stdout.split())) == 3, done.stdout + done.stderr
    assert len(records(client.stack, "the library")) == 3


def test_a_task_s_lease_does_what_its_policy_allows_and_narrow_makes_less_of_it(client: Client, task: str) -> None:
    words = ("exec", "--duration", "10m", "--policy", task, "--reason", "task 42", "tasks", "--")
    assert client.run(*words, *INSTANCES).returncode == 0
    refused = client.run(*words, *REGIONS)
    assert refused.returncode != 0 and "UnauthorizedOperation" in refused.stderr
    credvend = str(programs("client") / "credvend")
    narrow = (credvend, "narrow", "--duration", "60s", "--reason", "task 42, step 3")
    within = client.run(*words, *narrow, "--", *INSTANCES)
    assert within.returncode == 0, within.stderr
    lease = json.loads(client.output(*words, *narrow))
    key = lease["Credentials"]["AccessKeyId"]
    assert lease["SourceIdentity"] == f"user=alice@{ACCOUNT}"
    assert lease["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/tasks/user=alice@{ACCOUNT}"
    (vended,) = records(client.stack, "task 42")
    assert vended["access_key_id"] != key, "the service knows nothing of it"
    asked = [{"AttributeKey": "AccessKeyId", "AttributeValue": cast(str, vended["access_key_id"])}]
    events = aws_client(client.stack, "cloudtrail").lookup_events(LookupAttributes=asked)["Events"]
    told = [json.loads(each["CloudTrailEvent"]) for each in events if each["EventName"] == "GetScopedCredentials"]
    assert {each["requestParameters"]["scopedSessionDescription"] for each in told} == {"task 42, step 3"}


def test_what_narrow_may_not_do_aws_refuses_and_credvend_explains(client: Client, task: str) -> None:
    credvend = str(programs("client") / "credvend")
    within = ("exec", "--duration", "5m", "--reason", "refused", "tasks", "--")

    def told(role: tuple[str, ...], *words: str) -> tuple[int, str]:
        done = client.run(*role, credvend, "narrow", *words)
        assert done.stdout == "" and done.stderr.count("\n") == 1
        return done.returncode, done.stderr

    code, said = told(within, "--duration", "6m")
    assert code == 2 and "InsufficientSessionLifetime" in said and "shorter --duration" in said
    code, said = told(("exec", "instances", "--"), "--duration", "60s")
    assert code == 4 and "must allow sts:GetScopedCredentials" in said
    layer = (credvend, "narrow", "--policy", task, "--")
    code, said = told((*within, *layer, *layer, *layer), "--policy", task)
    assert code == 4 and "more than three policies" in said
    done = client.run("narrow", "--duration", "60s")
    assert done.returncode == 2 and "long-lived keys" in done.stderr
