"""Is there what a policy names? A role, a group, a caller that cannot be makes a policy that guards nothing."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from chalicelib.callers.caller import Caller
from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.callers.oidc_subject import problem_with_group
from chalicelib.configuration.policy_likeness import Likeness
from chalicelib.configuration.policy_text import entity_text
from chalicelib.decisions.indexed_policy import PolicyJson, entities_in
from chalicelib.roles.catalog import Catalog
from chalicelib.text.likeness import did_you_mean

_NO_WILDCARDS: Final = "; in an id, `*` is a character like any other: use a group of roles, or `like` on an attribute"

_NOT_NAMED: Final = "cannot be named: look at context.tags and context.params"


class References:
    """What policies may name."""

    def __init__(self, kinds: Iterable[type[Caller]], issuers: Iterable[Issuer], catalog: Catalog) -> None:
        self._kinds = {kind.kind: kind for kind in kinds}
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._likeness = Likeness(self._issuers.values(), catalog)
        self._names = frozenset(self._issuers)
        self._roles = {role.name for role in catalog.roles}
        self._groups = {group for role in catalog.roles for group in role.groups}
        self._account_groups = {group for role in catalog.roles for group in role.account_groups}
        # The types of entities besides those of callers, each with what is wrong with an id.
        self._others: Mapping[str, Callable[[str], str | None]] = {
            "Action": _any,
            "Format": _any,
            "Weekday": _any,
            "RequestedParams": lambda _: _NOT_NAMED,
            "RequestedTags": lambda _: _NOT_NAMED,
            "Role": self._role,
            "RoleGroup": self._group,
            "OidcIssuer": lambda name: None if name in self._issuers else "is not in issuers.yaml",
            "OidcGroup": self._oidc_group,
            "Account": _account,
            "AccountGroup": self._account_group,
        }

    def problems(self, policy: PolicyJson) -> Iterator[str]:
        """What is wrong with each entity that a policy names; the words begin with the entity."""
        for kind, identifier in entities_in(policy):
            problem = self._problem(kind, identifier)
            if problem is not None:
                meant = self._likeness.meant(kind, identifier)
                hint = _NO_WILDCARDS if "*" in identifier else did_you_mean(meant and entity_text(*meant))
                yield f"{entity_text(kind, identifier)} {problem}{hint}"

    def _problem(self, kind: str, identifier: str) -> str | None:
        if kind in self._kinds:
            return self._kinds[kind].problem_with_id(identifier, self._names)
        if kind in self._others:
            return self._others[kind](identifier)
        return f"can be nobody and nothing: credvend knows no {kind}, whatever schema.cedarschema says"

    def _role(self, name: str) -> str | None:
        return None if name in self._roles else "is not in the catalog: a role is named by its catalog name"

    def _group(self, name: str) -> str | None:
        return None if name in self._groups else "is not a group of any role in the catalog"

    def _account_group(self, name: str) -> str | None:
        known = name in self._account_groups
        return None if known else "is a group of no account that the catalog has roles in: accounts.yaml names them"

    def _oidc_group(self, identifier: str) -> str | None:
        wrong = problem_with_group(identifier, self._names)
        if wrong is not None:
            return wrong
        issuer = self._issuers[identifier.partition(":")[0]]
        if issuer.groups_claim is None:
            return f"has no members: issuers.yaml names no `groups_claim` of issuer {issuer.name!r}"
        return None


def _any(_: str) -> str | None:
    """The schema itself says which there are."""
    return None


def _account(number: str) -> str | None:
    if re.fullmatch("[0-9]{12}", number, re.ASCII):
        return None
    counted = f", with all zeros at its beginning, and this is {len(number)}" if number.isdecimal() else ""
    return f"can be nobody: an account is 12 digits{counted}"
