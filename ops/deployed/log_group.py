"""Where a stage's audit records are."""

import os

from ops.aws.account import find_account
from ops.aws.refusals import is_for_want_of_rights
from ops.cloudformation.stack import find_stack
from ops.deployed.deployment import deployment_of
from ops.errors import CommandFailed, OperationFailed


def log_group_of(stage: str) -> str:
    """The log group of a stage's audit records, as its stack says it.

    Raises:
        OperationFailed: there is no such stack, or it cannot be asked.
    """
    try:
        account = find_account(os.environ)
        stack = find_stack(account.aws, f"credvend-{stage}")
        if stack is None:
            raise OperationFailed(f"There is no stack credvend-{stage} here. --log-group names the log group.")
        return deployment_of(account, stack).log_group
    except CommandFailed as error:
        said = str(error)
        otherwise = "\n--log-group names the log group without asking the stack."
        raise OperationFailed(said + (otherwise if is_for_want_of_rights(said) else "")) from None
