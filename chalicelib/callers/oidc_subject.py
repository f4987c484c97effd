"""Whom a trusted issuer's token is about, as a caller."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from chalicelib.callers.caller import Caller, Claim, Facts, NameParts
from chalicelib.callers.cedar_entity import CedarEntity, TagValue

_ISSUER = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class OidcSubject(Caller):
    """A person or program, as its issuer names it.

    Attributes:
        issuer: the issuer's name in issuers.yaml, which has no colon.
        subject: what the issuer calls it.
        groups: as the issuer names them.
        claims: the tags of its Cedar entity: text, or several texts.
    """

    kind: ClassVar[str] = "OidcSubject"
    issuer: str
    subject: str
    groups: tuple[str, ...] = ()
    claims: tuple[tuple[str, Claim], ...] = ()

    @property
    def identifier(self) -> str:
        return f"oidc:{self.issuer}:{self.subject}"

    @property
    def name_parts(self) -> NameParts:
        # The issuer's name holds no `=`, so that it reads back.
        readable = self.subject and _ISSUER.fullmatch(self.issuer)
        return NameParts(
            prefix="oidc",
            exact=f"oidc={self.issuer}={self.subject}" if readable else None,
            label=f"{self.subject}@{self.issuer}",
            identity=(self.issuer, self.subject),
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
        return {
            "caller_issuer": self.issuer,
            "caller_subject": self.subject,
            "caller_groups": list(self.groups) or None,
            "caller_claims": self._claims or None,
        }

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
        return None if is_of_an_issuer(identifier, issuers) else NOT_OF_AN_ISSUER

    @classmethod
    def example(cls) -> Self:
        return cls("a", "a", ("a",), (("a", "a"), ("b", ("a",))))


# Completes a sentence whose subject is the entity.
NOT_OF_AN_ISSUER = "must be the name of an issuer in issuers.yaml, a colon, and what the issuer calls it"


def is_of_an_issuer(identifier: str, issuers: frozenset[str]) -> bool:
    """Whether the id of a subject or a group begins with the name of a trusted issuer."""
    issuer, colon, rest = identifier.partition(":")
    return issuer in issuers and bool(colon and rest)


def _tag(claim: Claim) -> TagValue:
    """Cedar's tags have one type, `like` needs text, and arrays need a set: so a claim is a record of both."""
    return {"text": claim, "values": [claim]} if isinstance(claim, str) else {"text": "", "values": list(claim)}
