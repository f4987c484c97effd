"""Requests worth deciding by two configurations: made for each policy that differs, so that it decides them.

The analysis that proves policies impossible (chalicelib/configuration/policy_conditions.py) tells what a policy needs
to apply. It only suggests whom to ask about; decisions are the service's own. From each such request one thing after
the other is varied, over what the policy compares it with.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Final, NamedTuple

from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.kinds import KINDS
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.configuration.policy_conditions import Case, Conditions
from chalicelib.configuration.policy_files import WrittenPolicy
from chalicelib.configuration.policy_parts import parts_of
from chalicelib.configuration.possible_requests import ADDRESS, CONTEXT, PossibleRequests
from chalicelib.configuration.value_sets import Constant
from chalicelib.decisions.entities import role_json
from chalicelib.decisions.scope_keys import ALL, demanded_key, keys_of
from chalicelib.roles.role import Role
from ops.access.who_can import callers_in_words
from ops.comparing.affected import Affected, Differing
from ops.comparing.building import ACCOUNT, REASON, SOMEONE, asking_with
from ops.comparing.sides import Side
from ops.comparing.values import Candidates, candidates, choose, fits
from ops.deciding.deciding import Asking
from ops.deciding.described import ADDRESS as ORDINARY_ADDRESS
from ops.deciding.written_policies import is_forbid

# So much is looked at for one policy; what is left out is counted.
_MOST_CASES: Final = 4
_MOST_ROLES: Final = 20
_MOST_OTHERS: Final = 100
_DURATION: Final = "context.duration"
# What is ordinary, and asked with wherever it may be.
_ORDINARY: Final[Mapping[str, tuple[Constant, ...]]] = {
    ADDRESS: (int(ipaddress.IPv4Address(ORDINARY_ADDRESS)),),
    "context.reason": (REASON,),
    "principal.account": (ACCOUNT,),
    "principal.name": (SOMEONE,),
    "principal.session_name": (SOMEONE,),
    "principal.subject": (SOMEONE,),
}


class Example(NamedTuple):
    """A request, and for whom it stands.

    Attributes:
        who: of whom the policy that it was made for speaks, in words; empty: the caller is the one that it names.
    """

    asking: Asking
    who: str


class LeftOut(NamedTuple):
    """How much was not asked, so that an answer comes in time."""

    roles: int = 0
    policies: int = 0

    def with_more(self, other: "LeftOut") -> "LeftOut":
        """Both together."""
        return LeftOut(self.roles + other.roles, self.policies + other.policies)


class Examples:
    """Makes the requests.

    Attributes:
        left_out: so far.
    """

    def __init__(self, old: Side, new: Side, affected: Affected, now: datetime) -> None:
        """Nothing is made yet.

        Args:
            now: with a time zone.
        """
        self._affected = affected
        self._looks = (_Look(old, now), _Look(new, now))
        self.left_out = LeftOut()

    def all(self) -> Iterator[Example]:
        """All of them, in the order of the policies; some may be the same."""
        for differing in self._affected.policies:
            yield from self._of_policy(differing, None, None)
        for name in sorted(self._affected.roles):
            for differing in self._about_role(name):
                yield from self._of_policy(differing, name, None)
        for name in sorted(self._affected.issuers):
            for differing in self._the_same():
                if _may_be_of(differing, name):
                    yield from self._of_policy(differing, None, name)

    def _the_same(self) -> Iterator[Differing]:
        """Policies that are the same on both sides; those that differ were looked at already."""
        differing = {one.name for one in self._affected.policies}
        old, new = (look.by_name for look in self._looks)
        for name, policy in new.items():
            if name not in differing:
                yield Differing(name, old.get(name), policy)

    def _about_role(self, name: str) -> list[Differing]:
        roles = [role for look in self._looks if (role := look.side.configuration.catalog.find_role(name)) is not None]
        keys = dict.fromkeys(key for role in roles for key in keys_of(role_json(role)))
        return [one for key in keys for one in self._by_role.get(key, ())]

    @cached_property
    def _by_role(self) -> Mapping[str, list[Differing]]:
        """Policies that are the same, by what their scopes demand of roles."""
        found: dict[str, list[Differing]] = {}
        for one in self._the_same():
            found.setdefault(demanded_key(one.versions[0].json["resource"]), []).append(one)
        return found

    def _of_policy(self, differing: Differing, role: str | None, issuer: str | None) -> Iterator[Example]:
        varied = candidates(part.expression for version in differing.versions for part in parts_of(version.json))
        for version, look in zip((differing.old, differing.new), self._looks, strict=True):
            if version is None:
                continue
            cases = look.cases_of(version, role, issuer)
            places = look.places_of(cases)
            self.left_out = self.left_out.with_more(LeftOut(roles=max(0, len(places) - _MOST_ROLES)))
            for place in places[:_MOST_ROLES]:
                about = [case._replace(roles=frozenset({place})) for case in cases if place in case.roles]
                found, left_out = look.decided_by(version, about)
                self.left_out = self.left_out.with_more(LeftOut(policies=left_out))
                for decided in found:
                    yield from look.examples(decided, place, varied)


def _may_be_of(policy: Differing, issuer: str) -> bool:
    """Whether the scope of a policy may be about an issuer's subjects."""
    demanded = demanded_key(policy.versions[0].json["principal"])
    if demanded in (ALL, OidcSubject.kind, f'OidcIssuer::"{issuer}"'):
        return True
    return demanded.startswith((f'OidcGroup::"{issuer}:', f'{OidcSubject.kind}::"{issuer}:'))


