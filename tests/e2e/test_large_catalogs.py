"""Catalogs larger than one IAM policy: packaged, deployed, vended from.

Only those of their roles are made that are asked for.
"""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest

from local.aws import ACCOUNT, REGION
from ops.deploying.deploy import deploy
from ops.environments import ROOT
from ops.iam.statements import trust_statement
from testing.deployed import OTHER_ACCOUNT, PERSON, Json, Stack

STAGE = "dev"
PERMIT = '@id("all") permit (principal == IamUser::"arn:aws:iam::{account}:user/alice", action, resource);'


def arns(count: int, path: str, accounts: Iterable[str] = (ACCOUNT,)) -> list[str]:
    """So many ARNs in each account, of about 60 characters."""
    return [
        f"arn:aws:iam::{account}:role{path}{path.split('/')[1]}-{number:05}"
        for account in accounts
        for number in range(count)
    ]


def configuration(directory: Path, roles: list[str], *settings: str) -> Path:
    """A configuration whose roles are named for account and number."""
    (directory / "policies").mkdir(parents=True)
    entries = [f"  - name: {_name(arn)}\n    arn: {arn}\n    groups: [many]\n" for arn in roles]
    (directory / "roles.yaml").write_text("\n".join([*settings, "roles:", *entries]))
    (directory / "policies/all.cedar").write_text(PERMIT.format(account=ACCOUNT))
    return directory


def _name(arn: str) -> str:
    return f"r{arn.split(':')[4]}-{arn.rpartition('/')[2]}"


def deployed(stack: Stack, config: Path) -> Stack:
    """The same local AWS, with another credvend in it, which alice calls."""
    other = stack.beside(deploy(STAGE, stack.aws.environment(), config, yes=True))
    other.alice = stack.alice
    return other


def granted(stack: Stack) -> tuple[list[str], list[list[str]]]:
    """What the function's role may assume: by its inline policy, and by each managed policy that is attached to it."""
    iam = stack.iam()
    role = stack.deployed.function_role_arn.rpartition("/")[2]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    inline: object = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    managed: list[object] = []
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)["PolicyVersion"]
        managed.append(found["Document"])
    return _assumable(inline), [_assumable(document) for document in managed]


def _assumable(document: object) -> list[str]:
    policy = cast(
        dict[str, list[dict[str, list[str]]]], json.loads(document) if isinstance(document, str) else document
    )
    return [arn for one in policy["Statement"] if "sts:AssumeRole" in one["Action"] for arn in one["Resource"]]


def vends(stack: Stack, arn: str) -> bool:
    """Make the role, and ask for it; the credentials are those of a session of it."""
    _, _, _, _, account, resource = arn.split(":")
    path, _, name = resource.removeprefix("role").rpartition("/")
    trusting = {"Version": "2012-10-17", "Statement": [trust_statement(stack.deployed.function_role_arn)]}
    stack.add_role(name, trusting, path=f"{path}/", account=account)
    answer = stack.vend({"role": _name(arn)})
    assert answer.status == 200, answer.text
    user = cast(Json, answer.body["AssumedRoleUser"])
    return f":{account}:assumed-role/{name}/" in str(user["Arn"])


@pytest.mark.parametrize(("count", "policies"), [(150, 1), (950, 10)])
def test_a_catalog_too_large_for_one_policy_is_deployed_and_vends(
    stack: Stack, tmp_path: Path, count: int, policies: int
) -> None:
    roles = arns(count, f"/service-{count:04}/")
    large = deployed(stack, configuration(tmp_path / "config", roles))
    inline, managed = granted(large)
    assert 1 <= len(managed) <= policies
    assert sorted([*inline, *(arn for policy in managed for arn in policy)]) == roles
    assert vends(large, inline[0]) and vends(large, managed[0][0]) and vends(large, managed[-1][-1])


