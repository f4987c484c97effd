"""The holder of an API token, as a caller."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from chalicelib.callers.caller import Caller, Facts, NameParts
from chalicelib.callers.cedar_entity import CedarEntity

if TYPE_CHECKING:
    from chalicelib.callers.shape import KnownIssuer, Shape

_NAME: Final = "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"


@dataclass(frozen=True, slots=True)
class ServiceToken(Caller):
    """The holder of an API token.

    Attributes:
        name: of the token; unique among the live ones.
        owner: who answers for it.
        tags: keys and values, for policies.
        token_id: which of the tokens of that name it is, where one was rotated.
    """

    kind: ClassVar[str] = "ServiceToken"
    name: str
    owner: str
    tags: tuple[tuple[str, str], ...] = ()
    token_id: str = ""

    @property
    def identifier(self) -> str:
        return f"token:{self.name}"

    @property
    def name_parts(self) -> NameParts:
        return NameParts(
            prefix="token",
            exact=f"token={self.name}" if self.name else None,
            label=self.name,
            identity=(self.name,),
        )

    @property
    def entity(self) -> CedarEntity:
        return CedarEntity(
            kind=self.kind,
            id=self.name,
            attributes={"name": self.name, "owner": self.owner},
            tags=dict(self.tags),
        )

    @property
    def facts(self) -> Facts:
        return Facts(self.name, claims=dict(self.tags))

    @property
    def audit_fields(self) -> Mapping[str, object]:
        return {
            "caller_owner": self.owner,
            "caller_token_id": self.token_id,
            "caller_tags": dict(self.tags) or None,
        }

    @property
    def description(self) -> Mapping[str, object]:
        return {"Type": self.kind, "Name": self.name, "Owner": self.owner, "Tags": dict(self.tags)}

    @classmethod
    def problem_with_id(cls, identifier: str, issuers: frozenset[str]) -> str | None:
        is_name = re.fullmatch(_NAME, identifier, re.ASCII)
        return None if is_name else "can be nobody: an API token is its name"

    @classmethod
    def shapes(cls, issuers: "Iterable[KnownIssuer]") -> "tuple[Shape, ...]":
        from chalicelib.callers.shape import Shape

        return (
            Shape(
                kind=cls.kind,
                id=f"(?P<name>{_NAME})",
                attributes={"name": _NAME, "owner": ".+"},
                tags=".+",
            ),
        )

    @classmethod
    def example(cls) -> Self:
        return cls("a", "a", (("a", "a"),), "a")
