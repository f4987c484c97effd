"""Which durations and reasons are worth asking about, by the policies that are about a caller?"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

from chalicelib.decisions.indexed_policy import PolicyJson
from chalicelib.roles.role import Role

# So many texts of policies are tried as a reason, each with every duration.
_MOST_REASONS: Final = 8


class Scopes:
    """What the conditions of policies about a caller say of durations and reasons."""

    def __init__(self, policies: Mapping[str, PolicyJson]) -> None:
        self.permits = frozenset(name for name, policy in policies.items() if policy["effect"] == "permit")
        self._durations = {
            name: frozenset(_numbers(policy["conditions"]))
            for name, policy in policies.items()
            if '"duration"' in json.dumps(policy["conditions"])
        }
        self._reasons = {
            name: tuple(_reasons(policy["conditions"]))
            for name, policy in policies.items()
            if '"reason"' in json.dumps(policy["conditions"])
        }

    def durations(self, policies: Iterable[str], role: Role) -> list[int]:
        """Durations worth asking about, longest first: policies compare with the numbers that they hold."""
        looking = [self._durations[policy] for policy in policies if policy in self._durations]
        if not looking:
            return [role.max_duration]
        near = {number + step for numbers in looking for number in numbers for step in (-1, 0, 1)}
        candidates = {role.max_duration, role.default_duration, role.min_duration} | near
        return sorted((n for n in candidates if role.min_duration <= n <= role.max_duration), reverse=True)

    def reasons(self, policies: Iterable[str]) -> list[str]:
        """Reasons worth asking about: any at all, and those that policies look for."""
        texts = dict.fromkeys(text for policy in policies for text in self._reasons.get(policy, ()))
        return ["a reason", *islice(texts, _MOST_REASONS)]


def _reasons(node: object) -> Iterator[str]:
    """Texts that policies compare the reason with: what it is to be equal to, or the shortest that is `like` it."""
    match node:
        case {"like": {"left": {".": {"left": {"Var": "context"}, "attr": "reason"}}, "pattern": list(pattern)}}:
            yield "".join(part["Literal"] for part in pattern if isinstance(part, dict))
        case {"==": {"left": {".": {"left": {"Var": "context"}, "attr": "reason"}}, "right": {"Value": str(text)}}}:
            yield text
        case {"==": {"left": {"Value": str(text)}, "right": {".": {"left": {"Var": "context"}, "attr": "reason"}}}}:
            yield text
        case dict() | list():
            for child in node.values() if isinstance(node, dict) else node:
                yield from _reasons(child)


def _numbers(node: object) -> Iterable[int]:
    if isinstance(node, bool):
        return
    if isinstance(node, int):
        yield node
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _numbers(child)
