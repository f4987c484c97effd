"""What is wrong with a policy that fits the schema: all of it, each part looked at by itself."""

import re
from collections.abc import Iterator
from typing import Final

from chalicelib.configuration.policy_applicability import Applicability
from chalicelib.configuration.policy_lines import PolicyLines
from chalicelib.configuration.policy_references import References
from chalicelib.decisions.indexed_policy import PolicyJson

# What Applicability says of a part that could be true elsewhere.
_WITHIN_THE_REST: Final = re.compile(r" is (?:never|always) true where (?:`|all that stands before)")


class PolicyProblems:
    """Looks at one policy after the other."""

    def __init__(self, references: References, applicability: Applicability) -> None:
        self._references = references
        self._applicability = applicability

    def of_names(self, policy: PolicyJson) -> list[str]:
        """What the policy names and there is not; the words begin with it."""
        return list(self._references.problems(policy))

    def of(self, policy: PolicyJson, is_proved: bool, lines: PolicyLines) -> list[str]:
        """That, and why else the policy can never apply.

        Args:
            is_proved: that it cannot is known already, from the types of the schema.
            lines: where its parts stand.
        """
        names = self.of_names(policy)
        whole = [] if names else self._applicability.problems(policy, is_proved, lines)
        if not names and not whole:
            return []
        # What is said of a name that there is not is not said twice.
        apart = [part for part in self._apart(policy) if not self.of_names(part)]
        found = dict.fromkeys(problem for part in apart for problem in self._applicability.problems(part, False, lines))
        # What contradicts the scope may follow from something else that does, which `whole` says.
        alone = [problem for problem in found if _WITHIN_THE_REST.search(problem) is None]
        return names + list(dict.fromkeys([*whole, *alone]))

    def _apart(self, policy: PolicyJson) -> Iterator[PolicyJson]:
        """The scope, and with it each condition without which nothing applies, as policies of their own.

        Each can apply wherever the whole can.
        """
        scope = policy | {"conditions": []}
        yield scope
        if self.of_names(scope) or self._applicability.problems(scope, False):
            scope |= {variable: _type_alone(scope[variable]) for variable in ("principal", "resource")}
        conditions = policy["conditions"]
        assert isinstance(conditions, list)  # noqa: S101 Cedar makes it so
        for condition in conditions:
            for body in _needed(condition["body"], "&&" if condition["kind"] == "when" else "||"):
                yield scope | {"conditions": [condition | {"body": body}]}


def _type_alone(part: object) -> PolicyJson:
    """Of a part of the scope, what names nothing."""
    match part:
        case {"op": "is", "entity_type": kind}:
            return {"op": "is", "entity_type": kind}
    return {"op": "All"}


def _needed(body: object, operator: str) -> Iterator[object]:
    """The operands of `a && b && c`, or of `a || b || c`, where none of these may be true."""
    match body:
        case dict() if list(body) == [operator]:
            yield from _needed(body[operator]["left"], operator)
            yield from _needed(body[operator]["right"], operator)
        case _:
            yield body
