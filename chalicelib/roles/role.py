"""A role of the catalog."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from chalicelib.aws.durations import CHAINED_SECONDS, MINIMUM_SECONDS, parse_duration
from chalicelib.aws.probes import ProbeAction
from chalicelib.roles.account import Account
from chalicelib.roles.session_rules import SessionRules


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the catalog, checked. Durations are seconds.

    Attributes:
        min_duration: below `MINIMUM_SECONDS`, callers may have leases.
        probe: by which it is seen that a revocation is in force; None: it is not.
        chains_to: ARNs of roles that its sessions may go on to.
        account_name: what accounts.yaml calls its account; empty where there is no such file.
        account_groups: that accounts.yaml puts it into.
    """

    name: str
    arn: str
    description: str
    groups: tuple[str, ...]
    default_duration: int
    max_duration: int
    external_id: str | None
    require_reason: bool
    source_identity: bool
    tag_session: bool
    session_rules: SessionRules = field(default_factory=SessionRules)
    probe: ProbeAction | None = None
    chains_to: tuple[str, ...] = ()
    account_name: str = ""
    account_groups: tuple[str, ...] = ()
    min_duration: int = MINIMUM_SECONDS

    @property
    def by_web_identity(self) -> bool:
        """Whether its sessions are made with a token of credvend's: AssumeRole gives none so long.

        All of them, the short ones as well, so that one trust policy is right for all.
        """
        return self.max_duration > CHAINED_SECONDS

    @property
    def account(self) -> str:
        return account_of(self.arn)

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]


def account_of(arn: str) -> str:
    """The account of a role's ARN: 12 digits."""
    return arn.split(":")[4]


class WrittenRole(Protocol):
    """What roles.yaml says of a role, every key checked by itself; those that are left out have their defaults."""

    @property
    def description(self) -> str: ...
    @property
    def groups(self) -> Sequence[str]: ...
    @property
    def default_duration(self) -> int | str: ...
    @property
    def min_duration(self) -> int | str: ...
    @property
    def max_duration(self) -> int | str: ...
    @property
    def external_id(self) -> str | None: ...
    @property
    def require_reason(self) -> bool: ...
    @property
    def source_identity(self) -> bool: ...
    @property
    def tag_session(self) -> bool: ...
    @property
    def probe(self) -> ProbeAction | None: ...
    @property
    def chains_to(self) -> Sequence[str]: ...


def make_role(name: str, arn: str, account: Account | None, written: WrittenRole, session_rules: SessionRules) -> Role:
    """The role that is meant.

    Args:
        account: its account, where accounts.yaml names it.
        written: all else that is said of it.

    Raises:
        ValueError: a duration is malformed or out of bounds.
    """
    return Role(
        name=name,
        arn=arn,
        description=written.description,
        groups=tuple(written.groups),
        default_duration=parse_duration(written.default_duration),
        max_duration=parse_duration(written.max_duration),
        external_id=written.external_id,
        require_reason=written.require_reason,
        source_identity=written.source_identity,
        tag_session=written.tag_session,
        session_rules=session_rules,
        probe=written.probe,
        chains_to=tuple(written.chains_to),
        account_name="" if account is None else account.name,
        account_groups=() if account is None else account.groups,
        min_duration=parse_duration(written.min_duration),
    )


def role_in(account: Account, name: str, path_and_name: str, like: Role) -> Role:
    """The role of an entry of many accounts in one of them, like that in another one.

    Args:
        name: in the catalog, before the `@`.
        path_and_name: of the role in each account, without a slash at the beginning.
    """
    return replace(
        like,
        name=account.named(name),
        arn=account.arn_of(path_and_name),
        account_name=account.name,
        account_groups=account.groups,
    )
