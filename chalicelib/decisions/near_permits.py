"""Which permits came close, where a decision was a denial by default? Found by their scopes, without asking Cedar."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from chalicelib.decisions.decision import NearPermits
from chalicelib.decisions.indexed_policy import IndexedPolicies

# Of the keys of an entity, its own and its parents'; before them stand `*` and its type.
_OWN: Final = slice(2, None)
# So many of a part are named.
_NAMED: Final = 5


class NearPermitsIndex:
    """Finds permits by what their scopes demand of callers, or of roles."""

    def __init__(self, policies: IndexedPolicies) -> None:
        self._policies = policies.indexed
        self._forbids = policies.forbids
        self._kinds = policies.kinds
        self._by_caller: dict[tuple[str, str], list[int]] = {}
        self._by_role: dict[str, list[int]] = {}
        for place, policy in enumerate(policies.indexed):
            if place not in self._forbids:
                self._by_caller.setdefault((policy.caller, self._kinds.get(place, "")), []).append(place)
                self._by_role.setdefault(policy.role, []).append(place)

    def find(self, places: Iterable[int], caller_keys: Sequence[str], role_keys: Sequence[str]) -> NearPermits:
        """The policies that would have let a caller in, had one thing been different, where none has.

        What it costs grows with the policies whose scope may fit both alone, as that of the decision does.

        Args:
            places: of these policies.
            caller_keys, role_keys: as `keys_of` gives them.
        """
        kind, callers, roles = caller_keys[1], caller_keys[_OWN], role_keys[_OWN]
        policies = self._policies
        fitting = [place for place in places if place not in self._forbids and self._kinds.get(place, kind) == kind]
        near = frozenset(fitting)
        of_caller = [self._by_caller.get((key, of_kind), ()) for key in callers for of_kind in ("", kind)]
        of_role = [self._by_role.get(key, ()) for key in roles]
        condition, resource, principal = (
            tuple(policies[place].name for place in islice(found, _NAMED))
            for found in (
                fitting,
                (place for places in of_caller for place in places if place not in near),
                (place for places in of_role for place in places if place not in near),
            )
        )
        twice = sum((policies[place].caller in callers) + (policies[place].role in roles) for place in fitting)
        found = len(fitting) + sum(map(len, of_caller)) + sum(map(len, of_role)) - twice
        return NearPermits(condition, resource, principal, found - len(condition) - len(resource) - len(principal))
