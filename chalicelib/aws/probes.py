"""Calls that show whether a role's sessions are let in: without parameters, reading, and answered by few characters."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

ProbeAction = Literal["dynamodb:ListTables", "ec2:DescribeInstances", "iam:ListAccountAliases"]


class Probe(NamedTuple):
    """A call of AWS.

    Attributes:
        service, operation: as botocore calls them; the package holds the models of these alone (ops/building/slim.py).
        method: of botocore's client.
        arguments: that keep the answer short.
        refusals: the codes of errors that say that policies do not let it through.
    """

    service: str
    operation: str
    method: str
    arguments: Mapping[str, object]
    refusals: tuple[str, ...]


# EC2's code: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html; the others':
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html and
# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
PROBES: Final[Mapping[ProbeAction, Probe]] = {
    "dynamodb:ListTables": Probe("dynamodb", "ListTables", "list_tables", {"Limit": 1}, ("AccessDeniedException",)),
    "ec2:DescribeInstances": Probe(
        "ec2", "DescribeInstances", "describe_instances", {"MaxResults": 5}, ("UnauthorizedOperation",)
    ),
    "iam:ListAccountAliases": Probe(
        "iam", "ListAccountAliases", "list_account_aliases", {"MaxItems": 1}, ("AccessDenied", "AccessDeniedException")
    ),
}
