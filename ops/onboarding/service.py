"""The credvend that target roles are to trust, which need not be deployed yet: its roles' names are known before."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from chalicelib.aws.partitions import PARTITIONS
from chalicelib.callers.iam_principal import AWS_NAME
from ops.errors import OperationFailed
from ops.stages.names import function_role_name, revoker_role_name

_ROLE: Final = re.compile(rf"arn:({PARTITIONS}):iam::([0-9]{{12}}):role/({AWS_NAME})", re.ASCII)
_LONGEST_NAME: Final = 64
# Of a role, as parameters of files may be.
_NAME: Final = "[A-Za-z0-9_+=,.@-]{1,64}"
# Of an issuer: ops/stages/stage_file.py tells more.
_PROVIDER: Final = "[a-z0-9][a-z0-9.-]+(/[A-Za-z0-9._-]+)*"
_SCHEME: Final = "https://"
# Stands in documents for an issuer that is not known: files have a parameter in its place. No name is ever such:
# https://www.rfc-editor.org/rfc/rfc2606#section-2
_NOT_KNOWN: Final = "issuer.invalid"


class Setting(NamedTuple):
    """What of a service stands in files as a parameter.

    Attributes:
        value: None: not known yet.
        pattern: a regular expression of what it may be.
    """

    value: str | None
    pattern: str
    description: str


@dataclass(frozen=True, slots=True)
class Service:
    """A stage of credvend.

    Attributes:
        account: 12 digits.
        function_role, revoker_role: names of roles, which have no path.
        issuer: URL that its tokens name; None: not known before it is deployed.
    """

    partition: str
    account: str
    function_role: str
    revoker_role: str
    issuer: str | None = None

    def issued_by(self, issuer: str | None) -> "Service":
        """The same, with that issuer, where one is given."""
        return self if issuer is None else replace(self, issuer=issuer)

    @property
    def provider(self) -> str:
        """What IAM calls the provider of its tokens: the issuer's URL without `https://`."""
        return _NOT_KNOWN if self.issuer is None else self.issuer.removeprefix(_SCHEME)

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

    @property
    def settings(self) -> tuple[Setting, Setting, Setting, Setting]:
        """Its account, the names of the function's role and of the revoker's, and its issuer."""
        return (
            Setting(self.account, "[0-9]{12}", "Account that credvend is in."),
            Setting(self.function_role, _NAME, "Name of the role of credvend's function."),
            Setting(self.revoker_role, _NAME, "Name of the role of credvend's revoker."),
            Setting(
                None if self.issuer is None else self.provider,
                _PROVIDER,
                "Issuer of credvend's tokens: what its stack calls IssuerUrl, without https://.",
            ),
        )

    def written(self, theirs: str, function: str, revoker: str) -> Mapping[str, str]:
        """What stands in files for its ARNs.

        Args:
            theirs: how ARNs of its account begin there, up to the last colon.
            function, revoker: what stands there for the names of the roles.
        """
        return {
            self.root_arn: f"{theirs}root",
            self.function_role_arn: f"{theirs}role/{function}",
            self.revoker_role_arn: f"{theirs}role/{revoker}",
        }


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
