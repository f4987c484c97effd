"""`make deploy` changes nothing unasked, and what does not work does not stay: on one stack, of stage `dev`."""

import json
import os
import pty
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from local.aws import ACCOUNT
from ops.aws.account import find_account
from ops.aws.aws_cli import AwsCli
from ops.building.package import package
from ops.cloudformation.stack import delete_stack, find_stack
from ops.deployed.caller import SmokeFailed
from ops.deployed.smoke_test import smoke_test
from ops.deploying.deploy import deploy
from ops.environments import ROOT
from ops.iam.statements import trust_statement
from ops.processes.file_lock import file_lock
from ops.stages.names import TABLES
from ops.stages.runtimes import OWN_RUNTIME
from ops.stages.stage import Stage
from testing.deployed import PERSON, Key, Stack

NAME = "credvend-dev"
ROLES = f"roles: [{{name: safe, arn: 'arn:aws:iam::{ACCOUNT}:role/safe'}}]\n"
POLICY = f"""\
@id("safe-caller-may-use-safe")
permit (principal == IamUser::"arn:aws:iam::{ACCOUNT}:user/safe-caller", action, resource == Role::"safe");
"""
# The local AWS has all there at once.
PATIENCE = 1.5
Template = dict[str, dict[str, dict[str, Any]]]
Break = Callable[[Path], None]


@dataclass(frozen=True)
class Deployer:
    """Who deploys stage `dev`, from a package that was made once: the account's root.

    The bucket for packages takes no plain HTTP, which the local AWS speaks, from anybody else.

    Attributes:
        caller: an IAM user who may do anything, and have the role `safe`.
        broken: how what is deployed next is broken.
    """

    stack: Stack
    caller: Key
    config: Path
    packaged: Path
    broken: list[Break]

    @property
    def environment(self) -> dict[str, str]:
        return self.stack.aws.environment()

    @property
    def aws(self) -> AwsCli:
        return AwsCli(self.environment)

    def environment_of(self, key: Key) -> dict[str, str]:
        return self.stack.aws.environment_for(key.access_key_id, key.secret_access_key)

    def deploy(self, *broken: Break) -> Stack:
        """The deployed service, as the deployer calls it."""
        self.broken[:] = broken
        service = self.stack.beside(deploy("dev", self.environment, self.config, yes=True, patience=PATIENCE))
        service.alice = self.caller
        return service

    def make(self, *arguments: str, key: Key | None = None, **options: Any) -> "subprocess.CompletedProcess[str]":
        """What a person types."""
        return subprocess.run(
            ["make", *arguments, "STAGE=dev"],
            cwd=ROOT,
            env=(self.environment_of(key) if key else self.environment) | PERSON,
            text=True,
            check=False,
            **{"capture_output": True, "stdin": subprocess.DEVNULL} | options,
        )


@pytest.fixture(scope="module")
def deployer(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployer]:
    """Nothing is deployed to stage `dev` yet."""
    config, packaged = tmp_path_factory.mktemp("config"), tmp_path_factory.mktemp("packaged")
    (config / "roles.yaml").write_text(ROLES)
    (config / "policies").mkdir()
    (config / "policies/deployer.cedar").write_text(POLICY)
    with file_lock(ROOT / ".build/dev/lock"):
        template = package(Stage("dev", OWN_RUNTIME), ROOT / ".build/dev", config)
        shutil.copytree(template.parent, packaged / "dev")
    deployer = Deployer(stack, stack.add_user("safe-caller", "*"), config, packaged / "dev", [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREDVEND_RUNTIME", OWN_RUNTIME)

        def packaged_once(*_: object) -> Path:
            shutil.rmtree(packaged / "next", ignore_errors=True)
            shutil.copytree(packaged / "dev", packaged / "next")
            for change in deployer.broken:
                change(packaged / "next")
            return packaged / "next" / template.name

        patch.setattr("ops.deploying.deploy.package", packaged_once)
        remove(deployer)
        yield deployer


def remove(deployer: Deployer) -> None:
    """Remove the stack, and what it leaves behind."""
    found = find_stack(deployer.aws, NAME)
    if found is not None:
        unprotect = ["--no-enable-termination-protection", "--stack-name", NAME]
        deployer.aws.text("cloudformation", "update-termination-protection", *unprotect)
        tables = [f"{NAME}-{table}" for table in TABLES.values()]
        for table in tables:
            deletable = ["--no-deletion-protection-enabled", "--table-name", table]
            deployer.aws.text("dynamodb", "update-table", *deletable)
        delete_stack(deployer.aws, found)
        for table in tables:
            deployer.aws.text("dynamodb", "delete-table", "--table-name", table)
        for group in (NAME, f"{NAME}-revoker", f"{NAME}-doctor"):
            deployer.aws.text("logs", "delete-log-group", "--log-group-name", f"/aws/lambda/{group}")


def change_template(package: Path, change: Callable[[Template], object]) -> None:
    path = package / "sam.json"
    template = json.loads(path.read_text())
    change(template)
    path.write_text(json.dumps(template))


def a_handler_that_raises(package: Path) -> None:
    with zipfile.ZipFile(package / "deployment.zip", "a") as code:
        code.writestr("broken.py", "def app(event, context):\n    raise RuntimeError('broken on purpose')\n")
    change_template(package, lambda t: t["Resources"]["APIHandler"]["Properties"].update(Handler="broken.app"))


def a_log_that_cannot_be_written(package: Path) -> None:
    deny = {"Effect": "Deny", "Action": "logs:*", "Resource": "*"}
    policy = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [deny]},
            "Roles": [{"Ref": "ApiHandlerRole"}],
        },
    }
    change_template(package, lambda t: t["Resources"].update(NoLog=policy))


