"""A session of an IAM role as a caller, which an SSO user or a workload is, too."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from chalicelib.callers.caller import Facts, NameParts
from chalicelib.callers.cedar_entity import CedarEntity
from chalicelib.callers.iam_principal import AWS_NAME, IamCaller, Principal, is_arn

if TYPE_CHECKING:
    from chalicelib.callers.shape import KnownIssuer, Shape


@dataclass(frozen=True, slots=True)
class IamRoleSession(IamCaller):
    """A session of an IAM role.

    Attributes:
        role_name: the role's name; STS does not tell the path, and names are unique in an account without it.
        session_name: the RoleSessionName that the session was made with.
        principal_id: `AROA...:SESSION_NAME`.
    """

    kind: ClassVar[str] = "IamRole"
    partition: str
    account: str
    role_name: str
    session_name: str
    principal_id: str
    access_key_id: str | None = None

    @classmethod
    def of_principal(cls, principal: Principal) -> Self | None:
        role_name, slash, session_name = principal.resource.partition("/")
        if (principal.service, principal.resource_type) != ("sts", "assumed-role") or not slash:
            return None
        return cls(
            principal.partition,
            principal.account,
            role_name,
            session_name,
            principal.principal_id,
            principal.access_key_id,
        )

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:sts::{self.account}:assumed-role/{self.role_name}/{self.session_name}"

    @property
    def role_arn(self) -> str:
        """ARN of the role, without its path: `arn:PARTITION:iam::ACCOUNT:role/NAME`."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.role_name}"

    @property
    def principal(self) -> str:
        # Whoever may assume the role may choose the session's name.
        return self.role_arn

    @property
    def name_parts(self) -> NameParts:
        # It reads back by the `=` behind the role's name, so names with `=` have no exact form.
        readable = self.role_name and self.session_name and "=" not in self.role_name
        return NameParts(
            prefix="role",
            exact=self._exact(f"role={self.role_name}={self.session_name}") if readable else None,
            # The session tells who it is, the role only what they came as: the role is what is cut first.
            label=f"{self.session_name}@{self.role_name}",
            identity=(self.partition, self.account, self.role_name, self.session_name),
        )

    @property
    def entity(self) -> CedarEntity:
        return self._entity(self.role_arn, name=self.role_name, session_name=self.session_name)

    @property
    def facts(self) -> Facts:
        return Facts(self.session_name, self.account)

    @property
    def audit_fields(self) -> Mapping[str, object]:
        return {"caller_role": self.role_arn} | self._audit_fields()

    @property
    def description(self) -> Mapping[str, object]:
        return self._description() | {"RoleArn": self.role_arn}

    @classmethod
    def problem_with_id(cls, identifier: str, issuers: frozenset[str]) -> str | None:
        if is_arn(identifier, "iam", f"role/{AWS_NAME}"):
            return None
        return "can be nobody: a role session is the role's ARN without its path, arn:aws:iam::ACCOUNT:role/NAME"

    @classmethod
    def shapes(cls, issuers: "Iterable[KnownIssuer]") -> "tuple[Shape, ...]":
        names = {"name": AWS_NAME, "session_name": AWS_NAME}
        return (
            cls._shape("iam", f"role/(?P<name>{AWS_NAME})", f"AROA[A-Za-z0-9]*:(?P<session_name>{AWS_NAME})", names),
        )

    @classmethod
    def example(cls) -> Self:
        return cls("aws", "111122223333", "a", "a", "AROA:a")
