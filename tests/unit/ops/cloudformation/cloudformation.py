"""An aws command line that tells of a stack."""

import json
import subprocess
from dataclasses import dataclass, field

from ops.aws.aws_cli import AwsCli

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
