"""What the callers that sign with SigV4 have in common: an ARN, an account, and a principal id.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
"""

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from chalicelib.aws.partitions import PARTITIONS
from chalicelib.callers.caller import Caller
from chalicelib.callers.cedar_entity import CedarEntity

if TYPE_CHECKING:
    from chalicelib.callers.shape import Shape

# Of users, roles, role sessions and federated users:
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html (UserName)
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (RoleSessionName)
# https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html (Name)
AWS_NAME: Final = "[A-Za-z0-9_+=,.@-]+"
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_PARTITION = re.compile(r"aws(?:-[a-z]+)*", re.ASCII)


class Principal(NamedTuple):
    """What API Gateway names: the parts of an ARN, and the unique id.

    Attributes:
        service: `iam` or `sts`.
        resource_type: `user`, `assumed-role` and so on.
        resource: what stands behind the type, without the slash between them.
        access_key_id: of the key that the request was signed with; None where API Gateway does not say it.
    """

    partition: str
    service: str
    account: str
    resource_type: str
    resource: str
    principal_id: str
    access_key_id: str | None = None


class IamCaller(Caller):
    """A caller whom API Gateway has verified by a SigV4 signature.

    Attributes:
        access_key_id: of the key that it signed with: the credential, as CloudTrail calls it.
    """

    __slots__ = ()
    partition: str
    account: str
    principal_id: str
    access_key_id: str | None

    @classmethod
    @abstractmethod
    def of_principal(cls, principal: Principal) -> Self | None:
        """The caller of this kind whom API Gateway names, or None: it is of another kind."""

    @property
    @abstractmethod
    def arn(self) -> str:
        """As IAM and STS write it."""

    @property
    def identifier(self) -> str:
        return self.arn

    @property
    def audit_fields(self) -> Mapping[str, object]:
        return self._audit_fields()

    @property
    def description(self) -> Mapping[str, object]:
        return self._description()

    def _audit_fields(self) -> dict[str, object]:
        return {
            "caller_account": self.account,
            "caller_principal_id": self.principal_id,
            "caller_access_key_id": self.access_key_id,
        }

    def _description(self) -> dict[str, object]:
        return {"Arn": self.arn, "Type": self.kind, "Account": self.account, "PrincipalId": self.principal_id}

    def _entity(self, identifier: str, **attributes: str) -> CedarEntity:
        return CedarEntity(
            kind=self.kind,
            id=identifier,
            attributes={"account": self.account, "principal_id": self.principal_id} | attributes,
            parents=(("Account", self.account),),
        )

    @classmethod
    def _shape(cls, service: str, resource: str, principal_id: str, attributes: Mapping[str, str]) -> "Shape":
        """What all of one kind have in common.

        Args:
            service, resource: of the ARN that is their id; the resource is a regular expression.
            principal_id: a regular expression. https://docs.aws.amazon.com/IAM/latest/UserGuide/
                reference_policies_variables.html#principaltable says what it is of which kind (aws:userid), and
                https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html how unique ids begin.
            attributes: those that not all kinds have.
        """
        from chalicelib.callers.shape import Shape

        return Shape(
            kind=cls.kind,
            id=f"arn:(?:{PARTITIONS}):{service}::(?P<account>{_ACCOUNT.pattern}):{resource}",
            attributes={"account": _ACCOUNT.pattern, "principal_id": principal_id, **attributes},
            parents={"Account": "account"},
        )

    def _exact(self, text: str) -> str | None:
        """A text and where it is from: the account (and partition) after the last `@`, which holds no `@` itself."""
        if _ACCOUNT.fullmatch(self.account) is None or _PARTITION.fullmatch(self.partition) is None:
            return None
        return f"{text}@{self.account}{self.partition.removeprefix('aws')}"


def is_arn(text: str, service: str, resource: str) -> bool:
    """Whether it is the ARN of a principal.

    Args:
        resource: a regular expression.
    """
    return re.fullmatch(f"arn:({PARTITIONS}):{service}::[0-9]{{12}}:{resource}", text, re.ASCII) is not None
