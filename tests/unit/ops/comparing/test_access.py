"""What is said to be granted or taken is what the service decides by the one configuration and by the other."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.callers.caller import Caller
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from chalicelib.sessions.asked import VendRequest
from ops.comparing.access import Access, Comparison, Kind
from ops.comparing.affected import Affected
from ops.comparing.sides import Side
from ops.deciding.deciding import Asking, decide
from ops.deciding.recorded import untold_policy
from testing.policies import AWAY, HOME, ISSUERS_YAML, ROLES_YAML
from tests.unit.ops.comparing.sides import NAMES, OTHER_ISSUERS, OTHER_ROLES, POLICIES, side, side_of, sides

NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)
CALLERS: tuple[Caller, ...] = (
    IamUser("aws", HOME, "/", "alice", "AIDA"),
    IamUser("aws", HOME, "/", "bob", "AIDA"),
    IamRoleSession("aws", AWAY, "Dev", "x", "AROA:x"),
    IamRoleSession("aws", HOME, "Dev", "x", "AROA:x"),
    OidcSubject("okta", "x", ("dev",), (("team", "red"),)),
    OidcSubject("okta", "x", ("dev",), (("team", "rot"), ("amr", ("mfa", "pwd")))),
    OidcSubject("github", "x", (), (("ref", "refs/heads/main"),)),
    OidcSubject("github", "x", (), (("ref", "refs/heads/next"),)),
    OidcSubject("gone", "x"),
    ServiceToken("ci", "olga"),
    ServiceToken("ci", "olga", (("env", "prod"),)),
)
REQUESTS = st.builds(
    VendRequest,
    role=st.sampled_from(["reader", "writer", "deep", "nobody", f"arn:aws:iam::{HOME}:role/reader"]),
    duration=st.sampled_from([None, 900, 1200, 1800, 3600]),
    reason=st.sampled_from([None, "INC-7", "fire", "please"]),
    tags=st.sampled_from([{}, {"Team": "red"}]),
    params=st.sampled_from([{}, {"tenant": "a"}]),
    policy=st.sampled_from([None, untold_policy()]),
)
ASKINGS = st.builds(
    Asking,
    caller=st.sampled_from(CALLERS),
    request=REQUESTS,
    format=st.just("json"),
    address=st.sampled_from(["192.0.2.1", "192.0.2.200", "198.51.100.7"]),
    time=st.sampled_from([NOON, NOON.replace(hour=8, minute=30), NOON.replace(day=11)]),
)


def valid_side(names: frozenset[str], audited: frozenset[str], roles: str, issuers: str) -> Side:
    """Where an issuer makes no tag of a claim, no policy looks at it."""
    fitting = names - {"mfa", "mfa2"} if issuers == OTHER_ISSUERS else names
    return side(fitting or frozenset({"alice"}), audited, roles, issuers)


SIDES = st.builds(
    valid_side,
    st.frozensets(st.sampled_from(sorted(POLICIES)), min_size=1, max_size=8).map(
        lambda names: frozenset(name for name in names if f"{name}2" not in names)
    ),
    st.frozensets(st.sampled_from(sorted(POLICIES)), max_size=2),
    st.sampled_from([ROLES_YAML, OTHER_ROLES]),
    st.sampled_from([ISSUERS_YAML, OTHER_ISSUERS]),
)


def as_seen(one: Side, caller: Caller) -> Caller | None:
    """The caller as the side's issuers.yaml makes it; None: it is turned away."""
    if not isinstance(caller, OidcSubject):
        return caller
    claims = {issuer.name: dict(issuer.claims) for issuer in one.written.issuers}
    if caller.issuer not in claims:
        return None
    named = claims[caller.issuer]
    return OidcSubject(
        caller.issuer, caller.subject, caller.groups, tuple(pair for pair in caller.claims if pair[0] in named)
    )


def vends(one: Side, asking: Asking) -> bool:
    caller = as_seen(one, asking.caller)
    return caller is not None and decide(one.configuration, asking._replace(caller=caller)).allowed


def recorded(old: Side, new: Side, askings: Sequence[Asking]) -> Access:
    comparison = Comparison(old, new, NOON)
    comparison.ask_recorded(askings, lambda _: None)
    return comparison.access()


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.lists(ASKINGS, min_size=1, max_size=40))
def test_what_differs_is_what_both_decide(old: Side, new: Side, askings: list[Asking]) -> None:
    """Request by request: no more is told, and no less; and what is not asked again is decided alike."""
    affected = Affected(old, new)
    expected: dict[Kind, int] = {"granted": 0, "taken": 0}
    for asking in askings:
        before, after = vends(old, asking), vends(new, asking)
        if before != after:
            expected["granted" if after else "taken"] += 1
            assert affected.may_differ(asking.caller, asking.request.role)
    found = recorded(old, new, askings)
    assert {kind: sum(one.requests for one in found.of(kind)) for kind in expected} == expected
    assert found.asked["records"] == len(askings)


@settings(max_examples=25, deadline=None)
@given(SIDES, SIDES)
def test_nothing_is_told_of_examples_that_both_decide_alike(old: Side, new: Side) -> None:
    comparison = Comparison(old, new, NOON)
    comparison.ask_examples(500)
    for one in comparison.access().found:
        assert one.row.before != one.row.after
        assert one.row.after.startswith("Allowed") is (one.row.kind == "granted")
        assert one.row.before.startswith("Allowed") is (one.row.kind == "taken")


