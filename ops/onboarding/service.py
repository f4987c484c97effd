"""The credvend that target roles are to trust, which need not be deployed yet: its roles' names are known before."""

import re
from dataclasses import dataclass
from typing import Final

from chalicelib.aws.partitions import PARTITIONS
from chalicelib.callers.iam_principal import AWS_NAME
from ops.errors import OperationFailed
from ops.stages.names import function_role_name, revoker_role_name

_ROLE: Final = re.compile(rf"arn:({PARTITIONS}):iam::([0-9]{{12}}):role/({AWS_NAME})", re.ASCII)
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Service:
    """A stage of credvend.

    Attributes:
        account: 12 digits.
        function_role, revoker_role: names of roles, which have no path.
    """

    partition: str
    account: str
    function_role: str
    revoker_role: str

    @property
    def root_arn(self) -> str:
        """Its account, as a principal."""
        return f"arn:{self.partition}:iam::{self.account}:root"

    @property
    def function_role_arn(self) -> str:
        """The role that asks for sessions."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.function_role}"

    @property
    def revoker_role_arn(self) -> str:
        """The role that ends them."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.revoker_role}"


def service_to_be(partition: str, account: str, stage: str, region: str) -> Service:
    """The service as it will be called, or is, in that account and region.

    Raises:
        OperationFailed: no stage can be called so.
    """
    service = Service(partition, account, function_role_name(stage, region), revoker_role_name(stage, region))
    if len(service.revoker_role) > _LONGEST_NAME:
        raise OperationFailed(
            f"Stage {stage!r} has too long a name: {service.revoker_role} would have more than {_LONGEST_NAME} "
            "characters, which is what IAM takes."
        )
    return service


def deployed_service(function_role_arn: str, revoker_role_arn: str) -> Service:
    """The service whose roles a stack names.

    Raises:
        OperationFailed: these are no ARNs of such roles.
    """
    function, revoker = _ROLE.fullmatch(function_role_arn), _ROLE.fullmatch(revoker_role_arn)
    if function is None or revoker is None or function.group(1, 2) != revoker.group(1, 2):
        raise OperationFailed(
            "The stack's outputs FunctionRoleArn and RevokerRoleArn are not those of credvend: deploy it again."
        )
    return Service(function[1], function[2], function[3], revoker[3])
