"""What CloudFormation tells of a change while it makes it."""

import json
from typing import Final, cast

from ops.aws.aws_cli import AwsCli

# More than one deployment makes.
_MOST_EVENTS: Final = 200


def latest_event(aws: AwsCli, stack: str) -> str:
    """Id of the latest event, or an empty text."""
    return next((event["EventId"] for event in _events(aws, stack)), "")


def failures(aws: AwsCli, stack: str, since: str) -> list[str]:
    """What failed after an event, oldest first; events come newest first."""
    found: list[str] = []
    for event in _events(aws, stack):
        if event["EventId"] == since:
            break
        if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason"):
            found.append(f"  {event['LogicalResourceId']} {event['ResourceStatus']}: {event['ResourceStatusReason']}")
    return found[::-1]


def _events(aws: AwsCli, stack: str) -> list[dict[str, str]]:
    options = ["--stack-name", stack, "--max-items", str(_MOST_EVENTS), "--output", "json"]
    done = aws.run("cloudformation", "describe-stack-events", *options)
    return cast(list[dict[str, str]], json.loads(done.stdout)["StackEvents"]) if done.returncode == 0 else []
