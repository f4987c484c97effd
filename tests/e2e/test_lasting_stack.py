"""A stack that lasts: it is not deleted by mistake, and where it was deleted and made again, targets still trust it.

What docs/deploy.md says of removing a stack, and of the first hour on a real account, is what is done here.
"""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.aws import ACCOUNT, REGION
from ops.deployed.deployment import Deployment
from ops.deploying.deploy import deploy
from ops.environments import ROOT
from ops.iam.statements import trust_statement
from testing.deployed import Answer, Stack
from testing.documents import blocks
from tests.walkthroughs.test_documents import bash, path_with_aws

DEPLOY = ROOT / "docs/deploy.md"

ROLES = f"roles: [{{name: lasting, arn: 'arn:aws:iam::{ACCOUNT}:role/lasting'}}]"
POLICY = f"""
@id("alice-may")
permit (principal == IamUser::"arn:aws:iam::{ACCOUNT}:user/alice", action, resource == Role::"lasting");
"""


def vend(stack: Stack, deployed: Deployment) -> Answer:
    """Have alice ask another deployment than the one that tests share."""
    return stack.beside(deployed).vend({"role": "lasting"})


def test_a_stack_made_again_vends_with_the_targets_trust_unchanged(stack: Stack, tmp_path: Path) -> None:
    config = tmp_path / "config"
    (config / "policies").mkdir(parents=True)
    (config / "roles.yaml").write_text(ROLES)
    (config / "policies/alice.cedar").write_text(POLICY)
    formation, dynamodb, iam = stack.cloudformation(), stack.dynamodb(), stack.iam()
    first = deploy("dev", stack.aws.environment(), config, yes=True)
    role = first.function_role_arn.rpartition("/")[2]
    unique_id = iam.get_role(RoleName=role)["Role"]["RoleId"]
    stack.add_role("lasting", {"Version": "2012-10-17", "Statement": [trust_statement(first.function_role_arn)]})
    assert vend(stack, first).status == 200

    # It is protected, until that is taken off.
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        formation.delete_stack(StackName=first.stack)
    table = f"{first.stack}-tokens"
    with pytest.raises(ClientError, match="protected against deletion"):
        dynamodb.delete_table(TableName=table)
    removing, what_stays, looking, reading = blocks(DEPLOY, "bash")
    environment = stack.aws.environment() | {"STAGE": "dev", "CREDVEND_URL": first.url}
    environment |= {"PATH": path_with_aws(tmp_path, environment["PATH"])}
    seen = bash(looking, tmp_path, environment)
    assert '"Status":"ok"' in seen and "COMPLETE\tTrue" in seen and first.function_role_arn in seen
    assert "ACTIVE\tTrue" in seen
    assert '"event":"credentials.vended"' in bash(reading, tmp_path, environment).replace('": "', '":"')
    bash(removing, tmp_path, environment)
    formation.get_waiter("stack_delete_complete").wait(StackName=first.stack, WaiterConfig={"Delay": 1})
    bash(what_stays, tmp_path, environment)

    second = deploy("dev", stack.aws.environment(), config, yes=True)
    assert second.function_role_arn == first.function_role_arn
    assert iam.get_role(RoleName=role)["Role"]["RoleId"] != unique_id
    again = vend(stack, second)
    assert again.status == 200, again.text


def test_the_bucket_for_packages_takes_no_plain_http(stack: Stack) -> None:
    key = stack.add_user("reader-of-packages", "s3:*")
    bucket = f"credvend-artifacts-{ACCOUNT}-{REGION}"
    assert stack.aws.endpoint.startswith("http://")
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        stack.s3(key).list_objects_v2(Bucket=bucket)
