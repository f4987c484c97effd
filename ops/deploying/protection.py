"""Protection of what was deployed against deletion: the stack, and the tables, which are restored from no package.

It is put on once a deployment has proved itself, and is no part of the template: a first deployment that fails must be
removable, and CloudFormation cannot delete a protected table when it rolls back. docs/deploy.md says how to take it
off.
"""

from typing import cast

from ops.aws.aws_cli import AwsCli
from ops.documents.json_object import Json

_TABLE = "AWS::DynamoDB::Table"


def protect(aws: AwsCli, stack: str) -> None:
    """Protect a stack, and each table of it, against deletion. What is protected already stays as it is.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html#WorkingWithTables.Basics.DeletionProtection

    Raises:
        CommandFailed: one of them could not be protected.
    """
    aws.text(
        "cloudformation", "update-termination-protection", "--enable-termination-protection", "--stack-name", stack
    )
    for table in _tables(aws, stack):
        described = cast(Json, aws.json("dynamodb", "describe-table", "--table-name", table)["Table"])
        if not described.get("DeletionProtectionEnabled"):  # what changes nothing, UpdateTable may refuse
            aws.text("dynamodb", "update-table", "--table-name", table, "--deletion-protection-enabled")


def _tables(aws: AwsCli, stack: str) -> list[str]:
    """Names of a stack's tables."""
    listed = aws.json("cloudformation", "list-stack-resources", "--stack-name", stack)
    resources = cast(list[dict[str, str]], listed["StackResourceSummaries"])
    return [resource["PhysicalResourceId"] for resource in resources if resource["ResourceType"] == _TABLE]
