"""A change of the stack, made as it was shown.

A change set is made, looked at and executed, so that what is shown is what is done:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from ops.aws.aws_cli import AwsCli
from ops.cloudformation.events import failures, latest_event
from ops.cloudformation.failures import LEFT_BY_A_FORMER, THERE_BEFORE, StackFailed, TakenBack
from ops.cloudformation.stack import Stack, delete_stack, find_deployed, find_stack, wait_for_end
from ops.cloudformation.waiting import wait_for
from ops.documents.json_object import Json
from ops.errors import CommandFailed

# What CloudFormation says of a change set that changes nothing; the aws command line looks for the same two.
_NO_CHANGES: Final = ("The submitted information didn't contain changes", "No updates are to be performed")
_CHANGE_SET_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What a change set does to one resource.

    Attributes:
        action: `Add`, `Modify`, `Remove` and the like.
        replacement: whether it is made anew: `True`, `False`, `Conditional`, or empty.
        attributes: what of it changes.
        physical_id: what it is called outside of the stack; empty for one that is not there yet.
    """

    action: str
    logical_id: str
    type: str
    replacement: str
    attributes: tuple[str, ...]
    physical_id: str = ""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A change that CloudFormation is ready to make.

    Attributes:
        id: ARN of the change set.
        is_first: the stack is made by it.
    """

    id: str
    stack: str
    is_first: bool
    changes: tuple[ResourceChange, ...]


def plan_change(aws: AwsCli, name: str, template_url: str, tags: Mapping[str, str], is_first: bool) -> ChangeSet | None:
    """Have CloudFormation work out what a template changes; nothing is changed yet.

    Args:
        tags: of the stack, which CloudFormation puts on all that it makes; others are taken away.

    Returns:
        None where nothing would change.

    Raises:
        StackFailed: CloudFormation does not take the template.
    """
    kind = "CREATE" if is_first else "UPDATE"
    options = ["--change-set-name", f"deploy-{secrets.token_hex(8)}", "--change-set-type", kind]
    options += ["--template-url", template_url, "--capabilities", "CAPABILITY_NAMED_IAM"]
    # Also where there are none: left out, those of before would stay.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
    options += ["--tags", json.dumps([{"Key": key, "Value": value} for key, value in tags.items()])]
    made = aws.json("cloudformation", "create-change-set", "--stack-name", name, *options)
    change_set = str(made["Id"])

    def described() -> Json | None:
        found = aws.json("cloudformation", "describe-change-set", "--change-set-name", change_set)
        return found if found["Status"] in ("CREATE_COMPLETE", "FAILED") else None

    told = wait_for(described, _CHANGE_SET_SECONDS, f"CloudFormation does not finish change set {change_set}.")
    if told["Status"] == "FAILED":
        why = str(told.get("StatusReason", ""))
        discard(aws, ChangeSet(change_set, name, is_first, ()))
        if any(sign in why for sign in _NO_CHANGES):
            return None
        if is_first and any(sign in why for sign in THERE_BEFORE):
            why += f"\n{LEFT_BY_A_FORMER}"
        raise StackFailed(f"CloudFormation does not take the template:\n{why}")
    changes = cast(list[dict[str, Json]], told.get("Changes", []))
    return ChangeSet(change_set, name, is_first, tuple(_change(change["ResourceChange"]) for change in changes))


def _change(described: Json) -> ResourceChange:
    details = cast(list[dict[str, dict[str, str]]], described.get("Details", []))
    targets = [detail.get("Target", {}) for detail in details]
    return ResourceChange(
        action=str(described["Action"]),
        logical_id=str(described["LogicalResourceId"]),
        type=str(described["ResourceType"]),
        replacement=str(described.get("Replacement", "")),
        attributes=tuple(sorted({target.get("Name") or target.get("Attribute", "") for target in targets} - {""})),
        physical_id=str(described.get("PhysicalResourceId", "")),
    )


def discard(aws: AwsCli, planned: ChangeSet) -> None:
    """Forget a planned change; of a first one, the empty stack that CloudFormation made for it as well."""
    aws.run("cloudformation", "delete-change-set", "--change-set-name", planned.id)
    if planned.is_first:
        stack = find_stack(aws, planned.stack)
        if stack is not None and stack.status == "REVIEW_IN_PROGRESS":
            delete_stack(aws, stack)


def execute(aws: AwsCli, planned: ChangeSet) -> Stack:
    """Make the change as it was planned, and wait for its end.

    Raises:
        TakenBack: it failed, and CloudFormation has taken it back; with the events that tell why.
        StackFailed: it failed, and CloudFormation could not take it back. Or it was the first deployment, of which
            nothing is left.
    """
    before = latest_event(aws, planned.stack)
    aws.text("cloudformation", "execute-change-set", "--change-set-name", planned.id)
    stack = wait_for_end(aws, planned.stack)
    if stack is not None and stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return stack
    why = "\n".join(failures(aws, planned.stack, before))
    if stack is None:
        raise StackFailed(f"Stack {planned.stack} is gone.\n{why}")
    ended = f"CloudFormation could not deploy stack {planned.stack}: it is {stack.status}.\n{why}\n"
    if stack.status == "UPDATE_ROLLBACK_COMPLETE":
        raise TakenBack(ended.rstrip())
    if stack.status == "ROLLBACK_COMPLETE":
        delete_stack(aws, stack)
        again = LEFT_BY_A_FORMER if any(sign in why for sign in THERE_BEFORE) else "It can be deployed again."
        raise StackFailed(f"{ended}It was the first deployment: the stack is deleted. {again}")
    try:
        find_deployed(aws, planned.stack)  # says what to do
    except CommandFailed as error:
        ended += str(error)
    raise StackFailed(ended)
