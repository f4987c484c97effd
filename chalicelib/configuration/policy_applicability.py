"""Is there any request that a policy applies to? One that never applies is a mistake, and as a `forbid` a hole."""

from chalicelib.configuration.policy_conditions import Conditions, Never
from chalicelib.configuration.policy_parts import Part, parts_of
from chalicelib.configuration.policy_reasons import reason_for
from chalicelib.configuration.policy_text import text_of
from chalicelib.configuration.possible_requests import PossibleRequests
from chalicelib.decisions.indexed_policy import PolicyJson


class Applicability:
    """Says of policies that they can never apply, and why."""

    def __init__(self, possible: PossibleRequests, conditions: Conditions | None = None) -> None:
        """Speak of policies that are to decide about these requests.

        Args:
            conditions: what follows them, where more is known than what is certain.
        """
        self._possible = possible
        self._conditions = conditions or Conditions(possible)

    def problems(self, policy: PolicyJson, is_proved: bool) -> list[str]:
        """Why the policy can never apply, for whoever wrote it; none, if it may.

        Args:
            is_proved: that it cannot is known already, from the types of the schema.
        """
        # Without roles, nothing applies, and that is no fault of policies.
        if not self._possible.roles:
            return []
        parts = parts_of(policy)
        if not is_proved and self._conditions.requests(parts):
            return []
        return [f"it can never apply: {self._why(parts)}"]

    def never_true(self, never: Never) -> str:
        """Says that a comparison is never true, and why."""
        anything = self._conditions.everything
        match never.comparison:
            case {"hasTag": _}:  # what tags another kind of callers may have explains nothing
                kinds = {shape.kind for case in never.cases for shape in case.shapes}
                shapes = tuple(shape for shape in anything.shapes if shape.kind in kinds)
                anything = anything._replace(shapes=shapes)
        may_be = self._conditions.where(never.comparison, True, [anything])
        where = " where the rest of it is" if may_be else reason_for(never.comparison, self._possible)
        always = "never" if never.written is never.comparison else "always"
        return f"`{text_of(never.written)}` is {always} true{where}"

    def contradiction(self, part: Part) -> str:
        """Says that a part is not as it is wanted for what the parts before it leave."""
        return f"its `{part.place}` is {'never' if part.wanted else 'always'} true where the rest of it is"

    def _why(self, parts: list[Part]) -> str:
        cases = [self._conditions.everything]
        for part in parts:
            for never in self._conditions.never_true(part.expression, cases):
                return self.never_true(never)
            cases = self._conditions.where(part.expression, part.wanted, cases)
            if not cases:
                return self.contradiction(part)
        return "the types of what it compares do not fit each other"
