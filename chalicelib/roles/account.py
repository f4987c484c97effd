"""An AWS account that the catalog knows by a name."""

from typing import NamedTuple


class Account(NamedTuple):
    """An account of accounts.yaml, checked.

    Attributes:
        id: 12 digits.
        name: how people call it; no other account is called so.
        groups: of accounts, for policies and for the catalog.
    """

    id: str
    name: str
    partition: str = "aws"
    groups: tuple[str, ...] = ()

    def arn_of(self, role: str) -> str:
        """The ARN of a role in this account.

        Args:
            role: its path and name, without a slash at the beginning.
        """
        return f"arn:{self.partition}:iam::{self.id}:role/{role}"

    def named(self, name: str) -> str:
        """What the catalog calls a role in this account, of those that are called so in every account."""
        return f"{name}@{self.name}"