def kinds(old: Side, new: Side) -> set[tuple[Kind, str]]:
    comparison = Comparison(old, new, NOON)
    comparison.ask_examples(5000)
    return {(one.row.kind, role) for one in comparison.access().found for role in one.roles}


EVERYBODY = frozenset({"alice", "dev", "mfa", "branch", "account", "ci"})


@pytest.mark.parametrize(
    ("name", "kind", "roles"),
    [
        ("alice", "taken", {"deep"}),
        ("dev", "granted", {"reader", "writer"}),
        ("mfa", "taken", {"deep"}),
        ("branch", "granted", {"writer"}),
        ("account", "taken", {"writer", "deep"}),
        ("ci", "taken", {"reader"}),
        ("office", "taken", {"reader"}),
        ("hours", "granted", {"reader", "writer"}),
        ("ticket", "granted", {"writer", "deep"}),
    ],
)
def test_each_edit_of_a_policy_is_found(name: str, kind: Kind, roles: set[str]) -> None:
    """Beside all other policies, the forbids among them: a request must get by them to show anything."""
    forbids = frozenset({"office", "hours", "ticket", "tagged", "narrow"})
    old = (EVERYBODY | forbids) - {name} | {name}
    new = old - {name} | {f"{name}2"}
    assert kinds(*sides(old, new)) == {(kind, role) for role in roles}
    back: Kind = "granted" if kind == "taken" else "taken"
    assert kinds(*sides(new, old)) == {(back, role) for role in roles}


@pytest.mark.parametrize("name", NAMES)
def test_each_policy_that_is_added_or_taken_is_found(name: str) -> None:
    others = EVERYBODY - {name}
    old, new = sides(others, others | {name})
    found = {kind for kind, _ in kinds(old, new)}
    # `alice` may have all roles, and her policy is among the others where it is not the one.
    assert found == {"taken" if POLICIES[name].startswith("forbid") else "granted"}
    assert {kind for kind, _ in kinds(new, old)} == {"granted" if "taken" in found else "taken"}


def test_a_policy_that_goes_into_audit_mode_is_taken_back() -> None:
    old, new = side(EVERYBODY), side(EVERYBODY, frozenset({"ci"}))
    assert kinds(old, new) == {("taken", "reader")}


def test_a_group_of_a_role_and_an_issuer_are_found() -> None:
    names = frozenset({"dev", "mfa", "branch"})
    old = side(names)
    assert kinds(old, side(names, roles=OTHER_ROLES)) == {("granted", "deep")}
    fewer = ISSUERS_YAML.partition("  - {name: github")[0]
    anybody = '@id("any") permit (principal is OidcSubject, action, resource == Role::"deep");'
    assert kinds(side_of(anybody), side_of(anybody, issuers=fewer)) == {("taken", "deep")}
    # Groups of an issuer that nobody is in any more.
    none = ISSUERS_YAML.replace("groups_claim: groups", "groups_claim: roles")
    assert kinds(side(frozenset({"dev"})), side(frozenset({"dev"}), issuers=none)) == set()


def test_what_is_left_out_is_counted() -> None:
    comparison = Comparison(*sides({"alice"}, EVERYBODY), NOON)
    comparison.ask_examples(3)
    access = comparison.access()
    assert access.asked["policies"] == 3
    assert access.left_out == ("what is made for policies beyond 3 requests: --most asks for more",)


def test_what_tests_ask_is_asked_of_both_and_so_are_their_callers() -> None:
    tests = """
callers:
  dev: {issuer: okta, claims: {sub: x, groups: [dev], team: rot}}
tests:
  - {name: rotten developers read, caller: dev, role: reader, expect: allow}
"""
    new = side(frozenset({"dev2"}), tests=tests)
    comparison = Comparison(side(frozenset({"dev"})), new, NOON)
    comparison.ask_tests()
    access = comparison.access()
    assert [(one.row.kind, one.roles, one.row.who, one.row.when) for one in access.found] == [
        ("granted", ("reader",), "oidc:okta:x (group dev, team=rot)", ""),
    ]
    # And the writer, for which the role wants a param.
    assert access.asked["tests"] == 3


def test_another_session_is_told() -> None:
    other = ROLES_YAML.replace("groups: [open], max_duration: 30m", "groups: [open], default_duration: 20m")
    asking = Asking(CALLERS[0], VendRequest("reader"), "json", "192.0.2.1", NOON)
    (found,) = recorded(side(frozenset({"alice"})), side(frozenset({"alice"}), roles=other), [asking, asking]).found
    assert (found.row.kind, found.row.after, found.requests) == ("session", "Another session: duration.", 2)


def test_a_role_that_is_gone_and_a_shorter_maximum_take_access_from_what_was_asked() -> None:
    names = frozenset({"alice"})
    gone = ROLES_YAML.partition("  - {name: deep")[0]
    askings = [
        Asking(CALLERS[0], VendRequest("deep"), "json", "192.0.2.1", NOON),
        Asking(CALLERS[0], VendRequest("reader", duration=1800), "json", "192.0.2.1", NOON),
        Asking(CALLERS[0], VendRequest("reader", duration=1200), "json", "192.0.2.1", NOON),
    ]
    shorter = gone.replace("max_duration: 30m", "max_duration: 20m")
    found = recorded(side(names), side(names, roles=shorter), askings).found
    assert [(one.row.kind, one.roles) for one in found] == [("taken", ("deep",)), ("taken", ("reader",))]
