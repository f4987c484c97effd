"""Are tests of policies right? Each is asked of the service's own code, and what it expects compared with that."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from msgspec import UNSET

from chalicelib.aws.durations import parse_duration
from chalicelib.configuration.policy_files import WrittenPolicy
from chalicelib.configuration.source import WrittenConfiguration
from chalicelib.sessions.plan import SessionPlan
from chalicelib.text.likeness import did_you_mean, nearest
from ops.deciding.assumptions import assumed
from ops.deciding.deciding import Outcome
from ops.deciding.described import NotDescribed, outcome_of
from ops.deciding.written_policies import PolicyBook
from ops.explaining.explaining import Explanation, explain
from ops.policy_tests.entries import SessionEntry
from ops.policy_tests.read import Case

_LISTS: Final = frozenset({"Action", "NotAction", "Resource", "NotResource"})


class Difference(NamedTuple):
    """What a test expects, and what it got."""

    what: str
    expected: object
    got: object


class Ran(NamedTuple):
    """A test that was run.

    Attributes:
        outcome: None: it could not be run.
        problem: why it could not, or means nothing; None: it could.
        explanation: of a test that failed.
    """

    case: Case
    outcome: Outcome | None
    differences: tuple[Difference, ...]
    problem: str | None = None
    explanation: Explanation | None = None

    @property
    def passed(self) -> bool:
        return self.problem is None and not self.differences


class Report(NamedTuple):
    """All that was run.

    Attributes:
        unreached: policies that are among the deciding ones of no test; in audit mode, that apply in none.
    """

    ran: tuple[Ran, ...]
    unreached: tuple[WrittenPolicy, ...]

    @property
    def failed(self) -> tuple[Ran, ...]:
        return tuple(one for one in self.ran if not one.passed)


def run_tests(written: WrittenConfiguration, cases: Iterable[Case]) -> Report:
    """Run tests of a configuration."""
    book = PolicyBook(written)
    ran = tuple(_run(written, book, case) for case in cases)
    outcomes = [one.outcome for one in ran if one.outcome is not None]
    reached = {name for outcome in outcomes for name in (*outcome.policies, *outcome.audit_policies)}
    return Report(ran, tuple(policy for policy in written.policies.policies if policy.name not in reached))


def _run(written: WrittenConfiguration, book: PolicyBook, case: Case) -> Ran:
    problem = _unknown_policy(book, case)
    if problem is not None:
        return Ran(case, None, (), problem)
    try:
        outcome = outcome_of(written.configuration, case.described)
    except NotDescribed as error:
        return Ran(case, None, (), str(error))
    problem = _unsaid(book, case, outcome)
    differences = tuple(_differences(case, outcome))
    explanation = explain(written, book, outcome) if differences else None
    return Ran(case, outcome, differences, problem, explanation)


def _unknown_policy(book: PolicyBook, case: Case) -> str | None:
    wanted = () if case.entry.policies is UNSET else case.entry.policies
    for name in wanted:
        if name in {policy.name for policy in book.audited}:
            return f"`policies` names {name!r}, which is in audit mode, and decides nothing"
        if name not in book.by_name:
            return f"`policies` names {name!r}, which there is not{did_you_mean(nearest(name, book.by_name))}"
    return None


def _unsaid(book: PolicyBook, case: Case, outcome: Outcome) -> str | None:
    """What a policy with a say looks at, and the test leaves open: it would be right by chance."""
    found = assumed(book, outcome, case.described.caller, case.unsaid)
    if found is None:
        return None
    where = "" if found.field in ("time", "address") else " of the caller"
    return f"policy {found.policy} looks at {found.path}: say `{found.field}`{where}"


def _differences(case: Case, outcome: Outcome) -> Iterator[Difference]:
    entry = case.entry
    got = "allow" if outcome.allowed else "deny"
    if got != entry.expect:
        yield Difference("expect", entry.expect, got)
    code = None if outcome.refusal is None else outcome.refusal.code
    if entry.expect == "deny" and not outcome.allowed and code != entry.code:
        yield Difference("code", entry.code, code)
    if entry.policies is not UNSET and sorted(entry.policies) != sorted(outcome.policies):
        yield Difference("policies", sorted(entry.policies), sorted(outcome.policies))
    if entry.session is not UNSET and outcome.plan is not None:
        yield from _of_session(entry.session, outcome.plan)


def _of_session(entry: SessionEntry, plan: SessionPlan) -> Iterator[Difference]:
    tags = dict(plan.tags)
    if entry.tags is not UNSET:
        for key, value in entry.tags.items():
            if tags.get(key) != value:
                yield Difference(f"session.tags.{key}", value, tags.get(key))
    policy = None if plan.policy is None else json.loads(plan.policy)
    if entry.policy is not UNSET and _normal(entry.policy) != _normal(policy):
        yield Difference("session.policy", entry.policy, policy)
    if entry.policy_arns is not UNSET and sorted(entry.policy_arns) != sorted(plan.policy_arns):
        yield Difference("session.policy_arns", sorted(entry.policy_arns), sorted(plan.policy_arns))
    if entry.duration is not UNSET and _seconds(entry.duration) != plan.duration:
        yield Difference("session.duration", entry.duration, plan.duration)
    for name, expected, got in (
        ("name", entry.name, plan.session_name),
        ("source_identity", entry.source_identity, plan.source_identity),
    ):
        if expected is not UNSET and expected != got:
            yield Difference(f"session.{name}", expected, got)


def _seconds(duration: int | str) -> int | None:
    try:
        return parse_duration(duration)
    except ValueError:
        return None


def _normal(document: object) -> object:
    """A policy document in one of the spellings that mean the same: one thing is as good as a list of it."""
    match document:
        case Mapping():
            return {name: _normal(_listed(value) if name in _LISTS else value) for name, value in document.items()}
        case list():
            return [_normal(one) for one in document]
    return document


def _listed(value: object) -> object:
    return sorted(value, key=str) if isinstance(value, list) else [value]
