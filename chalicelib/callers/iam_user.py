"""An IAM user as a caller."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from chalicelib.callers.caller import Facts, NameParts
from chalicelib.callers.cedar_entity import CedarEntity
from chalicelib.callers.iam_principal import AWS_NAME, IamCaller, Principal, is_arn

if TYPE_CHECKING:
    from chalicelib.callers.shape import KnownIssuer, Shape

# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html (Path, UserName)
_PATH: Final = r"/(?:[!-\x7f]+/)?"


@dataclass(frozen=True, slots=True)
class IamUser(IamCaller):
    """An IAM user.

    Attributes:
        arn: `arn:PARTITION:iam::ACCOUNT:user/PATH/NAME`.
        name: the user's name, without the path.
        path: `/` or `/division/team/`.
        principal_id: the unique id (`AIDA...`); differs when a user is deleted and made again.
    """

    kind: ClassVar[str] = "IamUser"
    partition: str
    account: str
    path: str
    name: str
    principal_id: str
    access_key_id: str | None = None

    @classmethod
    def of_principal(cls, principal: Principal) -> Self | None:
        if (principal.service, principal.resource_type) != ("iam", "user") or not principal.resource:
            return None
        path, slash, name = principal.resource.rpartition("/")
        return cls(
            principal.partition,
            principal.account,
            f"/{path}{slash}",
            name,
            principal.principal_id,
            principal.access_key_id,
        )

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:user{self.path}{self.name}"

    @property
    def name_parts(self) -> NameParts:
        return NameParts(
            prefix="user",
            exact=self._exact(f"user={self.name}") if self.path == "/" and self.name else None,
            label=self.name,
            identity=(self.partition, self.account, self.path, self.name),
        )

    @property
    def entity(self) -> CedarEntity:
        return self._entity(self.arn, name=self.name, path=self.path)

    @property
    def facts(self) -> Facts:
        return Facts(self.name, self.account)

    @classmethod
    def problem_with_id(cls, identifier: str, issuers: frozenset[str]) -> str | None:
        if is_arn(identifier, "iam", f"user{_PATH}{AWS_NAME}"):
            return None
        return "can be nobody: a user is its ARN, arn:aws:iam::ACCOUNT:user/PATH/NAME"

    @classmethod
    def shapes(cls, issuers: "Iterable[KnownIssuer]") -> "tuple[Shape, ...]":
        names = {"name": AWS_NAME, "path": _PATH}
        return (cls._shape("iam", f"user(?P<path>{_PATH})(?P<name>{AWS_NAME})", "AIDA[A-Za-z0-9]*", names),)

    @classmethod
    def example(cls) -> Self:
        return cls("aws", "111122223333", "/", "a", "AIDA")
