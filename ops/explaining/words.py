"""An outcome and why it is so, as people read it and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Final

from chalicelib.decisions.audit_mode import Audited
from chalicelib.sessions.plan import SessionPlan
from chalicelib.text.timestamps import rfc3339
from chalicelib.wire.rendering import plan_json
from ops.deciding.deciding import Asking, Outcome
from ops.explaining.explaining import Elsewhere, ExplainedPolicy, Explanation, SeenCondition

Json = dict[str, object]

# So many policies of a kind are told to people; JSON has them all.
MOST_TOLD: Final = 10


def answer(outcome: Outcome) -> str:
    """The outcome in one line."""
    decided, refusal = outcome.decided, outcome.refusal
    if decided is None:
        assert refusal is not None  # noqa: S101 or there would be a decision
        return f"Refused before any policy is asked ({refusal.code}): {refusal.message}"
    decision = decided.decision
    named = ", ".join(decision.policies)
    if decided.role is None:
        return "Denied: there is no such role in the catalog."
    if decision.errors:
        return "Denied: a policy could not be evaluated, and who cannot be judged is not let in."
    if not decision.allowed:
        return f"Denied: {named} forbids it." if decision.policies else "Denied by default: no permit applies."
    if refusal is not None:
        return f"Refused by the role's own rules ({refusal.code}), though {named} permits it: {refusal.message}"
    return f"Allowed by {named}."


def reasons(explanation: Explanation) -> Iterator[str]:
    """Why, line by line. Lines that begin with blanks belong to the one before."""
    yield from explanation.errors
    for policy in explanation.deciding:
        yield f"{_name(policy)} applies{':' if policy.conditions else ', whatever else is asked.'}"
        yield from map(_condition, policy.conditions)
    yield from _permits(explanation)
    yield from _elsewhere(explanation.other_roles, "is for this caller, and for other roles")
    yield from _elsewhere(explanation.other_callers, "is for this role, and for other callers")
    if explanation.more:
        yield f"{explanation.more} more policies are about this caller or this role."
    if explanation.audited is not None:
        yield from _audited(explanation.audited)


def _audited(audited: Audited) -> Iterator[str]:
    would_be = "allowed" if audited.would_be else "denied"
    if audited.policies:
        yield f"In audit mode, {', '.join(audited.policies)} would apply; enforced, it would be {would_be}."
    yield from (f"In audit mode: {error}" for error in audited.errors)


def _permits(explanation: Explanation) -> Iterator[str]:
    for policy in explanation.permits[:MOST_TOLD]:
        if policy.applies:
            yield f"{_name(policy)} would have let in."
            continue
        yield f"{_name(policy)} does not apply:"
        yield from map(_condition, policy.failed)
    left_out = len(explanation.permits) - MOST_TOLD
    if left_out > 0:
        yield f"{left_out} more permits are for this caller and this role: --json has them all."


def _condition(condition: SeenCondition) -> str:
    if condition.error is not None:
        found = f"cannot be evaluated: {condition.error}"
    else:
        found = f"is {'true' if condition.value else 'false'}"
    values = [f"{name} is {value}" for name, value in condition.values if name != condition.text]
    seen = f"; {', '.join(values)}" if values else ""
    return f"  line {condition.line}: {condition.clause} `{condition.text}` {found}{seen}"


def _elsewhere(policies: Sequence[Elsewhere], what: str) -> Iterator[str]:
    for policy in policies:
        yield f"permit {policy.name} ({policy.file}, line {policy.line}) {what}: {policy.scope}"


def _name(policy: ExplainedPolicy) -> str:
    return f"{policy.effect} {policy.name} ({policy.file}, line {policy.line})"


def outcome_json(outcome: Outcome) -> Json:
    """The outcome; `Session` is what a dry run shows."""
    decided, plan, refusal = outcome.decided, outcome.plan, outcome.refusal
    return {
        "Allowed": outcome.allowed,
        "Answer": answer(outcome),
        "Decision": None if decided is None else ("allow" if decided.decision.allowed else "deny"),
        "Policies": list(outcome.policies),
        "Error": None if refusal is None else {"Code": refusal.code, "Message": refusal.message},
        "Request": None if outcome.asking is None else request_json(outcome.asking),
        "Session": None if plan is None else plan_json(plan),
    }


def session_rows(plan: SessionPlan) -> Json:
    """The session that would be asked for, by what there is of it."""
    found: Json = {
        "Role": plan.role.arn,
        "Session": plan.session_name,
        "Source identity": plan.source_identity,
        "Duration": f"{plan.duration} s",
        "Tags": ", ".join(f"{key}={value}" for key, value in plan.tags) or None,
        "Policy": plan.policy,
        "Policy ARNs": ", ".join(plan.policy_arns) or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def request_json(asking: Asking) -> Json:
    """What was asked."""
    request = asking.request
    return {
        "Caller": asking.caller.identifier,
        "CallerType": asking.caller.kind,
        "Role": request.role,
        "Duration": request.duration,
        "Reason": request.reason,
        "Tags": dict(request.tags),
        "Params": dict(request.params),
        "Narrowed": request.policy is not None,
        "Format": asking.format,
        "Address": asking.address,
        "Time": rfc3339(asking.time),
    }


def explanation_json(explanation: Explanation) -> Json:
    """Why, all of it."""
    return {
        "Deciding": [_policy_json(policy) for policy in explanation.deciding],
        "Permits": [_policy_json(policy) for policy in explanation.permits],
        "OtherRoles": [_elsewhere_json(policy, "Roles") for policy in explanation.other_roles],
        "OtherCallers": [_elsewhere_json(policy, "Callers") for policy in explanation.other_callers],
        "More": explanation.more,
        "Errors": list(explanation.errors),
        "Audited": None if explanation.audited is None else _audited_json(explanation.audited),
    }


def _audited_json(audited: Audited) -> Json:
    return {
        "WouldBe": "allow" if audited.would_be else "deny",
        "Policies": list(audited.policies),
        "Errors": list(audited.errors),
    }


def _policy_json(policy: ExplainedPolicy) -> Json:
    return {
        "Id": policy.name,
        "File": policy.file,
        "Line": policy.line,
        "Effect": policy.effect,
        "Applies": policy.applies,
        "Conditions": [
            {
                "Clause": condition.clause,
                "Text": condition.text,
                "Line": condition.line,
                "Value": condition.value,
                "Holds": condition.holds,
                "Reached": condition.reached,
                "Error": condition.error,
                "Saw": dict(condition.values),
            }
            for condition in policy.conditions
        ],
    }


def _elsewhere_json(policy: Elsewhere, about: str) -> Json:
    return {"Id": policy.name, "File": policy.file, "Line": policy.line, about: policy.scope}
