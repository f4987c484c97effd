"""The policies of a configuration as they are written, found by what their scopes demand."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

from chalicelib.callers.caller import Caller
from chalicelib.configuration.policy_files import WrittenPolicy
from chalicelib.configuration.source import WrittenConfiguration
from chalicelib.decisions.entities import principal_json, role_json
from chalicelib.decisions.policy_index import PolicyIndex
from chalicelib.decisions.scope_keys import keys_of
from chalicelib.roles.role import Role

_VARIABLES: Final = frozenset({"principal", "context", "resource"})


class PolicyBook:
    """Finds policies of a configuration, without asking Cedar.

    Attributes:
        all: those that decide. Policies in audit mode do not.
    """

    def __init__(self, written: WrittenConfiguration) -> None:
        self.all: tuple[WrittenPolicy, ...] = written.policies.enforced
        self.audited = written.policies.audited
        self._kinds = written.indexed.kinds
        self._index = PolicyIndex(written.indexed.indexed)

    @cached_property
    def by_name(self) -> Mapping[str, WrittenPolicy]:
        """All, by their `@id`."""
        return {policy.name: policy for policy in self.all}

    def fitting(self, caller: Caller, role: Role) -> list[WrittenPolicy]:
        """The policies whose scope fits a caller and a role, in the order of the files; their conditions may not."""
        keys = keys_of(principal_json(caller))
        kind = keys[1]
        places = (*self._index.general, *self._index.about_both(keys, keys_of(role_json(role))))
        return [self.all[place] for place in sorted(places) if self._kinds.get(place, kind) == kind]


def is_forbid(policy: WrittenPolicy) -> bool:
    """Whether it forbids; else it permits."""
    return policy.json["effect"] == "forbid"


def looked_at(policy: WrittenPolicy) -> frozenset[str]:
    """What the conditions of a policy look at: `context.time`; `context`, where they take it as a whole."""
    return frozenset(_looked_at(policy.json["conditions"]))


def _looked_at(node: object) -> Iterator[str]:
    match node:
        case {"left": {"Var": str(variable)}, "attr": str(attribute), **more} if not more:
            yield f"{variable}.{attribute}"
        case {"Var": str(variable)} if variable in _VARIABLES:
            yield variable
        case dict():
            for child in node.values():
                yield from _looked_at(child)
        case list():
            for child in node:
                yield from _looked_at(child)
