"""How CloudFormation fails."""

from typing import Final

from ops.errors import CommandFailed

# What tells, in a failure, that a resource of that name was there before the stack: what the resource's own service
# says, or CloudFormation before it begins.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
THERE_BEFORE: Final = ("AlreadyExists", "already exists", "ResourceExistenceCheck")
LEFT_BY_A_FORMER: Final = (
    "A former stack of that name has left its log group and its tables, and CloudFormation does not take them over. "
    "What to do: docs/deploy.md#when-the-first-deployment-fails-and-removing-it"
)


class StackFailed(CommandFailed):
    """CloudFormation could not make the change; says why."""


class TakenBack(StackFailed):
    """CloudFormation could not make the change, and has taken back what it had made of it."""
