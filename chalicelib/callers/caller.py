"""Who is calling? What each kind of caller tells of itself.

A kind is one file beside this one: identity, Cedar entity, audit fields, parts of the session name and what `whoami`
shows. kinds.py lists them all; schema.cedarschema has a type for each.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from chalicelib.callers.cedar_entity import CedarEntity

if TYPE_CHECKING:
    from chalicelib.callers.shape import KnownIssuer, Shape

Claim = str | tuple[str, ...]


class NameParts(NamedTuple):
    """What the name of a caller's sessions is made from (session_name.py).

    Attributes:
        prefix: stands for the kind of caller; no two kinds share one.
        exact: everything there is to know about the caller, such as `user=alice@111122223333`; None where that could
            not be read back.
        label: what people recognise.
        identity: what makes this caller another than all others of its kind. No principal id is part of it: a name is
            used by one principal at a time, and the audit record holds the id.
        told: what comes before the label, each part of which is to be recognised even where it is too long.
    """

    prefix: str
    exact: str | None
    label: str
    identity: tuple[str, ...]
    told: tuple[str, ...] = ()


class Facts(NamedTuple):
    """What placeholders of the catalog stand for: `${caller.name}`, `${caller.account}`, `${claims.NAME}`.

    Attributes:
        name: who it is, not what they came as: the name of a role session is the session's.
        account: 12 digits; None for callers without one.
        claims: what somebody who is trusted says of the caller.
    """

    name: str
    account: str | None = None
    claims: Mapping[str, Claim] = MappingProxyType({})


class OneUse(NamedTuple):
    """What a caller proved itself with is good for one vend.

    Attributes:
        key: stands for it, and for nothing else: 64 hexadecimal digits.
        until: from then on nobody takes it any more; whole seconds since 1970, UTC.
    """

    key: str
    until: int


class Caller(ABC):
    """Somebody who has proved who they are.

    Attributes:
        kind: its type in Cedar and in audit records.
    """

    __slots__ = ()
    kind: ClassVar[str]

    @property
    @abstractmethod
    def identifier(self) -> str:
        """What the caller is called in audit records and in the session tag `credvend:caller`; nobody else is."""

    @property
    def principal(self) -> str:
        """Who stands behind it, where callers choose a part of what they are called; else the identifier."""
        return self.identifier

    @property
    @abstractmethod
    def name_parts(self) -> NameParts:
        """What the names of its sessions are made from."""

    @property
    @abstractmethod
    def entity(self) -> CedarEntity:
        """The principal of policies."""

    @property
    @abstractmethod
    def facts(self) -> Facts:
        """What templates may ask."""

    @property
    @abstractmethod
    def audit_fields(self) -> Mapping[str, object]:
        """What records hold besides `caller` and `caller_type`: all that policies see. Names begin with `caller_`.

        What is None is left out.
        """

    @property
    @abstractmethod
    def description(self) -> Mapping[str, object]:
        """The caller as it is shown itself, as JSON."""

    @property
    def one_use(self) -> OneUse | None:
        """What the caller brought, if it must not vend a second time; None: it may."""
        return None

    @classmethod
    @abstractmethod
    def problem_with_id(cls, identifier: str, issuers: frozenset[str]) -> str | None:
        """Why no entity of this kind has that id, for whoever wrote it into a policy; None: it may have it.

        The words complete a sentence that begins with the entity.

        Args:
            issuers: names of the trusted issuers.
        """

    @classmethod
    @abstractmethod
    def shapes(cls, issuers: "Iterable[KnownIssuer]") -> "tuple[Shape, ...]":
        """All that callers of this kind can be; what is missing here, no policy may be about.

        Args:
            issuers: the trusted ones.
        """

    @classmethod
    @abstractmethod
    def example(cls) -> Self:
        """Any caller of this kind, for the check that the schema has a place for all that its entity holds."""
