"""The CloudFormation stack: what it is, and its life from the last deployment to the next one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from ops.aws.aws_cli import AwsCli
from ops.aws.stack_outputs import outputs_of
from ops.cloudformation.events import failures
from ops.cloudformation.failures import StackFailed
from ops.cloudformation.waiting import wait_for
from ops.documents.json_object import Json
from ops.errors import CommandFailed

# A stack in such a state never was deployed whole, and holds nothing; it can only be deleted.
_NEVER_DEPLOYED: Final = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE")
# An update can start from these: the last known stable states of
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackStack.html
_UPDATABLE: Final = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
_STACK_SECONDS: Final = 1800


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as CloudFormation describes it.

    Attributes:
        created, updated: by CloudFormation's clock; `updated` is None where the stack is as it was made.
    """

    name: str
    id: str
    status: str
    created: datetime
    updated: datetime | None
    outputs: Mapping[str, str]
    tags: Mapping[str, str]


def find_stack(aws: AwsCli, name: str) -> Stack | None:
    """The stack of that name, or None.

    Raises:
        CommandFailed: it cannot be looked up.
    """
    done = aws.run("cloudformation", "describe-stacks", "--stack-name", name, "--output", "json")
    if done.returncode != 0:
        if "does not exist" in done.stderr:
            return None
        raise CommandFailed(f"aws cloudformation describe-stacks --stack-name {name}\n{done.stderr.strip()}")
    (only,) = cast(list[Json], json.loads(done.stdout)["Stacks"])
    tags = cast(list[dict[str, str]], only.get("Tags", []))
    return Stack(
        name=str(only["StackName"]),
        id=str(only["StackId"]),
        status=str(only["StackStatus"]),
        created=moment(only["CreationTime"]),
        updated=moment(only["LastUpdatedTime"]) if only.get("LastUpdatedTime") else None,
        outputs=outputs_of(only),
        tags={tag["Key"]: tag["Value"] for tag in tags},
    )


def moment(value: object) -> datetime:
    """A time as the aws command line prints it: ISO 8601, or seconds since 1970."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value).astimezone()
    return datetime.fromisoformat(str(value).replace("Z", "+00:00")).astimezone()


def find_deployed(aws: AwsCli, name: str) -> Stack | None:
    """The stack of that name that can be updated, or None if there is none; what never was deployed is removed.

    Raises:
        CommandFailed: it is in a state that a person has to look at; says what to do.
    """
    stack = find_stack(aws, name)
    if stack is None or stack.status in _UPDATABLE:
        return stack
    if stack.status in _NEVER_DEPLOYED:
        delete_stack(aws, stack)
        return None
    if stack.status.endswith("_IN_PROGRESS"):
        raise CommandFailed(
            f"Stack {name} is {stack.status}: another deployment is at work. Wait for its end:\n"
            f"  aws cloudformation describe-stacks --stack-name {name} --query 'Stacks[].StackStatus'"
        )
    way = {
        "UPDATE_FAILED": f"aws cloudformation rollback-stack --stack-name {name}",
        "UPDATE_ROLLBACK_FAILED": f"aws cloudformation continue-update-rollback --stack-name {name}",
    }.get(stack.status, f"aws cloudformation delete-stack --stack-name {name}")
    raise CommandFailed(
        f"Stack {name} is {stack.status}, and cannot be deployed to. Why it is:\n"
        f"  aws cloudformation describe-stack-events --stack-name {name}\nThe way out, once that is mended:\n  {way}"
    )


def sent_template(aws: AwsCli, stack: str) -> str:
    """The template that a stack was last deployed with, as it was sent.

    Raises:
        CommandFailed: it cannot be had.
    """
    body = aws.json("cloudformation", "get-template", "--stack-name", stack, "--template-stage", "Original")
    template = body["TemplateBody"]
    return template if isinstance(template, str) else json.dumps(template)


def wait_for_end(aws: AwsCli, name: str) -> Stack | None:
    """The stack once CloudFormation is done with it, None if it is gone then."""

    def ended() -> tuple[Stack | None] | None:
        stack = find_stack(aws, name)
        return None if stack is not None and stack.status.endswith("_IN_PROGRESS") else (stack,)

    (stack,) = wait_for(ended, _STACK_SECONDS, f"CloudFormation does not finish with stack {name}.")
    return stack


def delete_stack(aws: AwsCli, stack: Stack) -> None:
    """Delete a stack, and wait until it is gone.

    Raises:
        StackFailed: CloudFormation could not delete it.
    """
    aws.text("cloudformation", "delete-stack", "--stack-name", stack.id)

    def ended() -> str | None:
        found = find_stack(aws, stack.id)  # by its id also a deleted stack is found
        status = "DELETE_COMPLETE" if found is None else found.status
        return status if status in ("DELETE_COMPLETE", "DELETE_FAILED") else None

    if wait_for(ended, _STACK_SECONDS, f"CloudFormation does not delete stack {stack.name}.") == "DELETE_FAILED":
        why = "\n".join(failures(aws, stack.id, ""))
        raise StackFailed(f"Stack {stack.name} could not be deleted:\n{why}")
