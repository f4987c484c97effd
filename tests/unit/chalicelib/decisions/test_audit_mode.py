"""Policies in audit mode change no decision, and what they would change is told as it would be."""

from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.callers.caller import Caller
from chalicelib.decisions.audit_mode import Audited, AuditMode, audit_policies
from chalicelib.decisions.authorizer import Authorizer, make_authorizer
from chalicelib.decisions.decision import Circumstances, Decision
from chalicelib.decisions.indexed_policy import IndexedPolicies, PolicyJson, parse_est
from testing.cedar import SCHEMA, Asked
from tests.unit.chalicelib.decisions.test_context import BERLIN
from tests.unit.chalicelib.decisions.test_policy_index import (
    CALLERS,
    CATALOG,
    CIRCUMSTANCES,
    POLICIES,
    ROLES,
    catalog_role,
)

ALICE, READER = CALLERS[0], catalog_role("reader")
HERE = Circumstances(900, "198.51.100.7", False, datetime(2026, 3, 4, 12, tzinfo=UTC))
BROKEN = "context.duration * 9223372036854775807 > 0"


class Sides(NamedTuple):
    """The same policies: those that are enforced, with the others in audit mode; and all of them enforced."""

    enforced: Authorizer
    audit_mode: AuditMode
    all_enforced: Authorizer


def sides(policies: str, audited: set[str]) -> Sides:
    """Args:
    audited: `@id`s of those in audit mode.
    """
    every = parse_est(IndexedPolicies.of(SCHEMA, policies).indexed)
    tried: list[PolicyJson] = [policy for name, policy in every.items() if name in audited]
    decide = [policy for name, policy in every.items() if name not in audited]
    enforced = make_authorizer(IndexedPolicies.of_json(SCHEMA, decide), CATALOG, None)
    audit_mode = AuditMode(audit_policies(SCHEMA, tried), enforced, CATALOG, None)
    return Sides(enforced, audit_mode, make_authorizer(IndexedPolicies.of(SCHEMA, policies), CATALOG, None))


@settings(max_examples=150, deadline=None)
@given(
    POLICIES,
    st.sets(st.integers(0, 11)),
    st.lists(st.tuples(st.sampled_from(CALLERS), st.sampled_from(ROLES), CIRCUMSTANCES), min_size=1, max_size=8),
)
def test_what_would_be_is_what_is_decided_once_they_are_enforced(
    policies: str, audited: set[int], questions: list[tuple[Caller, str, Circumstances]]
) -> None:
    found = sides(policies, {f"p-{number}" for number in audited})
    for caller, name, circumstances in questions:
        role = catalog_role(name)
        decided = found.enforced.decide(caller, role, circumstances)
        told = found.audit_mode.look(caller, role, circumstances, decided)
        would_be = decided.allowed if told is None else told.would_be
        enforced = found.all_enforced.decide(caller, role, circumstances)
        assert would_be == enforced.allowed
        assert set(enforced.policies) - set(decided.policies) <= set(() if told is None else told.policies)
        assert len(enforced.errors) == len(decided.errors) + len(() if told is None else told.errors)


def look(policies: str, audited: set[str]) -> tuple[Decision, Audited | None]:
    found = sides(policies, audited)
    decided = found.enforced.decide(ALICE, READER, HERE)
    return decided, found.audit_mode.look(ALICE, READER, HERE, decided)


PERMIT = '@id("permit") permit (principal, action, resource);'
FORBID = '@id("forbid") forbid (principal, action, resource);'


def test_a_forbid_in_audit_mode_denies_nobody() -> None:
    assert look(PERMIT + FORBID, {"forbid"}) == (Decision(True, ("permit",)), Audited(False, ("forbid",), ()))


def test_a_permit_in_audit_mode_lets_nobody_in() -> None:
    assert look(PERMIT, {"permit"}) == (Decision(False), Audited(True, ("permit",), ()))
    assert look(PERMIT + FORBID, {"permit"})[1] == Audited(False, ("permit",), ())


def test_each_that_applies_is_named_although_a_forbid_among_them_decides() -> None:
    assert look(PERMIT + FORBID, {"permit", "forbid"}) == (Decision(False), Audited(False, ("forbid", "permit"), ()))


def test_nothing_is_told_where_none_applies() -> None:
    assert look(PERMIT + FORBID.replace("resource", 'resource == Role::"writer"'), {"forbid"})[1] is None


def test_one_that_cannot_be_evaluated_denies_nobody_and_is_told_by_name() -> None:
    decided, told = look(f"{PERMIT} {FORBID[:-1]} when {{ {BROKEN} }};", {"forbid"})
    assert decided == Decision(True, ("permit",))
    assert told is not None and not told.would_be and not told.policies
    assert ["policy `forbid`" in error for error in told.errors] == [True]


@pytest.mark.parametrize("error", [ValueError("secret"), type("Panic", (BaseException,), {})("secret")])
def test_whatever_goes_wrong_with_them_denies_nobody(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    found = sides(PERMIT + FORBID, {"forbid"})
    decided = found.enforced.decide(ALICE, READER, HERE)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Authorizer, "decide", fail)
    told = found.audit_mode.look(ALICE, READER, HERE, decided)
    assert told == Audited(False, (), (f"policies in audit mode could not be asked: {type(error).__name__}",))


def test_they_take_one_decision_more(asked: Asked) -> None:
    """By the policies in audit mode that can have a say, however many there are of others."""
    others = "".join(f'@id("p{n}") forbid (principal, action, resource == Role::"r{n}");' for n in range(50))
    found = sides(PERMIT + FORBID + others, {"forbid", *(f"p{n}" for n in range(50))})
    decided = found.enforced.decide(ALICE, READER, HERE)
    found.audit_mode.look(ALICE, READER, HERE, decided)
    assert asked.policies == [1, 1]


def test_local_times_are_those_of_the_catalogs_zone() -> None:
    text = '@id("noon") forbid (principal, action, resource) when { context.local.time == duration("13h") };'
    tried = audit_policies(SCHEMA, parse_est(IndexedPolicies.of(SCHEMA, text).indexed).values())
    enforced = make_authorizer(IndexedPolicies.of(SCHEMA, PERMIT), CATALOG, BERLIN)
    told = AuditMode(tried, enforced, CATALOG, BERLIN).look(ALICE, READER, HERE, Decision(True))
    assert told == Audited(False, ("noon",), ())
