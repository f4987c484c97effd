"""The CloudFormation stack: what it is, what would change in it, and the change, made as it was shown.

A change set is made, looked at and executed, so that what is shown is what is done:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar, cast

from ops.aws.account import Account
from ops.aws.aws_cli import AwsCli
from ops.documents.json_object import Json
from ops.errors import CommandFailed

# Of a stack that never was deployed whole, and holds nothing; it can only be deleted.
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
# What tells, in a failure, that a resource of that name was there before the stack: what the resource's own service
# says, or CloudFormation before it begins.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
_THERE_BEFORE: Final = ("AlreadyExists", "already exists", "ResourceExistenceCheck")
_LEFT_BY_A_FORMER: Final = (
    "A former stack of that name has left its log group and its table, and CloudFormation does not take them over. "
    "What to do: docs/deploy.md#when-the-first-deployment-fails-and-removing-it"
)
# What CloudFormation says of a change set that changes nothing; the aws command line looks for the same two.
_NO_CHANGES: Final = ("The submitted information didn't contain changes", "No updates are to be performed")
_CHANGE_SET_SECONDS: Final = 300
_STACK_SECONDS: Final = 1800
# More than one deployment makes.
_MOST_EVENTS: Final = 200
_Found = TypeVar("_Found")


class StackFailed(CommandFailed):
    """CloudFormation could not make the change; says why."""


class TakenBack(StackFailed):
    """CloudFormation could not make the change, and has taken back what it had made of it."""


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


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What a change set does to one resource.

    Attributes:
        action: `Add`, `Modify`, `Remove` and the like.
        replacement: whether it is made anew: `True`, `False`, `Conditional`, or empty.
        attributes: what of it changes.
    """

    action: str
    logical_id: str
    type: str
    replacement: str
    attributes: tuple[str, ...]


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
    outputs = cast(list[dict[str, str]], only.get("Outputs", []))
    tags = cast(list[dict[str, str]], only.get("Tags", []))
    return Stack(
        name=str(only["StackName"]),
        id=str(only["StackId"]),
        status=str(only["StackStatus"]),
        created=moment(only["CreationTime"]),
        updated=moment(only["LastUpdatedTime"]) if only.get("LastUpdatedTime") else None,
        outputs={output["OutputKey"]: output["OutputValue"] for output in outputs},
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


def upload(account: Account, stack: str, template: Path, bucket: str) -> str:
    """Put the function's code and the template into the bucket; what lies there already stays.

    Returns:
        URL of the template, for CloudFormation.

    Raises:
        CommandFailed: the bucket took them not.
    """
    packaged = template.with_name("packaged.json")
    package = ["--template-file", str(template), "--s3-bucket", bucket, "--s3-prefix", stack]
    # Its name is a digest of it; whatever else lies there under that name is not believed to be it.
    package += ["--force-upload", "--use-json", "--output-template-file", str(packaged)]
    account.aws.text("cloudformation", "package", *package)
    return put_template(account, stack, packaged, bucket)


def put_template(account: Account, stack: str, template: Path, bucket: str) -> str:
    """Put a template into the bucket: only from there CloudFormation takes more than 51,200 bytes.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html

    Returns:
        Its URL.
    """
    key = f"{stack}/{hashlib.sha256(template.read_bytes()).hexdigest()}.template"
    put = ["--bucket", bucket, "--key", key, "--body", str(template), "--expected-bucket-owner", account.number]
    account.aws.text("s3api", "put-object", *put)
    return f"{account.s3_url}/{bucket}/{key}"


def sent_template(aws: AwsCli, stack: str) -> str:
    """The template that a stack was last deployed with, as it was sent.

    Raises:
        CommandFailed: it cannot be had.
    """
    body = aws.json("cloudformation", "get-template", "--stack-name", stack, "--template-stage", "Original")
    template = body["TemplateBody"]
    return template if isinstance(template, str) else json.dumps(template)


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
        if is_first and any(sign in why for sign in _THERE_BEFORE):
            why += f"\n{_LEFT_BY_A_FORMER}"
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
    before = _latest_event(aws, planned.stack)
    aws.text("cloudformation", "execute-change-set", "--change-set-name", planned.id)
    stack = wait_for_end(aws, planned.stack)
    if stack is not None and stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return stack
    why = "\n".join(_failures(aws, planned.stack, before))
    if stack is None:
        raise StackFailed(f"Stack {planned.stack} is gone.\n{why}")
    ended = f"CloudFormation could not deploy stack {planned.stack}: it is {stack.status}.\n{why}\n"
    if stack.status == "UPDATE_ROLLBACK_COMPLETE":
        raise TakenBack(ended.rstrip())
    if stack.status == "ROLLBACK_COMPLETE":
        delete_stack(aws, stack)
        again = _LEFT_BY_A_FORMER if any(sign in why for sign in _THERE_BEFORE) else "It can be deployed again."
        raise StackFailed(f"{ended}It was the first deployment: the stack is deleted. {again}")
    try:
        find_deployed(aws, planned.stack)  # says what to do
    except CommandFailed as error:
        ended += str(error)
    raise StackFailed(ended)


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
        why = "\n".join(_failures(aws, stack.id, ""))
        raise StackFailed(f"Stack {stack.name} could not be deleted:\n{why}")


def wait_for(look: Callable[[], _Found | None], seconds: float, otherwise: str, every: float = 1.0) -> _Found:
    """What `look` finds, once it finds something.

    Args:
        seconds: how long to wait.
        otherwise: what is said when that is over.

    Raises:
        CommandFailed: it found nothing in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() + every > deadline:
            raise CommandFailed(otherwise)
        time.sleep(every)


def _events(aws: AwsCli, stack: str) -> list[dict[str, str]]:
    options = ["--stack-name", stack, "--max-items", str(_MOST_EVENTS), "--output", "json"]
    done = aws.run("cloudformation", "describe-stack-events", *options)
    return cast(list[dict[str, str]], json.loads(done.stdout)["StackEvents"]) if done.returncode == 0 else []


def _latest_event(aws: AwsCli, stack: str) -> str:
    return next((event["EventId"] for event in _events(aws, stack)), "")


def _failures(aws: AwsCli, stack: str, since: str) -> list[str]:
    """What failed after an event, oldest first; events come newest first."""
    failures: list[str] = []
    for event in _events(aws, stack):
        if event["EventId"] == since:
            break
        if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason"):
            failures.append(
                f"  {event['LogicalResourceId']} {event['ResourceStatus']}: {event['ResourceStatusReason']}"
            )
    return failures[::-1]
