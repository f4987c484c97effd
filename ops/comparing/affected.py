"""Which decisions can be other ones? Where a policy that differs may have a say, or the role or the issuer differs.

Cedar looks at a policy's scope before its conditions (chalicelib/decisions/policy_index.py): one whose scope does not
fit changes nothing. So what is left out here is decided alike by both; a property test holds it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chalicelib.callers.caller import Caller
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.configuration.policy_files import WrittenPolicy
from chalicelib.configuration.source import WrittenConfiguration
from chalicelib.decisions.entities import principal_json, role_json
from chalicelib.decisions.scope_keys import demanded_key, keys_of
from chalicelib.roles.role import Role
from ops.comparing.sides import Side
from ops.deciding.written_policies import looked_at

_LOCAL = frozenset({"context.local", "context"})


class Differing(NamedTuple):
    """A policy that is another one on the other side, as it is enforced: None: not at all, or in audit mode."""

    name: str
    old: WrittenPolicy | None
    new: WrittenPolicy | None

    @property
    def versions(self) -> tuple[WrittenPolicy, ...]:
        """Those that there are."""
        return tuple(one for one in (self.old, self.new) if one is not None)


class Affected:
    """Knows what differs, as far as decisions go.

    Attributes:
        policies: that differ, in the order of the files of NEW, then those that are gone.
        roles: names of those that differ in anything, or are on one side only.
        issuers: names, the same way.
        zone: whether local times are those of another time zone.
    """

    def __init__(self, old: Side, new: Side) -> None:
        self._sides = (old, new)
        self.roles = _roles(old.written, new.written)
        self.issuers = _issuers(old.written, new.written)
        self.zone = old.written.catalog.time_zone != new.written.catalog.time_zone
        self.policies = _policies(old.written, new.written, self.zone)
        self._scopes: dict[str, set[str]] = {}
        for differing in self.policies:
            for version in differing.versions:
                caller, role = (demanded_key(version.json[part]) for part in ("principal", "resource"))
                self._scopes.setdefault(caller, set()).add(role)

    def may_differ(self, caller: Caller, role: str) -> bool:
        """Whether what a caller is answered may be something else on the other side.

        Args:
            role: as it is asked for: its name, or its ARN.
        """
        if isinstance(caller, OidcSubject) and caller.issuer in self.issuers:
            return True
        found = [side.configuration.catalog.find_role(role) for side in self._sides]
        if any(one is None or one.name in self.roles for one in found):
            return True
        demanded = self.roles_demanded(caller)
        return any(key in demanded for one in found if one is not None for key in keys_of(role_json(one)))

    def roles_demanded(self, caller: Caller) -> frozenset[str]:
        """What policies that differ demand of roles, of those that may be about a caller; as `keys_of` has it."""
        keys = keys_of(principal_json(caller))
        return frozenset(role for key in keys for role in self._scopes.get(key, ()))


def _policies(old: WrittenConfiguration, new: WrittenConfiguration, zone: bool) -> tuple[Differing, ...]:
    before, after = ({one.name: one for one in side.policies.enforced} for side in (old, new))
    found = (Differing(name, before.get(name), after.get(name)) for name in dict.fromkeys([*after, *before]))
    return tuple(one for one in found if _differs(one) or (zone and any(map(_is_of_clocks, one.versions))))


def _differs(one: Differing) -> bool:
    return one.old is None or one.new is None or _meaning(one.old) != _meaning(one.new)


def _meaning(policy: WrittenPolicy) -> object:
    return {part: value for part, value in policy.json.items() if part != "annotations"}


def _is_of_clocks(policy: WrittenPolicy) -> bool:
    return not _LOCAL.isdisjoint(looked_at(policy))


def _roles(old: WrittenConfiguration, new: WrittenConfiguration) -> frozenset[str]:
    before, after = (_by_name(side.catalog.roles) for side in (old, new))
    return frozenset(name for name in {*before, *after} if before.get(name) != after.get(name))


def _by_name(roles: Iterable[Role]) -> Mapping[str, Role]:
    return {role.name: role for role in roles}


def _issuers(old: WrittenConfiguration, new: WrittenConfiguration) -> frozenset[str]:
    before, after = ({issuer.name: issuer for issuer in side.issuers} for side in (old, new))
    return frozenset(name for name in {*before, *after} if before.get(name) != after.get(name))