def test_twenty_thousand_roles_below_a_path_are_deployed_and_vend(stack: Stack, tmp_path: Path) -> None:
    accounts = [ACCOUNT, OTHER_ACCOUNT, *(f"1111222200{number:02}" for number in range(38))]
    roles = arns(500, "/credvend/", accounts)
    assert len(roles) == 20_000
    outside = f"arn:aws:iam::{ACCOUNT}:role/not-below-it/one"
    large = deployed(stack, configuration(tmp_path / "config", [*roles, outside], "role_path: /credvend/"))
    inline, managed = granted(large)
    assert inline == sorted([*(f"arn:aws:iam::{account}:role/credvend/*" for account in accounts), outside])
    assert managed == []  # those of a larger policy are gone
    assert vends(large, roles[0]) and vends(large, roles[999]) and vends(large, outside)
    # Below the path and trusting, but not in the catalog.
    trusting = {"Version": "2012-10-17", "Statement": [trust_statement(large.deployed.function_role_arn)]}
    large.add_role("stranger", trusting, path="/credvend/")
    assert large.vend({"role": f"arn:aws:iam::{ACCOUNT}:role/credvend/stranger"}).status == 403


def test_twenty_thousand_roles_of_forty_accounts_are_named_once_and_vend(stack: Stack, tmp_path: Path) -> None:
    accounts = [ACCOUNT, OTHER_ACCOUNT, *(f"1111222200{number:02}" for number in range(38))]
    config = configuration(tmp_path / "config", [])
    lines = [f'  - {{id: "{account}", name: team-{number}}}' for number, account in enumerate(accounts)]
    (config / "accounts.yaml").write_text("\n".join(["accounts:", *lines]))
    entries = [f"  - {{name: r{number}, role: many/r{number}, accounts: all}}" for number in range(500)]
    (config / "roles.yaml").write_text("\n".join(["roles:", *entries]))
    large = deployed(stack, config)
    inline, managed = granted(large)
    names = [*inline, *(name for policy in managed for name in policy)]
    assert sorted(names) == sorted(f"arn:aws:iam::*:role/many/r{number}" for number in range(500))
    trusting = {"Version": "2012-10-17", "Statement": [trust_statement(large.deployed.function_role_arn)]}
    for number, account in ((0, ACCOUNT), (1, OTHER_ACCOUNT)):
        large.add_role("r7", trusting, path="/many/", account=account)
        for asked in (f"r7@team-{number}", f"arn:aws:iam::{account}:role/many/r7"):
            answer = large.vend({"role": asked})
            assert answer.status == 200, answer.text
            assert answer.body["Role"] == f"r7@team-{number}"
            assert f":{account}:assumed-role/r7/" in str(cast(Json, answer.body["AssumedRoleUser"])["Arn"])
    listed = large.call("GET", "/v1/iam/roles?account=team-1")
    assert len(cast(list[Json], listed.body["Roles"])) == 500
    assert {role["AccountName"] for role in cast(list[Json], listed.body["Roles"])} == {"team-1"}


def test_a_catalog_that_cannot_fit_is_refused_in_words(tmp_path: Path) -> None:
    config = configuration(tmp_path / "config", arns(2500, "/too-many-roles/"))
    done = subprocess.run(
        ["make", "package", f"STAGE={STAGE}", f"CONFIG={config}"],
        cwd=ROOT,
        env=PERSON,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "2,500 roles do not fit" in done.stderr and "role_path: /credvend/" in done.stderr


def test_roles_of_another_partition_are_refused(stack: Stack, tmp_path: Path) -> None:
    config = configuration(tmp_path / "config", [arn.replace("arn:aws:", "arn:aws-cn:") for arn in arns(1, "/a/")])
    environment = stack.aws.environment() | PERSON
    done = subprocess.run(
        [ROOT / ".venv/dev/bin/python", "-m", "ops.deploy", STAGE, "--config", config, "--yes"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and f"of partition aws-cn; {REGION}, where this goes, is of aws" in done.stderr
