"""An IAM role that is to be made in a target account, in no format yet."""

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.roles.role import account_of
from ops.documents.json_object import Json


@dataclass(frozen=True, slots=True)
class IamRole:
    """A role, all ARNs written out.

    Attributes:
        arn: with its path.
        description: as IAM takes it; may be empty.
        trust: its trust policy, a document.
        inline: documents of its inline policies, by their names.
        managed: ARNs of the managed policies that are attached.
        boundary: ARN of the policy that is its permissions boundary, or None.
        tags: keys and values.
        max_session_seconds: how long a session may last.
        by_web_identity: its trust policy names the provider of credvend's tokens.
    """

    arn: str
    description: str
    trust: Json
    inline: Mapping[str, Json]
    managed: tuple[str, ...]
    boundary: str | None
    tags: tuple[tuple[str, str], ...]
    max_session_seconds: int
    by_web_identity: bool = False

    @property
    def name(self) -> str:
        """Without its path: IAM has one role of a name in an account, whatever the case."""
        return self.arn.rpartition("/")[2]

    @property
    def path(self) -> str:
        """It begins and ends with `/`."""
        return self.arn.partition(":role")[2].removesuffix(self.name)


@dataclass(frozen=True, slots=True)
class AccountRoles:
    """What is to be made in one account.

    Attributes:
        roles: those of the catalog.
        operator: the one through which sessions are revoked there, or None.
        makes_provider: whether the OpenID Connect provider of credvend's tokens is to be made as well.
    """

    roles: tuple[IamRole, ...]
    operator: IamRole | None
    makes_provider: bool = False

    @property
    def every(self) -> tuple[IamRole, ...]:
        """All of them."""
        return self.roles if self.operator is None else (*self.roles, self.operator)

    @property
    def account(self) -> str:
        """12 digits."""
        return account_of(self.roles[0].arn)

    @property
    def partition(self) -> str:
        """Of all of them."""
        return self.roles[0].arn.split(":")[1]
