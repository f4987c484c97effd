"""Why may this caller have this role, or why not? Cedar is asked each condition by itself, about the same request."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from chalicelib.callers.caller import Caller
from chalicelib.configuration.policy_files import WrittenPolicy
from chalicelib.configuration.policy_parts import parts_of
from chalicelib.configuration.policy_text import text_of
from chalicelib.configuration.source import WrittenConfiguration
from chalicelib.decisions.audit_mode import Audited
from chalicelib.decisions.authorizer import make_authorizer
from chalicelib.decisions.decision import Circumstances
from chalicelib.decisions.indexed_policy import IndexedPolicies, PolicyJson
from chalicelib.roles.role import Role
from ops.deciding.deciding import Outcome
from ops.deciding.written_policies import PolicyBook, is_forbid
from ops.explaining.conditions import Condition, conditions_of, values_in
from ops.explaining.seen_values import SeenValues

_LINE: Final = re.compile(r"line ([0-9]+)")
# How Cedar's errors name a policy.
_NAMED: Final = re.compile(r"policy `([0-9]+)`: (.*)", re.DOTALL)


class SeenCondition(NamedTuple):
    """A condition, and what became of it for one request.

    Attributes:
        clause: `when` or `unless`, in which it stands.
        text: in Cedar.
        line: of the policy's file.
        wanted: what it must be for the policy to apply.
        value: what it was; None: it could not be evaluated.
        error: why.
        reached: whether Cedar looks at it at all, given those before it.
        values: what it looks at, and what that was.
    """

    clause: str
    text: str
    line: int
    wanted: bool
    value: bool | None
    error: str | None
    reached: bool
    values: tuple[tuple[str, str], ...]

    @property
    def holds(self) -> bool:
        """Whether it is as it must be."""
        return self.value is self.wanted


class ExplainedPolicy(NamedTuple):
    """A policy whose scope fits caller and role.

    Attributes:
        file: as messages call it.
        line: that it begins on.
        conditions: none: it applies whatever is asked.
    """

    name: str
    file: str
    line: int
    effect: str
    conditions: tuple[SeenCondition, ...]

    @property
    def applies(self) -> bool:
        """Whether all its conditions hold."""
        return all(condition.holds for condition in self.conditions)

    @property
    def failed(self) -> tuple[SeenCondition, ...]:
        """The conditions that keep it from applying. Those that nobody looked at, as one before fails, are not told."""
        return tuple(one for one in self.conditions if not one.holds and (one.reached or one.value is not None))


class Elsewhere(NamedTuple):
    """A permit that is about the caller and other roles, or about the role and other callers.

    Attributes:
        scope: what it says of the roles, or of the callers, in Cedar.
    """

    name: str
    file: str
    line: int
    scope: str


class Explanation(NamedTuple):
    """Why an outcome is what it is. Nothing of a request on which no policy was asked.

    Attributes:
        deciding: the policies that made the decision.
        permits: of a denial: those whose scope fits; without a forbid, the ones that apply would have let in. And the
            forbids that could not be evaluated.
        other_roles, other_callers: of a denial by default: permits for the caller, and for the role.
        more: how many there are besides these.
        errors: of policies that could not be evaluated, which denies.
        audited: what policies in audit mode would have made of it; None: none of them applies.
    """

    deciding: tuple[ExplainedPolicy, ...] = ()
    permits: tuple[ExplainedPolicy, ...] = ()
    other_roles: tuple[Elsewhere, ...] = ()
    other_callers: tuple[Elsewhere, ...] = ()
    more: int = 0
    errors: tuple[str, ...] = ()
    audited: Audited | None = None


def explain(written: WrittenConfiguration, book: PolicyBook, outcome: Outcome) -> Explanation:
    """Why the outcome is what it is."""
    asking, decided = outcome.asking, outcome.decided
    if asking is None or decided is None or decided.role is None:
        return Explanation()
    decision, role = decided.decision, decided.role
    circumstances = decided.circumstances._replace(time=decided.time)
    deciding = [book.by_name[name] for name in decision.policies]
    fitting = [] if decision.allowed else book.fitting(asking.caller, role)
    permits = [policy for policy in fitting if not is_forbid(policy) or _is_in(decision.errors, policy)]
    explained = _explained(written, [*deciding, *permits], asking.caller, role, circumstances)
    near = decided.near
    return Explanation(
        deciding=tuple(explained[: len(deciding)]),
        permits=tuple(explained[len(deciding) :]),
        other_roles=_elsewhere(book, near.resource if near else (), "resource"),
        other_callers=_elsewhere(book, near.principal if near else (), "principal"),
        # What is near by its conditions is told whole.
        more=max(0, near.more + len(near.condition) - len(permits)) if near else 0,
        errors=decision.errors,
        audited=decided.audited,
    )


def _explained(
    written: WrittenConfiguration,
    policies: Sequence[WrittenPolicy],
    caller: Caller,
    role: Role,
    circumstances: Circumstances,
) -> list[ExplainedPolicy]:
    of_each = [conditions_of(policy.json) for policy in policies]
    every = [condition for conditions in of_each for condition in conditions]
    found = iter(_evaluated(written, [one.expression for one in every], caller, role, circumstances))
    values = SeenValues(caller, role, circumstances)
    explained: list[ExplainedPolicy] = []
    for policy, conditions in zip(policies, of_each, strict=True):
        reached = True
        seen: list[SeenCondition] = []
        for condition in conditions:
            one = _seen(policy, condition, next(found), reached, values)
            reached = reached and one.holds
            seen.append(one)
        effect = "forbid" if is_forbid(policy) else "permit"
        explained.append(ExplainedPolicy(policy.name, policy.file, policy.lines.first, effect, tuple(seen)))
    return explained


def _seen(
    policy: WrittenPolicy, condition: Condition, found: bool | str, reached: bool, values: SeenValues
) -> SeenCondition:
    line = _LINE.search(policy.lines.of(condition.expression))
    is_error = isinstance(found, str)
    return SeenCondition(
        clause=condition.clause,
        text=condition.text,
        line=policy.lines.first if line is None else int(line[1]),
        wanted=condition.wanted,
        value=None if is_error else bool(found),
        error=str(found) if is_error else None,
        reached=reached,
        values=tuple((text_of(value), values.of(value)) for value in values_in(condition.expression)),
    )


def _evaluated(
    written: WrittenConfiguration,
    expressions: Sequence[object],
    caller: Caller,
    role: Role,
    circumstances: Circumstances,
) -> list[bool | str]:
    """What each expression is of one request, or why that cannot be told: Cedar is asked for all that permit by it."""
    if not expressions:
        return []
    policies = IndexedPolicies.of_json(
        written.policies.schema, (_permit_where(place, expression) for place, expression in enumerate(expressions))
    )
    authorizer = make_authorizer(policies, written.configuration.catalog, written.catalog.time_zone)
    decision = authorizer.decide(caller, role, circumstances)
    errors = _by_policy(decision.errors)
    true = frozenset(decision.policies)
    return [errors.get(str(place), str(place) in true) for place in range(len(expressions))]


def _permit_where(place: int, expression: object) -> PolicyJson:
    """A policy about everybody and everything, whose only condition that is."""
    anything = {"op": "All"}
    return {
        "effect": "permit",
        "principal": anything,
        "action": anything,
        "resource": anything,
        "conditions": [{"kind": "when", "body": expression}],
        "annotations": {"id": str(place)},
    }


def _by_policy(errors: Iterable[str]) -> Mapping[str, str]:
    found = filter(None, map(_NAMED.search, errors))
    return {match[1]: " ".join(match[2].split()) for match in found}


def _is_in(errors: Iterable[str], policy: WrittenPolicy) -> bool:
    return any(f"policy `{policy.name}`: " in error for error in errors)


def _elsewhere(book: PolicyBook, names: Iterable[str], variable: str) -> tuple[Elsewhere, ...]:
    policies = [book.by_name[name] for name in names]
    return tuple(
        Elsewhere(policy.name, policy.file, policy.lines.first, scope_text(policy.json, variable))
        for policy in policies
    )


def scope_text(policy: PolicyJson, variable: str) -> str:
    """What the scope of a policy demands of a variable, in Cedar; the variable's name alone: nothing."""
    demands = [
        text_of(part.expression)
        for part in parts_of(policy | {"conditions": []})
        if text_of(part.expression).startswith(f"{variable} ")
    ]
    return " && ".join(demands) or variable
