"""A session made with sts:GetFederationToken as a caller."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from chalicelib.callers.caller import Facts, NameParts
from chalicelib.callers.cedar_entity import CedarEntity
from chalicelib.callers.iam_principal import AWS_NAME, IamCaller, Principal, is_arn

if TYPE_CHECKING:
    from chalicelib.callers.shape import KnownIssuer, Shape


@dataclass(frozen=True, slots=True)
class FederatedUser(IamCaller):
    """A session made with sts:GetFederationToken.

    Attributes:
        name: the federated user's name.
        principal_id: `ACCOUNT:NAME`.
    """

    kind: ClassVar[str] = "FederatedUser"
    partition: str
    account: str
    name: str
    principal_id: str
    access_key_id: str | None = None

    @classmethod
    def of_principal(cls, principal: Principal) -> Self | None:
        if (principal.service, principal.resource_type) != ("sts", "federated-user") or not principal.resource:
            return None
        return cls(
            principal.partition, principal.account, principal.resource, principal.principal_id, principal.access_key_id
        )

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:sts::{self.account}:federated-user/{self.name}"

    @property
    def name_parts(self) -> NameParts:
        return NameParts(
            prefix="fed",
            exact=self._exact(f"fed={self.name}") if self.name else None,
            label=self.name,
            identity=(self.partition, self.account, self.name),
        )

    @property
    def entity(self) -> CedarEntity:
        return self._entity(self.arn, name=self.name)

    @property
    def facts(self) -> Facts:
        return Facts(self.name, self.account)

    @classmethod
    def problem_with_id(cls, identifier: str, issuers: frozenset[str]) -> str | None:
        if is_arn(identifier, "sts", f"federated-user/{AWS_NAME}"):
            return None
        return "can be nobody: a federated user is its ARN, arn:aws:sts::ACCOUNT:federated-user/NAME"

    @classmethod
    def shapes(cls, issuers: "Iterable[KnownIssuer]") -> "tuple[Shape, ...]":
        return (
            cls._shape(
                "sts",
                f"federated-user/(?P<name>{AWS_NAME})",
                f"(?P<account>[0-9]{{12}}):(?P<name>{AWS_NAME})",
                {"name": AWS_NAME},
            ),
        )

    @classmethod
    def example(cls) -> Self:
        return cls("aws", "111122223333", "a", "111122223333:a")
