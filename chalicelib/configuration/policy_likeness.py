"""What was meant by an entity that there is not? A slip of the finger, or the right name in the wrong place."""

import re
from collections.abc import Iterable
from typing import Final

from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.configuration.policy_constants import Entity
from chalicelib.roles.catalog import Catalog
from chalicelib.text.likeness import nearest

# The ARN of a session, of the role itself with its path, of a user that STS calls one.
_ROLE_ARN: Final = re.compile(r"arn:([a-z-]+):(?:iam|sts)::([0-9]{12}):(?:assumed-)?role/(.+)", re.ASCII)
_USER_ARN: Final = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:user/.+", re.ASCII)


class Likeness:
    """Finds what is like an entity, among what a configuration has."""

    def __init__(self, issuers: Iterable[Issuer], catalog: Catalog) -> None:
        self._issuers = tuple(issuers)
        self._names = [issuer.name for issuer in self._issuers]
        self._roles = catalog.roles
        self._groups = {group for role in catalog.roles for group in role.groups}
        self._accounts = {role.account_name: role.account for role in catalog.roles if role.account_name}
        self._account_groups = {group for role in catalog.roles for group in role.account_groups}

    def meant(self, kind: str, identifier: str) -> Entity | None:
        """The entity that is most likely meant; None where nothing comes near."""
        meant = self._nearest(kind, identifier)
        return None if meant == (kind, identifier) else meant

    def _nearest(self, kind: str, identifier: str) -> Entity | None:
        match kind:
            case "Role":
                return self._role(identifier)
            case "RoleGroup":
                return self._role_group(identifier)
            case "OidcIssuer":
                name = self._issuer(identifier)
                return None if name is None else (kind, name)
            case "OidcSubject" | "OidcGroup":
                return self._of_an_issuer(kind, identifier)
            case "IamRole" | "IamUser":
                return _principal(identifier)
            case "Account":
                return self._account(identifier)
            case "AccountGroup":
                return self._account_group(identifier)
        return None

    def _account(self, identifier: str) -> Entity | None:
        """By its name, or its number in another spelling."""
        digits = re.sub("[ -]", "", identifier)
        if re.fullmatch("[0-9]{12}", digits, re.ASCII):
            return "Account", digits
        if identifier not in self._accounts and identifier in self._account_groups:
            return "AccountGroup", identifier
        name = nearest(identifier, self._accounts)
        return None if name is None else ("Account", self._accounts[name])

    def _account_group(self, identifier: str) -> Entity | None:
        number = self._accounts.get(identifier)
        if number is not None:
            return "Account", number
        if identifier in self._groups:
            return "RoleGroup", identifier
        name = nearest(identifier, self._account_groups)
        return None if name is None else ("AccountGroup", name)

    def _role(self, identifier: str) -> Entity | None:
        by_arn = next((role.name for role in self._roles if role.arn == identifier), None)
        if by_arn is None and identifier in self._groups:
            return "RoleGroup", identifier
        name = by_arn or nearest(identifier, (role.name for role in self._roles))
        return None if name is None else ("Role", name)

    def _role_group(self, identifier: str) -> Entity | None:
        if any(role.name == identifier for role in self._roles):
            return "Role", identifier
        if identifier in self._account_groups:
            return "AccountGroup", identifier
        name = nearest(identifier, self._groups)
        return None if name is None else ("RoleGroup", name)

    def _issuer(self, written: str) -> str | None:
        """The name of an issuer, by its URL or something like its name."""
        by_url = (one.name for one in self._issuers if one.url.rstrip("/") == written.rstrip("/"))
        return next(by_url, None) or nearest(written, self._names)

    def _of_an_issuer(self, kind: str, identifier: str) -> Entity | None:
        """With the issuer's name before it, which is there in another spelling, as URL, or not at all."""
        issuer, colon, rest = identifier.partition(":")
        if issuer in self._names:
            return None
        for one in self._issuers:
            url = one.url.rstrip("/")
            if identifier.startswith((f"{url}:", f"{url}/:", f"{url}#")):
                return kind, f"{one.name}:{identifier[len(url) :].lstrip('/:#')}"
        near = nearest(issuer, self._names) if colon and rest else None
        if near is not None:
            return kind, f"{near}:{rest}"
        possible = [one.name for one in self._issuers if kind == "OidcSubject" or one.groups_claim is not None]
        return (kind, f"{possible[0]}:{identifier}") if len(possible) == 1 and identifier else None


def _principal(identifier: str) -> Entity | None:
    """As policies write the ARN of a role, and whether it is a user's."""
    if _USER_ARN.fullmatch(identifier):
        return "IamUser", identifier
    match = _ROLE_ARN.fullmatch(identifier)
    if match is None:
        return None
    partition, account, rest = match.groups()
    parts = rest.split("/")
    # Of a session, the role's name comes first; of a role, its path does.
    name = parts[0] if ":sts:" in identifier else parts[-1]
    return ("IamRole", f"arn:{partition}:iam::{account}:role/{name}") if name else None
