"""Which policies can have a say? Those whose scope fits the caller and the role, found without asking Cedar.

Cedar looks at a policy's scope before its conditions: of a policy whose scope does not fit it finds nothing, neither a
reason nor an error. So leaving such a policy out changes no decision, and what a decision costs does not grow with the
policies about others.
"""

from collections.abc import Iterable

from chalicelib.decisions.indexed_policy import IndexedPolicy
from chalicelib.decisions.scope_keys import ALL


class PolicyIndex:
    """Finds policies by what their scopes demand. It tells them by their places among all.

    Attributes:
        general: the policies that everybody and everything fits.
    """

    def __init__(self, policies: Iterable[IndexedPolicy]) -> None:
        self._by_caller: dict[str, dict[str, list[int]]] = {}
        for place, policy in enumerate(policies):
            self._by_caller.setdefault(policy.caller, {}).setdefault(policy.role, []).append(place)
        self.general = tuple(self._by_caller.get(ALL, {}).pop(ALL, ()))

    def about_both(self, caller_keys: Iterable[str], role_keys: Iterable[str]) -> tuple[int, ...]:
        """The policies whose scope may fit both caller and role, without the general ones."""
        roles = tuple(dict.fromkeys(role_keys))
        return tuple(place for by_role in self._about(caller_keys) for key in roles for place in by_role.get(key, ()))

    def about_caller(self, caller_keys: Iterable[str]) -> tuple[int, ...]:
        """The policies whose scope may fit the caller, whatever the role, and the general ones."""
        some = (place for by_role in self._about(caller_keys) for places in by_role.values() for place in places)
        return (*self.general, *some)

    def roles_about(self, caller_keys: Iterable[str]) -> frozenset[str]:
        """What the policies whose scope may fit the caller demand of roles, each as a key like those of `keys_of`."""
        demanded = {key for by_role in self._about(caller_keys) for key in by_role}
        return frozenset(demanded | {ALL}) if self.general else frozenset(demanded)

    def _about(self, caller_keys: Iterable[str]) -> list[dict[str, list[int]]]:
        return [self._by_caller[key] for key in dict.fromkeys(caller_keys) if key in self._by_caller]
