"""Back to what was deployed before, where what was deployed since does not pass its test."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from ops.account import Account
from ops.aws_cli import CommandFailed
from ops.deployment import deployment_of
from ops.smoke import smoke_test
from ops.stack import Stack, delete_stack, execute, plan_change, put_template, sent_template

# What the template keeps when its stack is deleted, and how to delete it.
_KEPT: Final = {
    "AWS::DynamoDB::Table": "aws dynamodb delete-table --table-name",
    "AWS::Logs::LogGroup": "aws logs delete-log-group --log-group-name",
}


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
    if former is None:
        return _remove(account, failed)
    url = put_template(account, failed.name, former.template, former.bucket)
    planned = plan_change(account.aws, failed.name, url, former.stack.tags, is_first=False)
    restored = former.stack if planned is None else execute(account.aws, planned)
    try:
        smoke_test(account, deployment_of(account, restored), patience)
    except CommandFailed as failure:
        return f"What was deployed before is back, but does not pass the test either:\n{failure}"
    return "What was deployed before is back, and passes the test."


def _remove(account: Account, first: Stack) -> str:
    described = account.aws.json("cloudformation", "describe-stack-resources", "--stack-name", first.id)
    resources = cast(list[dict[str, str]], described["StackResources"])
    stays = [f"  {_KEPT[r['ResourceType']]} {r['PhysicalResourceId']}" for r in resources if r["ResourceType"] in _KEPT]
    delete_stack(account.aws, first)
    return "\n".join(
        [
            "It was the first deployment: the stack is deleted. What a stack leaves behind holds nothing but what this "
            "one wrote. Look at the log, then delete both, before you deploy again:",
            *stays,
        ]
    )