class _Decided(NamedTuple):
    """Requests that policies decide.

    Attributes:
        permit: that lets them in.
        others: policies that they must get by, or that forbid them.
    """

    case: Case
    permit: WrittenPolicy
    others: tuple[WrittenPolicy, ...] = ()


class _Look:
    """One of the two sides, looked at."""

    def __init__(self, side: Side, now: datetime) -> None:
        self.side = side
        self._now = now
        self._zone = side.configuration.authorizer.local(now).tzinfo or UTC
        catalog = side.configuration.catalog
        self._conditions = Conditions(PossibleRequests(KINDS, side.written.issuers, catalog), maxima=True)
        self._places = {role.name: place for place, role in enumerate(catalog.roles)}
        self.by_name = {policy.name: policy for policy in side.written.policies.enforced}
        self._forbids = _by_demanded_role(policy for policy in self.by_name.values() if is_forbid(policy))
        self._permits = _by_demanded_role(policy for policy in self.by_name.values() if not is_forbid(policy))
        self._known: dict[str, Candidates] = {}

    def cases_of(self, policy: WrittenPolicy, role: str | None, issuer: str | None) -> list[Case]:
        """Requests that a policy applies to.

        Args:
            role, issuer: the only ones that are of interest.
        """
        everything = self._conditions.everything
        if role is not None:
            place = self._places.get(role)
            everything = everything._replace(roles=frozenset() if place is None else frozenset({place}))
        if issuer is not None:
            shapes = tuple(shape for shape in everything.shapes if shape.fixed.get("issuer") == issuer)
            everything = everything._replace(shapes=shapes)
        if not everything.shapes or not everything.roles:
            return []
        return self._where(policy, [everything])[:_MOST_CASES]

    def places_of(self, cases: Iterable[Case]) -> list[int]:
        """The roles that requests are about, by their places in the catalog."""
        return sorted({place for case in cases for place in case.roles})

    def decided_by(self, policy: WrittenPolicy, cases: list[Case]) -> tuple[list[_Decided], int]:
        """Of requests that a policy applies to, those that it decides: its own, or those of permits that it forbids.

        Args:
            cases: all about the same role.

        Returns:
            And how many other policies were left out.
        """
        if not is_forbid(policy):
            return self._around_forbids(policy, cases)
        found: list[_Decided] = []
        permits = self._about(self._permits, cases)
        left_out = 0
        for permit in permits[:_MOST_OTHERS]:
            both = self._where(permit, cases)
            if both:
                around, more = self._around_forbids(permit, both, but=policy)
                found += around
                left_out += more
        return found, left_out + max(0, len(permits) - _MOST_OTHERS)

    def _around_forbids(
        self, permit: WrittenPolicy, cases: list[Case], but: WrittenPolicy | None = None
    ) -> tuple[list[_Decided], int]:
        """Those of a permit's requests that no other policy forbids; where all are forbidden, these."""
        forbids = [one for one in self._about(self._forbids, cases) if one is not but]
        found: list[_Decided] = []
        for case in cases[:_MOST_CASES]:
            left, others = [case], [] if but is None else [but]
            for forbid in forbids[:_MOST_OTHERS]:
                around = self._around(forbid, left)
                if around is not left:
                    left = around[:_MOST_CASES]
                    others.append(forbid)
            found += [_Decided(one, permit, tuple(others)) for one in left]
        return found, max(0, len(forbids) - _MOST_OTHERS)

    def _around(self, forbid: WrittenPolicy, cases: list[Case]) -> list[Case]:
        """Those requests, or as they must be for a policy not to apply to them; the same, if it applies to all or none.

        By its conditions rather than by its scope, as nothing else that is of interest is lost so.
        """
        if not self._where(forbid, cases):
            return cases
        for part in reversed(parts_of(forbid.json)):
            left = self._conditions.where(part.expression, not part.wanted, cases)
            if left:
                return left
        return cases

    def _where(self, policy: WrittenPolicy, cases: list[Case]) -> list[Case]:
        for part in parts_of(policy.json):
            cases = self._conditions.where(part.expression, part.wanted, cases)
            if not cases:
                break
        return cases

    def _about(self, by_role: Mapping[str, list[WrittenPolicy]], cases: Iterable[Case]) -> list[WrittenPolicy]:
        """Policies whose scope may fit the roles, in the order of the files."""
        roles = self.side.configuration.catalog.roles
        keys = dict.fromkeys(key for place in self.places_of(cases) for key in keys_of(role_json(roles[place])))
        return [policy for key in dict.fromkeys([ALL, *keys]) for policy in by_role.get(key, ())]

    def _candidates(self, policy: WrittenPolicy) -> Candidates:
        found = self._known.get(policy.name)
        if found is None:
            found = self._known[policy.name] = candidates(part.expression for part in parts_of(policy.json))
        return found

    def examples(self, decided: _Decided, place: int, varied: Candidates) -> Iterator[Example]:
        """A request that is decided so, for each shape of callers; and others that differ from it in one thing."""
        role = self.side.configuration.catalog.roles[place]
        several = [self._candidates(policy) for policy in (decided.permit, *decided.others)]
        known = {
            name: tuple(one for some in several for one in some.get(name, ())) for some in several for name in some
        }
        chosen = dict(_chosen(decided.case, known, role))
        who_in_words = callers_in_words(decided.permit.json["principal"])
        for shape in decided.case.shapes:
            for values in _variations(chosen, varied):
                asking = asking_with(shape, role, values, self._now, self._zone)
                # Sessions of a role have any name.
                is_named = "principal" in values and shape.kind != IamRoleSession.kind
                yield Example(asking, "" if is_named else who_in_words)


def _by_demanded_role(policies: Iterable[WrittenPolicy]) -> Mapping[str, list[WrittenPolicy]]:
    found: dict[str, list[WrittenPolicy]] = {}
    for policy in policies:
        found.setdefault(demanded_key(policy.json["resource"]), []).append(policy)
    return found


def _chosen(case: Case, known: Candidates, role: Role) -> Iterator[tuple[str, Constant]]:
    """A value for each expression of which more is known than that it is possible."""
    for expression, values in case.values.items():
        if expression == _DURATION and fits(values, role.default_duration):
            continue
        if expression not in CONTEXT or values != CONTEXT[expression].values:
            value = choose(values, [*_ORDINARY.get(expression, ()), *known.get(expression, ())])
            if value is not None:
                yield expression, value


def _variations(chosen: Mapping[str, Constant], varied: Candidates) -> Iterator[Mapping[str, Constant]]:
    yield chosen
    for expression, values in varied.items():
        for value in values:
            if chosen.get(expression) != value:
                yield {**chosen, expression: value}
