"""Whose ARN is it? Roles, and the sessions behind which they stand."""

import re
from typing import Final

from chalicelib.aws.partitions import PARTITIONS
from chalicelib.callers.iam_principal import AWS_NAME

_ROLE: Final = re.compile(rf"(arn:(?:{PARTITIONS}):iam::[0-9]{{12}}:role/)(?:[!-~]+/)?({AWS_NAME})", re.ASCII)
_SESSION: Final = re.compile(rf"arn:({PARTITIONS}):sts::([0-9]{{12}}):assumed-role/({AWS_NAME})/{AWS_NAME}", re.ASCII)


def role_of_session(caller: str) -> str | None:
    """The IAM role behind a caller that is a role's session, without its path; None: it is none."""
    found = _SESSION.fullmatch(caller)
    return None if found is None else f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}"


def iam_role(text: str) -> str | None:
    """An IAM role as a principal is called, without its path; None: it is no ARN of one."""
    found = _ROLE.fullmatch(text)
    return None if found is None else found[1] + found[2]
