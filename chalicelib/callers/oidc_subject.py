"""Whom a trusted issuer's token is about, as a caller."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from chalicelib.callers.caller import Caller, Claim, Facts, NameParts, OneUse
from chalicelib.callers.cedar_entity import CedarEntity, TagValue
from chalicelib.callers.presented_token import PresentedToken
from chalicelib.callers.subject_label import recognised
from chalicelib.text.printable import is_printable_line, is_visible

if TYPE_CHECKING:
    from chalicelib.callers.shape import KnownIssuer, Shape

# It stands in policies and in records.
MAXIMUM_GROUP_CHARACTERS: Final = 1024
# Of what was left out, a record shows so many, and of each so much: whoever names groups does not fill the log.
_SHOWN_GROUPS: Final = 5
_SHOWN_CHARACTERS: Final = 64
_ISSUER = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class OidcSubject(Caller):
    """A person or program, as its issuer names it.

    Attributes:
        issuer: the issuer's name in issuers.yaml, which has no colon.
        subject: what the issuer calls it.
        groups: as the issuer names them.
        claims: the tags of its Cedar entity: text, or several texts.
        odd_groups: what stands among the groups, and that no policy can name.
        token: what it proved itself with; None for one that proved nothing, which tests and policies speak of.
        token_use: set where its issuer wants each token to vend once only.
    """

    kind: ClassVar[str] = "OidcSubject"
    issuer: str
    subject: str
    groups: tuple[str, ...] = ()
    claims: tuple[tuple[str, Claim], ...] = ()
    odd_groups: tuple[str | None, ...] = ()
    token: PresentedToken | None = None
    token_use: OneUse | None = None

    @property
    def identifier(self) -> str:
        return f"oidc:{self.issuer}:{self.subject}"

    @property
    def name_parts(self) -> NameParts:
        # The issuer's name holds no `=`, so that it reads back.
        readable = self.subject and _ISSUER.fullmatch(self.issuer)
        told = recognised(self.subject)
        return NameParts(
            prefix="oidc",
            exact=f"oidc={self.issuer}={self.subject}" if readable else None,
            label=f"@{self.issuer}" if told else f"{self.subject}@{self.issuer}",
            identity=(self.issuer, self.subject),
            told=told,
        )

    @property
    def entity(self) -> CedarEntity:
        # No issuer's name holds a colon: no choice of subject or group can move text from one part to the next.
        groups = (("OidcGroup", f"{self.issuer}:{group}") for group in self.groups)
        return CedarEntity(
            kind=self.kind,
            id=f"{self.issuer}:{self.subject}",
            attributes={"issuer": self.issuer, "subject": self.subject},
            parents=(("OidcIssuer", self.issuer), *groups),
            tags={name: _tag(claim) for name, claim in self.claims},
        )

    @property
    def facts(self) -> Facts:
        return Facts(self.subject, claims=dict(self.claims))

    @property
    def audit_fields(self) -> Mapping[str, object]:
        token = {} if self.token is None else {f"caller_{name}": value for name, value in self.token._asdict().items()}
        who: dict[str, object] = {"caller_issuer": self.issuer, "caller_subject": self.subject}
        groups = {"caller_groups": list(self.groups) or None, "caller_groups_left_out": _left_out(self.odd_groups)}
        return who | token | groups | {"caller_claims": self._claims or None}

    @property
    def one_use(self) -> OneUse | None:
        return self.token_use

    @property
    def description(self) -> Mapping[str, object]:
        return {
            "Type": self.kind,
            "Issuer": self.issuer,
            "Subject": self.subject,
            "Groups": list(self.groups),
            "Claims": self._claims,
        }

    @property
    def _claims(self) -> dict[str, str | list[str]]:
        """As JSON."""
        return {name: list(claim) if isinstance(claim, tuple) else claim for name, claim in self.claims}

    @classmethod
    def problem_with_id(cls, identifier: str, issuers: frozenset[str]) -> str | None:
        if not is_of_an_issuer(identifier, issuers):
            return NOT_OF_AN_ISSUER
        if not is_group_name(identifier.partition(":")[2]):  # claims.py refuses such subjects, as it leaves out groups
            return (
                "can be nobody: tokens whose subject is blank, holds what cannot be printed or is too long are refused"
            )
        return None

    @classmethod
    def shapes(cls, issuers: "Iterable[KnownIssuer]") -> "tuple[Shape, ...]":
        from chalicelib.callers.shape import Shape

        return tuple(
            Shape(
                kind=cls.kind,
                id=f"(?P<issuer>{re.escape(issuer.name)}):(?P<subject>.+)",
                attributes={"issuer": re.escape(issuer.name), "subject": ".+"},
                fixed={"issuer": issuer.name},
                parents={"OidcIssuer": "issuer"},
                groups={"OidcGroup": f"{re.escape(issuer.name)}:.+"} if issuer.has_groups else {},
                tags="|".join(map(re.escape, issuer.tags)) or None,
            )
            for issuer in issuers
        )

    @classmethod
    def example(cls) -> Self:
        return cls("a", "a", ("a",), (("a", "a"), ("b", ("a",))))


# Completes a sentence whose subject is the entity.
NOT_OF_AN_ISSUER = "must be the name of an issuer in issuers.yaml, a colon, and what the issuer calls it"


def is_of_an_issuer(identifier: str, issuers: frozenset[str]) -> bool:
    """Whether the id of a subject or a group begins with the name of a trusted issuer."""
    issuer, colon, rest = identifier.partition(":")
    return issuer in issuers and bool(colon and rest)


def is_group_name(text: str) -> bool:
    """Whether people can tell that name from others. What they cannot is in no policy, and of no caller."""
    return len(text) <= MAXIMUM_GROUP_CHARACTERS and is_printable_line(text) and is_visible(text)


def problem_with_group(identifier: str, issuers: frozenset[str]) -> str | None:
    """Why nobody is in a group of that id, as `Caller.problem_with_id` says it of callers."""
    if not is_of_an_issuer(identifier, issuers):
        return NOT_OF_AN_ISSUER
    if not is_group_name(identifier.partition(":")[2]):
        return (
            "can have no member: groups whose names are blank, hold what cannot be printed or are too long are left out"
        )
    return None


def _left_out(groups: tuple[str | None, ...]) -> Mapping[str, object] | None:
    """For the record: how many, and some of them."""
    if not groups:
        return None
    some = [group if group is None else group[:_SHOWN_CHARACTERS] for group in groups[:_SHOWN_GROUPS]]
    return {"count": len(groups), "some": some}


def _tag(claim: Claim) -> TagValue:
    """Cedar's tags have one type, `like` needs text, and arrays need a set: so a claim is a record of both."""
    return {"text": claim, "values": [claim]} if isinstance(claim, str) else {"text": "", "values": list(claim)}