@pytest.fixture(scope="module")
def first_failure(deployer: Deployer) -> str:
    """What is said of a first deployment that does not work; what that leaves behind is removed as it says."""
    with pytest.raises(SmokeFailed) as failed:
        deployer.deploy(a_handler_that_raises)
    said = str(failed.value)
    for line in said.splitlines():
        if line.startswith("  aws "):
            deployer.aws.text(*line.split()[1:])
    return said


@pytest.fixture(scope="module")
def service(deployer: Deployer, first_failure: str) -> Stack:
    """What is deployed before each test, and after it."""
    service = deployer.deploy()
    trusting = {"Version": "2012-10-17", "Statement": [trust_statement(service.deployed.function_role_arn)]}
    service.add_role("safe", trusting, "ec2:DescribeInstances")
    return service


def test_a_first_deployment_that_does_not_work_is_removed(deployer: Deployer, first_failure: str) -> None:
    assert "GET /v1/health answers 50" in first_failure and "the stack is deleted" in first_failure
    assert find_stack(deployer.aws, NAME) is None


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (a_handler_that_raises, "GET /v1/health answers 50"),
        (a_log_that_cannot_be_written, f"does not arrive in log group /aws/lambda/{NAME}"),
    ],
)
def test_what_does_not_work_is_rolled_back(deployer: Deployer, service: Stack, broken: Break, said: str) -> None:
    before = service.cloudformation().get_template(StackName=NAME, TemplateStage="Original")["TemplateBody"]
    with pytest.raises(SmokeFailed, match=said) as failed:
        deployer.deploy(broken)
    assert "What was deployed before is back, and passes the test." in str(failed.value)
    after = service.cloudformation().get_template(StackName=NAME, TemplateStage="Original")["TemplateBody"]
    assert after == before
    vended = service.vend({"role": "safe"})
    assert vended.status == 200, vended.text
    (record, *_) = service.records(vended)
    assert record["configuration"] == service.deployed.configuration


def test_a_declined_question_changes_nothing(deployer: Deployer, service: Stack, tmp_path: Path) -> None:
    mine = shutil.copytree(deployer.config, tmp_path / "mine")
    (mine / "roles.yaml").write_text(ROLES.replace("safe", "another"))
    odd = POLICY.replace('"safe"', '"another"').replace(");", ") unless { context.duration > 7200 };")
    (mine / "policies/deployer.cedar").write_text(odd)
    before = find_stack(deployer.aws, NAME)
    terminal, person = pty.openpty()
    os.write(terminal, b"n\n")
    done = deployer.make("deploy", f"CONFIG={mine}", stdin=person)
    os.close(terminal)
    os.close(person)
    assert done.returncode != 0 and done.stdout == ""
    assert "Deploy? [y/N] The stack was not changed; what was uploaded stays in credvend-artifacts-" in done.stderr
    warning = "Warning: policies/deployer.cedar: policy safe-caller-may-use-safe (line 1): `context.duration > 7200`"
    assert done.stderr.index(warning) < done.stderr.index("Deploy?")
    assert f"  as             arn:aws:iam::{ACCOUNT}:root\n" in done.stderr
    assert "  + roles: another\n" in done.stderr and "  - roles: safe\n" in done.stderr
    assert "  ~ policies: safe-caller-may-use-safe\n" in done.stderr
    assert "  ~ APIHandler, AWS::Lambda::Function" in done.stderr
    assert find_stack(deployer.aws, NAME) == before
    change_sets = service.cloudformation().list_change_sets(StackName=NAME)["Summaries"]
    assert "AVAILABLE" not in [change_set.get("ExecutionStatus") for change_set in change_sets]


def test_where_nobody_can_be_asked_nothing_is_deployed(deployer: Deployer, service: Stack) -> None:
    done = deployer.make("deploy", f"CONFIG={deployer.config}")
    assert done.returncode != 0 and "no terminal to ask on" in done.stderr and "YES=1" in done.stderr
    assert "Packaging" not in done.stderr


def test_what_answers_with_another_configuration_is_not_what_was_deployed(deployer: Deployer, service: Stack) -> None:
    other = replace(service.deployed, configuration="0" * 64)
    with pytest.raises(SmokeFailed, match=f'"{service.deployed.configuration}".*\n.* was deployed is 0000'):
        smoke_test(find_account(deployer.environment_of(deployer.caller)), other, PATIENCE)


def test_make_smoke_tests_what_is_deployed(deployer: Deployer, service: Stack) -> None:
    done = deployer.make("smoke", key=deployer.caller)
    assert done.returncode == 0, done.stderr
    assert f"  configuration: {service.deployed.configuration}\n" in done.stderr
    assert "would vend safe; recorded as credentials.requested" in done.stderr


def test_who_may_not_call_it_is_told_what_that_takes(deployer: Deployer, service: Stack) -> None:
    key = service.add_user("no-caller", "cloudformation:*", "logs:*")
    done = deployer.make("smoke", key=key)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    statement, _ = json.JSONDecoder().raw_decode(done.stderr[done.stderr.index("\n{") + 1 :])
    assert statement["Action"] == "execute-api:Invoke" and service.deployed.api_id in statement["Resource"]
