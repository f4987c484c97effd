"""In which states a stack is deployed to, and what is said of the others."""

import json
import subprocess
from dataclasses import dataclass, field

import pytest

from ops.aws.aws_cli import AwsCli
from ops.cloudformation.stack import ChangeSet, StackFailed, TakenBack, execute, find_deployed, plan_change
from ops.errors import CommandFailed

NAME = "credvend-x"


@dataclass(frozen=True, slots=True, repr=False)
class CloudFormation(AwsCli):
    """An aws with a stack in this state, where this failed."""

    state: str = ""
    why: str = ""
    told: list[str] = field(default_factory=list)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        self.told.append(arguments[1])
        said: dict[str, object] = {}
        if arguments[1] == "describe-stacks":
            state = "DELETE_COMPLETE" if "delete-stack" in self.told else self.state
            stack = {"StackName": NAME, "StackId": "id", "StackStatus": state, "CreationTime": 1.5}
            said = {"Stacks": [stack | {"LastUpdatedTime": "2026-01-02T03:04:05Z"}]}
        elif arguments[1] == "describe-stack-events":
            failed = {"EventId": "2", "ResourceStatus": "CREATE_FAILED", "LogicalResourceId": "TokensTable"}
            events = [failed | {"ResourceStatusReason": self.why}] if "execute-change-set" in self.told else []
            said = {"StackEvents": [*events, {"EventId": "1", "ResourceStatus": "REVIEW_IN_PROGRESS"}]}
        elif arguments[1] == "create-change-set":
            said = {"Id": "change"}
        elif arguments[1] == "describe-change-set":
            said = {"Status": "FAILED", "StatusReason": self.why}
        return subprocess.CompletedProcess(arguments, 0, json.dumps(said), "")


@pytest.mark.parametrize(
    "state",
    ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"],
)
def test_a_stack_in_a_stable_state_is_deployed_to(state: str) -> None:
    found = find_deployed(CloudFormation({}, state), NAME)
    assert found is not None and found.updated is not None and found.updated.year == 2026


@pytest.mark.parametrize(
    ("state", "way"),
    [
        ("UPDATE_FAILED", "rollback-stack"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("ROLLBACK_FAILED", "delete-stack"),
    ],
)
def test_of_another_state_the_way_out_is_said(state: str, way: str) -> None:
    with pytest.raises(CommandFailed, match=f"aws cloudformation {way} --stack-name {NAME}"):
        find_deployed(CloudFormation({}, state), NAME)


@pytest.mark.parametrize("why", ["credvend-x-tokens already exists", "(HandlerErrorCode: AlreadyExists)"])
def test_what_a_former_stack_left_is_what_a_first_deployment_fails_for(why: str) -> None:
    first = ChangeSet("change", NAME, True, ())
    with pytest.raises(StackFailed, match=r"log group and its table.*docs/deploy\.md#when-the-first") as failed:
        execute(CloudFormation({}, "ROLLBACK_COMPLETE", why), first)
    assert why in str(failed.value) and "can be deployed again" not in str(failed.value)
    with pytest.raises(StackFailed, match="can be deployed again"):
        execute(CloudFormation({}, "ROLLBACK_COMPLETE", "AccessDenied"), first)
    with pytest.raises(StackFailed, match=r"docs/deploy\.md#when-the-first"):
        early = "[AWS::EarlyValidation::ResourceExistenceCheck]"
        plan_change(CloudFormation({}, "UPDATE_COMPLETE", early), NAME, "url", {}, is_first=True)


def test_what_failed_stands_beside_what_to_do() -> None:
    update = ChangeSet("change", NAME, False, ())
    with pytest.raises(StackFailed, match=r"(?s)AccessDenied.*rollback-stack"):
        execute(CloudFormation({}, "UPDATE_FAILED", "AccessDenied"), update)
    with pytest.raises(TakenBack) as failed:
        execute(CloudFormation({}, "UPDATE_ROLLBACK_COMPLETE", "AccessDenied"), update)
    assert "AccessDenied" in str(failed.value) and "before is back" not in str(failed.value)
