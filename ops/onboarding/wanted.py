"""What is to be made, and with what, as a command line says it."""

import re
from dataclasses import dataclass
from typing import Final

from chalicelib.aws.partitions import PARTITIONS
from chalicelib.aws.session_tags import MAXIMUM_TAGS, check_key, check_value, twice
from ops.errors import OperationFailed

_NAME: Final = r"(?:[A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}"
# As the catalog calls roles. A policy whose name has a `=` is named by its ARN.
_ROLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]*", re.ASCII)
_POLICY: Final = re.compile(rf"{_NAME}", re.ASCII)
_POLICY_ARN: Final = re.compile(rf"arn:({PARTITIONS}):iam::(aws|[0-9]{{12}}):policy/{_NAME}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A managed policy: of AWS, of one account, or of whichever account the role is in.

    Attributes:
        text: an ARN; or path and name of a policy of the role's own account.
        role: what the catalog calls the role that it is for, or the roles of many accounts; None: all.
    """

    text: str
    role: str | None = None

    def arn_for(self, role_arn: str) -> str:
        """Its ARN, for a role.

        Raises:
            OperationFailed: the role cannot have it, being elsewhere.
        """
        _, partition, _, _, account, _ = role_arn.split(":", 5)
        if not self.text.startswith("arn:"):
            return f"arn:{partition}:iam::{account}:policy/{self.text}"
        _, own_partition, _, _, owner, _ = self.text.split(":", 5)
        if own_partition != partition or owner not in ("aws", account):
            raise OperationFailed(
                f"{role_arn} cannot have {self.text}: a policy must be AWS's own, or of the role's account. Where each "
                "account has one of that name, give path and name alone."
            )
        return self.text


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be made.

    Attributes:
        roles: names of the catalog, with an account behind `@` or without: then of all accounts that have it.
        accounts: numbers or names, of which all roles are meant.
        groups: of accounts, of which all roles are meant. Without all three, all roles are.
        operator: whether the operator role is to be made; None: with the roles of whole accounts.
        managed: attached to roles.
        boundary: of the roles, or None.
        operator_boundary: of the operator role, or None.
        tags: of all that is made.
        provider: whether the OpenID Connect provider of credvend's tokens is to be made; None: with the roles of whole
            accounts, where any needs it.
        keep_assume_role: whether roles that tokens are for let in credvend's role as well, while they move.
    """

    roles: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    operator: bool | None = None
    managed: tuple[ManagedPolicy, ...] = ()
    boundary: ManagedPolicy | None = None
    operator_boundary: ManagedPolicy | None = None
    tags: tuple[tuple[str, str], ...] = ()
    provider: bool | None = None
    keep_assume_role: bool = False

    @property
    def is_for_all(self) -> bool:
        """Nothing is named."""
        return not (self.roles or self.accounts or self.groups)

    def managed_for(self, role: str) -> list[ManagedPolicy]:
        """The policies that are for a role of that name."""
        names = names_of(role)
        return [one for one in self.managed if one.role is None or one.role in names]

    def managed_of(self, role: str, arn: str) -> tuple[str, ...]:
        """ARNs of the policies that a role has attached, each once.

        Raises:
            OperationFailed: it cannot have one of them.
        """
        return tuple(dict.fromkeys(one.arn_for(arn) for one in self.managed_for(role)))


def names_of(role: str) -> set[str]:
    """What a role of the catalog may be called: `readonly@payments-prod` is one of those called `readonly`, too."""
    return {role, role.partition("@")[0]}


def managed_policy(text: str) -> ManagedPolicy:
    """A policy by its ARN, or by path and name; behind `ROLE=`, for that role alone.

    Raises:
        ValueError: it is none.
    """
    role, separator, rest = text.partition("=")
    if separator and _ROLE.fullmatch(role):
        return ManagedPolicy(policy_text(rest), role)
    return ManagedPolicy(policy_text(text))


def policy_text(text: str) -> str:
    """The ARN of a managed policy, or its path and name.

    Raises:
        ValueError: it is neither.
    """
    if _POLICY_ARN.fullmatch(text) or _POLICY.fullmatch(text):
        return text
    raise ValueError(
        f"{text!r} is no managed policy: write its ARN, such as arn:aws:iam::aws:policy/ReadOnlyAccess, or path and "
        "name of one that the role's account has"
    )


def check_tags(tags: tuple[tuple[str, str], ...]) -> None:
    """Whether IAM takes these as a role's tags. Those of credvend's sessions are refused: a role that had them would
    give them to sessions that credvend did not vend.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html

    Raises:
        ValueError: it does not.
    """
    if len(tags) > MAXIMUM_TAGS:
        raise ValueError(f"there are {len(tags)} tags, and IAM takes {MAXIMUM_TAGS}")
    for key, value in tags:
        for what, check, text in (("the tag key", check_key, key), ("the value of tag", check_value, value)):
            try:
                check(text)
            except ValueError as error:
                raise ValueError(f"{what} {key!r} {error}") from None
    if (again := twice(key for key, _ in tags)) is not None:
        raise ValueError(f"the tag {again!r} is there twice: case does not tell tags apart")
