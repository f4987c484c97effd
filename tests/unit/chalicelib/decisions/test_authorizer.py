"""Decisions, without any I/O: policies over callers, roles and circumstances."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.callers.caller import Caller
from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.decisions.decision import Circumstances, Decision
from chalicelib.decisions.indexed_policy import IndexedPolicies
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.guards import Bounds
from chalicelib.roles.role import Role
from chalicelib.roles.session_rules import Param, SessionRules
from testing.cedar import SCHEMA, Asked

ACCOUNT = "111122223333"
ALICE = IamUser("aws", ACCOUNT, "/team/", "alice", "AIDAEXAMPLE")
DEV = IamRoleSession("aws", ACCOUNT, "Dev", "alice@example.com", "AROAEXAMPLE:alice@example.com")
FED = FederatedUser("aws", ACCOUNT, "bob", f"{ACCOUNT}:bob")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def role(name: str, *groups: str, max_duration: int = 3600, require_reason: bool = False) -> Role:
    return Role(
        name=name,
        arn=f"arn:aws:iam::{ACCOUNT}:role/{name}",
        description="",
        groups=groups,
        default_duration=900,
        max_duration=max_duration,
        external_id=None,
        require_reason=require_reason,
        source_identity=True,
        tag_session=True,
    )


READER = role("reader", "open")
WRITER = role("writer")


def decide(
    policies: str,
    caller: Caller = ALICE,
    wanted: Role = READER,
    duration: int = 900,
    source_ip: str = "198.51.100.7",
    has_reason: bool = False,
    time: datetime = NOON,
) -> Decision:
    authorizer = Authorizer(IndexedPolicies.of(SCHEMA, policies), Catalog((READER, WRITER)))
    return authorizer.decide(caller, wanted, Circumstances(duration, source_ip, has_reason, time))


def when(condition: str) -> str:
    return f'@id("p") permit (principal, action, resource) when {{ {condition} }};'


def test_nobody_may_do_what_no_policy_permits() -> None:
    assert decide('@id("p") permit (principal, action, resource == Role::"writer");') == Decision(False)


ALL = '@id("all") permit (principal, action, resource);'


def test_a_decision_names_its_policies_by_id() -> None:
    policies = ALL + '@id("groups") permit (principal, action, resource in RoleGroup::"open");'
    assert decide(policies) == Decision(True, ("all", "groups"))
    assert decide(policies, wanted=WRITER) == Decision(True, ("all",))


def test_a_forbid_beats_every_permit() -> None:
    policies = ALL + '@id("never") forbid (principal is IamUser, action, resource);'
    assert decide(policies) == Decision(False, ("never",))
    assert decide(policies, caller=DEV).allowed


@pytest.mark.parametrize(
    ("caller", "entity"),
    [
        (ALICE, f'IamUser::"arn:aws:iam::{ACCOUNT}:user/team/alice"'),
        (DEV, f'IamRole::"arn:aws:iam::{ACCOUNT}:role/Dev"'),
        (FED, f'FederatedUser::"arn:aws:sts::{ACCOUNT}:federated-user/bob"'),
    ],
)
def test_callers_of_one_kind_are_not_of_another(caller: Caller, entity: str) -> None:
    policies = f'@id("p") permit (principal == {entity}, action, resource);'
    assert [c for c in (ALICE, DEV, FED) if decide(policies, caller=c).allowed] == [caller]


def test_a_role_of_a_users_name_is_not_the_user() -> None:
    policies = f'@id("p") permit (principal == IamUser::"{ALICE.arn}", action, resource);'
    namesake = IamRoleSession("aws", ACCOUNT, "alice", "alice", "AROA:alice")
    assert not decide(policies, caller=namesake).allowed


@pytest.mark.parametrize(
    ("condition", "caller", "allowed"),
    [
        ('principal is IamUser && principal.path == "/team/"', ALICE, True),
        ('principal is IamRole && principal.session_name like "*@example.com"', DEV, True),
        ('principal is IamRole && principal.session_name like "*@example.org"', DEV, False),
        (f'principal in Account::"{ACCOUNT}"', FED, True),
        ('principal in Account::"999999999999"', FED, False),
        ('principal is IamUser && principal.principal_id == "AIDAEXAMPLE"', ALICE, True),
    ],
)
def test_policies_may_look_at_the_caller(condition: str, caller: Caller, allowed: bool) -> None:
    assert decide(when(condition), caller=caller).allowed is allowed


def test_policies_may_look_at_the_duration() -> None:
    short = when("context.duration <= 1800")
    assert decide(short, duration=1800).allowed and not decide(short, duration=1801).allowed


@pytest.mark.parametrize(("ip", "allowed"), [("10.1.2.3", True), ("11.1.2.3", False), ("2001:db8::1", False)])
def test_policies_may_look_at_the_source_address(ip: str, allowed: bool) -> None:
    assert decide(when('context.source_ip.isInRange(ip("10.0.0.0/8"))'), source_ip=ip).allowed is allowed


def test_policies_may_demand_a_reason() -> None:
    assert decide(when("context.has_reason"), has_reason=True).allowed
    assert not decide(when("context.has_reason")).allowed


def test_policies_may_look_at_the_time() -> None:
    until = when('context.time < datetime("2026-03-04T12:00:01Z")')
    assert decide(until).allowed
    assert not decide(until, time=NOON.replace(second=1)).allowed
    office = when('context.time.toTime() >= duration("9h") && context.time.toTime() < duration("17h")')
    assert decide(office).allowed and not decide(office, time=NOON.replace(hour=17)).allowed


def test_a_policy_that_cannot_be_evaluated_denies() -> None:
    """Cedar by itself would skip the forbid, and let in."""
    overflows = "context.duration * 9223372036854775807 > 0"
    decision = decide(ALL + f'@id("broken") forbid (principal, action, resource) when {{ {overflows} }};')
    assert not decision.allowed and len(decision.errors) == 1


def test_the_same_question_is_answered_afresh_for_each_caller() -> None:
    """Entities of one request do not linger into the next."""
    authorizer = Authorizer(
        IndexedPolicies.of(SCHEMA, when('principal is IamUser && principal.name == "alice"')), Catalog((READER,))
    )
    here = Circumstances(900, "198.51.100.7", False, NOON)
    mallory = IamUser("aws", ACCOUNT, "/team/", "mallory", "AIDAMALLORY")
    impostor = IamUser("aws", ACCOUNT, "/", "alice", "AIDAOTHER")
    asked = (ALICE, mallory, ALICE, impostor, mallory)
    assert [authorizer.decide(c, READER, here).allowed for c in asked] == [True, False, True, True, False]


@pytest.mark.parametrize(
    ("policies", "longest", "reason"),
    [
        ('@id("p") permit (principal, action, resource);', 3600, False),
        (when("context.duration <= 1234"), 1234, False),
        (when("context.duration < 1234"), 1233, False),
        (when("context.has_reason"), 3600, True),
        # A reason that fits is told of, which policies look for; but none that they do not want.
        (when('context has reason && context.reason like "INC-*-?"'), 3600, True),
        (when('context has reason && context.reason == "drill"'), 3600, True),
        (when('context has reason && "drill" == context.reason'), 3600, True),
        (
            when('context has reason && context.reason like "INC-*" && context.duration <= 1800')
            + '@id("q") permit (principal, action, resource) when { context.has_reason && context.duration <= 1000 };',
            1000,
            True,
        ),
        (ALL + '@id("q") forbid (principal, action, resource) when { context has reason };', 3600, False),
        # Without tags and a policy, and with the role's defaults.
        (when('context.tags.hasTag("Project")'), None, False),
        (when("context.narrowed"), None, False),
        (when('context.params.hasTag("area") && context.params.getTag("area") == "public"'), 3600, False),
        (when('context.params.hasTag("tenant")'), None, False),
        (when('context.format == Format::"json" && context.local.weekday == Weekday::"Wednesday"'), 3600, False),
        (
            when("context.duration <= 1000")
            + '@id("q") permit (principal, action, resource) when { context.has_reason };',
            1000,
            False,
        ),
        ('@id("p") permit (principal == IamUser::"nobody", action, resource);', None, False),
        (ALL + '@id("q") forbid (principal, action, resource) when { context.duration > 2000 };', 2000, False),
        (ALL + '@id("q") forbid (principal, action, resource) unless { context.has_reason };', 3600, True),
        (ALL + '@id("q") forbid (principal is IamRole, action, resource);', 3600, False),
        ('@id("q") forbid (principal, action, resource) when { context.duration > 2000 };', None, False),
        (when("context.duration > 5000"), None, False),
    ],
)
def test_the_longest_duration_is_one_that_would_be_allowed(policies: str, longest: int | None, reason: bool) -> None:
    area = Param(Bounds(re.compile(".+"), ""), "public", "")
    reader = replace(READER, session_rules=SessionRules(params={"area": area}))
    authorizer = Authorizer(IndexedPolicies.of(SCHEMA, policies), Catalog((reader,)))
    found = authorizer.permitted(ALICE, [reader], "198.51.100.7", NOON)
    assert [(p.longest_duration, p.reason_required) for p in found] == ([(longest, reason)] if longest else [])


def test_no_more_reasons_are_tried_than_a_list_has_time_for(asked: Asked) -> None:
    looking = " || ".join(f'context.reason like "INC-{number}-*"' for number in range(20))
    policies = when(f"context.duration <= 1000 && context has reason && ({looking})")
    authorizer = Authorizer(IndexedPolicies.of(SCHEMA, policies), Catalog((READER,)))
    assert authorizer.permitted(ALICE, [READER], "198.51.100.7", NOON) != []
    durations = {900, 999, 1000, 1001, 3600}
    assert asked.requests == [len(durations) * (1 + 1 + 8)]


def test_the_longest_duration_stays_within_the_role() -> None:
    short = role("reader", max_duration=1800)
    authorizer = Authorizer(IndexedPolicies.of(SCHEMA, when("true")), Catalog((short,)))
    found = authorizer.permitted(ALICE, [short], "198.51.100.7", NOON)
    assert [(p.longest_duration, p.reason_required) for p in found] == [(1800, False)]


def test_where_a_role_demands_a_reason_the_longest_duration_is_the_one_with_a_reason() -> None:
    demanding = role("reader", require_reason=True)
    long_without_reason = "context.duration > 900 && !context.has_reason"
    policies = ALL + f'@id("q") forbid (principal, action, resource) when {{ {long_without_reason} }};'
    authorizer = Authorizer(IndexedPolicies.of(SCHEMA, policies), Catalog((demanding,)))
    found = authorizer.permitted(ALICE, [demanding], "198.51.100.7", NOON)
    assert [(p.longest_duration, p.reason_required) for p in found] == [(3600, True)]


def test_the_list_asks_about_durations_only_where_a_policy_is_about_the_caller(asked: Asked) -> None:
    """Anybody may ask for the list: it must not cost more the more durations there are in policies for others."""
    roles = tuple(role(f"r{n}", "open") for n in range(50))
    others = "".join(
        f'@id("p{n}") permit (principal == IamUser::"arn:aws:iam::{ACCOUNT}:user/u{n}", action, resource)'
        f" when {{ context.duration <= {1000 + n} }};"
        for n in range(50)
    )
    authorizer = Authorizer(IndexedPolicies.of(SCHEMA, others), Catalog(roles))
    assert authorizer.permitted(ALICE, roles, "198.51.100.7", NOON) == []
    assert sum(asked.requests) == 0
    someone = IamUser("aws", ACCOUNT, "/", "u7", "AIDA")
    assert {p.longest_duration for p in authorizer.permitted(someone, roles, "198.51.100.7", NOON)} == {1007}
