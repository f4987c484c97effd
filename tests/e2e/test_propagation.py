"""What credvend does while IAM's changes are still on their way, as they may be on AWS for some seconds."""

import json
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.table import Table
from chalicelib.revocation import requests
from local.aws import ACCOUNT, local_aws
from ops.deploying.deploy import deploy
from ops.environments import ROOT
from testing.deployed import Answer, Json, Stack

DELAY_SECONDS = 4.0
PATIENCE_SECONDS = 15.0
ROLE = "assume-role-role"  # of the walk-through's catalog


@pytest.fixture
def slow(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """credvend on a local AWS whose changes of roles take time."""
    monkeypatch.setenv("STRICT_PROPAGATION_SECONDS", str(DELAY_SECONDS))
    with local_aws() as aws:
        # The first audit record is lost for want of rights, and a third of the patience is spent on waiting for it.
        config = aws.directory / "config"
        shutil.copytree(ROOT / "chalicelib/config", config)
        with (config / "roles.yaml").open("a") as catalog:
            catalog.write("    probe: ec2:DescribeInstances\n")
        deployed = deploy("local", aws.environment(), config, patience=PATIENCE_SECONDS)
        yield Stack(aws, stack.oidc, deployed, stack.package)


def trusting(principal: str, **condition: Json) -> Json:
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    statement: Json = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions, "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [statement]}


def vended(stack: Stack) -> Answer:
    """The first answer that is no refusal."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while (answer := stack.vend({"role": ROLE})).status != 200 and time.monotonic() < ends:
        time.sleep(0.2)
    return answer


def _revoke(stack: Stack, answer: Answer) -> None:
    """A revocation that is written is not in force yet; and is said to be once it is."""
    table = Table("credvend-local-revocations", stack.dynamodb())
    now = round(time.time())
    asked = requests.Asked(f"arn:aws:iam::{ACCOUNT}:role/{ROLE}", now * 1000, now + 900, "test")
    item = requests.session_item(asked, str(answer.body["RequestId"]))
    requests.ask(table, item)
    key = {"role_arn": item["role_arn"], "id": item["id"]}
    ends = time.monotonic() + PATIENCE_SECONDS
    seen: dict[str, Any] = {}
    while "in_force" not in seen and time.monotonic() < ends:
        seen = dict(table.get(key) or {})
        if "written" in seen and "in_force" not in seen and time.time() < int(seen["written"]["N"]) / 1000 + 3:
            stack.ec2(answer.key).describe_instances()
        time.sleep(0.2)
    assert int(seen["in_force"]["N"]) - int(seen["written"]["N"]) >= (DELAY_SECONDS - 1) * 1000
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        stack.ec2(answer.key).describe_instances()


def test_a_role_is_vended_and_a_session_revoked_as_soon_as_iam_has_spread_it(slow: Stack) -> None:
    slow.alice = slow.add_user("assume-role-user", "execute-api:Invoke")
    root = f"arn:aws:iam::{ACCOUNT}:root"
    revoker = slow.deployed.function_role_arn.replace("credvend-local-", "credvend-local-revoker-")
    function: Json = {"aws:PrincipalArn": [slow.deployed.function_role_arn, revoker]}
    slow.add_role(ROLE, trusting(root, ArnEquals=function), "ec2:DescribeInstances")
    made = time.monotonic()
    with pytest.raises(ClientError, match="Invalid principal in policy"):
        slow.add_role("follower", trusting(f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"))
    refused = slow.vend({"role": ROLE})
    # The deployment has waited for the function's own rights; the target role is still on its way.
    assert (refused.status, refused.body["Code"]) == (502, "StsRefused")
    assert [record["event"] for record in slow.records(refused)] == ["credentials.requested", "credentials.failed"]
    answer = vended(slow)
    assert answer.status == 200, answer.text
    assert time.monotonic() - made >= DELAY_SECONDS
    assert slow.records(answer)[-1]["event"] == "credentials.vended"
    _revoke(slow, answer)
    # A change of what is there arrives late as well.
    nobody = trusting(f"arn:aws:iam::{ACCOUNT}:user/assume-role-user")
    slow.iam().update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(nobody))
    assert slow.vend({"role": ROLE}).status == 200
