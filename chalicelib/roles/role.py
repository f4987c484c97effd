"""A role of the catalog."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.aws.durations import parse_duration
from chalicelib.aws.probes import ProbeAction
from chalicelib.roles.session_rules import SessionRules


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the catalog, checked. Durations are seconds.

    Attributes:
        probe: by which it is seen that a revocation is in force; None: it is not.
        chains_to: ARNs of roles that its sessions may go on to.
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
    """A role as roles.yaml says it, every key checked by itself; those that are left out have their defaults."""

    @property
    def name(self) -> str: ...
    @property
    def arn(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def groups(self) -> Sequence[str]: ...
    @property
    def default_duration(self) -> int | str: ...
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


def make_role(written: WrittenRole, session_rules: SessionRules) -> Role:
    """The role that is meant.

    Raises:
        ValueError: a duration is malformed or out of bounds.
    """
    return Role(
        name=written.name,
        arn=written.arn,
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
    )
