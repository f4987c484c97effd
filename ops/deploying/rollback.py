"""Back to what was deployed before, where what was deployed since does not pass its test."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from ops.aws.account import Account
from ops.cloudformation.change_set import ChangeSet, discard, execute, plan_change
from ops.cloudformation.stack import Stack, delete_stack, find_stack, sent_template
from ops.deployed.deployment import deployment_of
from ops.deployed.smoke_test import smoke_test
from ops.deploying.upload import put_template
from ops.errors import CommandFailed
from ops.stages.names import DIGEST_OUTPUT

# What the template keeps when its stack is deleted, and how to delete it.
_KEPT: Final = {
    "AWS::DynamoDB::Table": "aws dynamodb delete-table --table-name",
    "AWS::KMS::Key": "aws kms schedule-key-deletion --key-id",
    "AWS::Logs::LogGroup": "aws logs delete-log-group --log-group-name",
}
_SOMEBODY_ELSE: Final = "Somebody has deployed since; nothing was rolled back."


@dataclass(frozen=True, slots=True)
class Former:
    """What was deployed before.

    Attributes:
        template: a file; it names its package, which stays in the bucket.
        bucket: the artifacts bucket.
    """

    stack: Stack
    template: Path
    bucket: str


def remember(account: Account, stack: Stack, bucket: str, build: Path) -> Former:
    """Keep what a stack was deployed with, before it changes.

    Raises:
        CommandFailed: the template cannot be had.
    """
    template = build / "former.json"
    template.write_text(sent_template(account.aws, stack.name), encoding="utf-8")
    return Former(stack, template, bucket)


def roll_back(account: Account, failed: Stack, former: Former | None, patience: float) -> str:
    """Take a deployment back.

    Args:
        patience: as of `smoke_test`.

    Returns:
        What is there now.

    Raises:
        CommandFailed: that failed, too.
    """
    if not _is_there_still(account, failed):
        return _SOMEBODY_ELSE
    if former is None:
        return _remove(account, failed)
    url = put_template(account, failed.name, former.template, former.bucket)
    planned = plan_change(account.aws, failed.name, url, former.stack.tags, is_first=False)
    # Whatever changes the stack from here on makes the change set obsolete, and CloudFormation refuse it:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-execute.html
    if not _is_there_still(account, failed):
        if planned is not None:
            discard(account.aws, planned)
        return _SOMEBODY_ELSE
    restored = former.stack if planned is None else execute(account.aws, planned)
    back = "What was deployed before is back" + (f" ({anew})" if (anew := _made_anew(planned)) else "")
    back += _left_behind(planned)
    try:
        smoke_test(account, deployment_of(account, restored), patience)
    except Exception as failure:
        return f"{back}, but does not pass the test either:\n{said_of(failure)}"
    return f"{back}, and passes the test."


def said_of(failure: Exception) -> str:
    """What is said of a failure; of one that nobody foresaw, its kind as well."""
    return str(failure) if isinstance(failure, CommandFailed) else f"The test itself failed: {failure!r}"


def _is_there_still(account: Account, deployed: Stack) -> bool:
    """Whether nobody has deployed since."""
    now = find_stack(account.aws, deployed.name)
    return now is not None and _state(now) == _state(deployed)


def _state(stack: Stack) -> tuple[object, ...]:
    return stack.id, stack.status, stack.updated, stack.outputs.get(DIGEST_OUTPUT)


def _made_anew(back: ChangeSet | None) -> str:
    """What holds something, and was removed or replaced by the change that is taken back: so it is empty now."""
    changes = () if back is None else back.changes
    names = [
        f"{change.logical_id}, {change.type}, is made anew, empty"
        for change in changes
        if change.type in _KEPT and (change.action == "Add" or change.replacement == "True")
    ]
    return "; ".join(names)


def _left_behind(back: ChangeSet | None) -> str:
    """What the change that is taken back had made, and the template keeps: the next deployment would find it there."""
    changes = () if back is None else back.changes
    kept = [
        f"{_KEPT[change.type]} {change.physical_id}"
        for change in changes
        if change.type in _KEPT and change.action == "Remove"
    ]
    return f" (delete what is left of the failed one before you deploy again: {'; '.join(kept)})" if kept else ""


def _remove(account: Account, first: Stack) -> str:
    described = account.aws.json("cloudformation", "describe-stack-resources", "--stack-name", first.id)
    resources = cast(list[dict[str, str]], described["StackResources"])
    stays = [f"  {_KEPT[r['ResourceType']]} {r['PhysicalResourceId']}" for r in resources if r["ResourceType"] in _KEPT]
    delete_stack(account.aws, first)
    return "\n".join(
        [
            "It was the first deployment: the stack is deleted. What a stack leaves behind holds nothing but what this "
            "one wrote. Look at the log, then delete all of it, before you deploy again:",
            *stays,
        ]
    )
