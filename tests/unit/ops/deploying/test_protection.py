"""What is protected against deletion, and with which requests."""

import json
import subprocess
from dataclasses import dataclass, field

from ops.aws.aws_cli import AwsCli
from ops.deploying.protection import protect

RESOURCES = [
    {"ResourceType": "AWS::DynamoDB::Table", "PhysicalResourceId": "credvend-x-tokens"},
    {"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": "credvend-x"},
    {"ResourceType": "AWS::DynamoDB::Table", "PhysicalResourceId": "protected-already"},
]


@dataclass(frozen=True, slots=True, repr=False)
class Account(AwsCli):
    """An aws with a stack of two tables, one of which is protected; it remembers what it was asked to change."""

    changes: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        said: dict[str, object] = {}
        if arguments[1] == "list-stack-resources":
            said = {"StackResourceSummaries": RESOURCES}
        elif arguments[1] == "describe-table":
            said = {"Table": {"DeletionProtectionEnabled": "protected-already" in arguments}}
        else:
            self.changes.append(arguments)
        return subprocess.CompletedProcess(arguments, 0, json.dumps(said), "")


def test_the_stack_and_each_table_that_is_not_yet_are_protected() -> None:
    aws = Account({})
    protect(aws, "credvend-x")
    stack = ("--enable-termination-protection", "--stack-name", "credvend-x")
    assert aws.changes == [
        ("cloudformation", "update-termination-protection", *stack),
        ("dynamodb", "update-table", "--table-name", "credvend-x-tokens", "--deletion-protection-enabled"),
    ]
