"""Accounts that `credvend-admin onboard` sets up: their roles are vended, chained and revoked as the catalog says."""

import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from chalicelib.revocation import requests
from local.aws import ACCOUNT, REGION
from ops import admin
from ops.environments import ensure, programs
from testing.deployed import Key, Stack, allow
from testing.made_roles import made_by_terraform
from tests.e2e.test_revocation import Revocations, is_let_in, until, vend

# One account for all of them: one lane takes them.
pytestmark = pytest.mark.together
ONBOARDED, BY_TERRAFORM = "666655554444", "555566667777"
ROLE = f"arn:aws:iam::{ONBOARDED}:role/credvend/onboarded"
NEXT = f"{ROLE}-next"
RIGHTS = "team/ec2-reader"


def onboard(stack: Stack, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What the command tells as JSON, with the deployed configuration."""
    for name, value in stack.aws.environment().items():
        patch.setenv(name, value)
    config = str(stack.aws.directory / "config")
    status = admin.main(["onboard", *arguments, "--stage", "local", "--config", config, "--json"])
    out, err = capsys.readouterr()
    assert status == 0, err
    return json.loads(out)


def add_rights(stack: Stack, account: str) -> None:
    """A managed policy of the account, which `--managed-policy` names."""
    path, _, name = RIGHTS.rpartition("/")
    document = allow("ec2:DescribeInstances")
    stack.iam(account).create_policy(PolicyName=name, Path=f"/{path}/", PolicyDocument=document)


@pytest.fixture(scope="module")
def account(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The account whose template was deployed, by the very command that is printed."""
    ensure("aws")
    add_rights(stack, ONBOARDED)
    directory = tmp_path_factory.mktemp("onboarded")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.aws.environment().items():
            patch.setenv(name, value)
        told = subprocess.run(
            [
                *(programs("dev") / "python", "-m", "ops.admin", "onboard", "--account", ONBOARDED, "--stage", "local"),
                *("--config", stack.aws.directory / "config", "--managed-policy", RIGHTS, "--tag", "team=data"),
                *("--output", directory, "--json"),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        (command, *_) = [one for step in json.loads(told.stdout)["NextSteps"] for one in step["Commands"]]
    run(shlex.split(command), stack.aws.environment(ONBOARDED))
    return stack


def run(command: list[str], environment: Mapping[str, str]) -> None:
    path = f"{programs('aws')}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(command, env={**environment, "PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("role", ["onboarded", "onboarded-lasting", "onboarded-next", "onboarded-plain"])
def test_the_roles_of_a_template_are_vended(account: Stack, role: str) -> None:
    # STS waits no longer for these keys than for others': a function that starts may be too slow for it.
    until(lambda: account.vend({"role": role}).status != 503)
    answer = vend(account, role)
    assert f"::{ONBOARDED}:assumed-role/{role}/" in str(answer.body["AssumedRoleUser"])
    assert is_let_in(account, answer.key)


def test_the_doctor_finds_nothing_wrong_with_them(
    account: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in account.aws.environment().items():
        monkeypatch.setenv(name, value)
    names = ("onboarded", "onboarded-lasting", "onboarded-next", "onboarded-plain")
    roles = [word for name in names for word in ("--role", name)]
    assert admin.main(["doctor", "--stage", "local", *roles]) == 0
    assert "4 of 4 roles grant what vends ask for" in capsys.readouterr().err


def test_nobody_else_of_credvends_account_is_let_in(account: Stack) -> None:
    someone = account.add_user("someone-who-assumes", "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
    for arn in (ROLE, NEXT, f"{ROLE}-plain", f"arn:aws:iam::{ONBOARDED}:role/credvend/operator"):
        with pytest.raises(ClientError, match="AccessDenied"):
            account.sts(someone).assume_role(RoleArn=arn, RoleSessionName="intruder", ExternalId="shared:onboarded")


def test_a_session_goes_on_to_the_role_that_its_role_chains_to_and_to_no_other(account: Stack) -> None:
    key = vend(account, "onboarded").key
    given = account.sts(key).assume_role(RoleArn=NEXT, RoleSessionName="chained")["Credentials"]
    assert is_let_in(account, Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]))
    with pytest.raises(ClientError, match="AccessDenied"):
        account.sts(key).assume_role(RoleArn=f"{ROLE}-plain", RoleSessionName="intruder", ExternalId="shared:onboarded")


def test_sessions_are_revoked_through_the_operator_role_and_that_is_seen_by_the_probe(account: Stack) -> None:
    revocations = Revocations(account)
    one, other = vend(account, "onboarded"), vend(account, "onboarded")
    item = revocations.revoke(one, ROLE)
    assert not is_let_in(account, one.key) and is_let_in(account, other.key)
    until(lambda: revocations.item(item)["state"] == {"S": requests.IN_FORCE})


def test_the_operator_role_changes_roles_of_the_catalog_and_not_itself(account: Stack) -> None:
    """Its rights, as a session that the revoker would have."""
    iam = account.iam(ONBOARDED)
    trusted = cast(dict[str, Any], iam.get_role(RoleName="operator")["Role"]["AssumeRolePolicyDocument"])
    assert [one["Action"] for one in trusted["Statement"]] == [["sts:AssumeRole", "sts:SetSourceIdentity"]]
    (name,) = iam.list_role_policies(RoleName="operator")["PolicyNames"]
    document = cast(dict[str, Any], iam.get_role_policy(RoleName="operator", PolicyName=name)["PolicyDocument"])
    write, never = document["Statement"]
    assert write["Resource"] == sorted([ROLE, NEXT, f"{ROLE}-lasting", f"{ROLE}-plain"])
    assert never["Resource"] == [f"arn:aws:iam::{ONBOARDED}:role/credvend/operator"]


def test_iam_has_the_description_the_tags_and_the_longest_session(account: Stack) -> None:
    role = account.iam(ONBOARDED).get_role(RoleName="onboarded")["Role"]
    assert role["Description"] == 'Reads "${all}" - of them.' and role["MaxSessionDuration"] == 3600
    # CloudFormation adds its own.
    assert {"Key": "team", "Value": "data"} in account.iam(ONBOARDED).list_role_tags(RoleName="onboarded")["Tags"]


def test_a_template_is_the_same_before_credvend_is_deployed_and_after(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed = onboard(stack, monkeypatch, capsys, "--account", ONBOARDED)
    # But for the issuer, which is the API's own URL here: that is told where it is deployed.
    to_be = ("--credvend-account", ACCOUNT, "--region", REGION, "--issuer", deployed["Issuer"])
    assert onboard(stack, monkeypatch, capsys, "--account", ONBOARDED, *to_be) == deployed
    assert deployed["FunctionRoleArn"] == stack.deployed.function_role_arn


def test_the_roles_of_a_terraform_module_are_vended(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Terraform is not there: what it would ask IAM for is read from the module, and asked for."""
    add_rights(stack, BY_TERRAFORM)
    told = onboard(
        *(stack, monkeypatch, capsys, "--account", BY_TERRAFORM, "--format", "terraform"),
        *("--managed-policy", RIGHTS, "--output", str(tmp_path)),
    )
    module = json.loads(Path(told["Accounts"][0]["File"]).read_text())
    iam = stack.iam(BY_TERRAFORM)
    for role in made_by_terraform(module, BY_TERRAFORM):
        iam.create_role(
            RoleName=role.name,
            Path=role.path,
            Description=role.description,
            MaxSessionDuration=role.max_session_seconds,
            AssumeRolePolicyDocument=json.dumps(role.trust),
            Tags=[{"Key": key, "Value": value} for key, value in role.tags.items()],
        )
        for name, document in role.inline.items():
            iam.put_role_policy(RoleName=role.name, PolicyName=name, PolicyDocument=json.dumps(document))
        for arn in role.managed:
            iam.attach_role_policy(RoleName=role.name, PolicyArn=arn)
    assert {one["RoleName"] for one in iam.list_roles()["Roles"]} == {"onboarded-by-terraform", "operator"}
    assert is_let_in(stack, vend(stack, "onboarded-by-terraform").key)
    revocations = Revocations(stack)
    answer = vend(stack, "onboarded-by-terraform")
    revocations.revoke(answer, f"arn:aws:iam::{BY_TERRAFORM}:role/credvend/onboarded-by-terraform")
    assert not is_let_in(stack, answer.key)
