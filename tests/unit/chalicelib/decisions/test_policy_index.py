"""What can be told of policies beforehand, and what is kept of decisions, changes none of them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.callers.caller import Caller
from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.decisions.decision import Circumstances, Decision
from chalicelib.decisions.indexed_policy import IndexedPolicies, index_policies
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role
from testing.cedar import SCHEMA, Asked

HOME, AWAY = "111122223333", "444455556666"
ODD = 'o"d\\d\n\u00e9\U0001f600*'
ROLES = ("reader", "writer", "deep.role-1", "lone")
GROUPS = {"reader": ("open", "all"), "writer": ("all",), "deep.role-1": ("open",), "lone": ()}
CALLERS: tuple[Caller, ...] = (
    IamUser("aws", HOME, "/team/", "alice", "AIDAALICE"),
    IamUser("aws", AWAY, "/", "alice", "AIDAOTHER"),
    IamRoleSession("aws", HOME, "Dev", "alice@example.com", "AROA:alice@example.com"),
    FederatedUser("aws", HOME, "alice", f"{HOME}:alice"),
    OidcSubject("okta", "alice", ("dev", "ops", ODD), (("team", "red"), ("teams", ("red", "blue")))),
    OidcSubject("okta", ODD),
    OidcSubject("gitlab", "alice", ("dev",)),
    ServiceToken("alice", "ops", (("team", "red"),), "0"),
)


def cedar_text(text: str) -> str:
    """A string literal of Cedar, in which every character may stand."""
    return '"' + "".join(c if c.isascii() and c.isalnum() else f"\\u{{{ord(c):x}}}" for c in text) + '"'


def entity(kind: str, *identifiers: str) -> st.SearchStrategy[str]:
    return st.sampled_from(identifiers).map(lambda identifier: f"{kind}::{cedar_text(identifier)}")


PARENTS = st.one_of(
    entity("Account", HOME, AWAY),
    entity("OidcIssuer", "okta", "gitlab"),
    entity("OidcGroup", "okta:dev", f"okta:{ODD}", "gitlab:dev", "gitlab:ops"),
)
PRINCIPALS = st.one_of(
    entity("IamUser", f"arn:aws:iam::{HOME}:user/team/alice", f"arn:aws:iam::{AWAY}:user/alice"),
    entity("IamRole", f"arn:aws:iam::{HOME}:role/Dev"),
    entity("FederatedUser", f"arn:aws:sts::{HOME}:federated-user/alice"),
    entity("OidcSubject", "okta:alice", f"okta:{ODD}", "gitlab:alice"),
    entity("ServiceToken", "alice"),
)
KINDS = st.sampled_from(["IamUser", "IamRole", "FederatedUser", "OidcSubject", "ServiceToken"])
ROLE = entity("Role", *ROLES, "", "elsewhere")
GROUP = entity("RoleGroup", "open", "all", "none")
CALLER_SCOPES = st.one_of(
    st.just("principal"),
    PRINCIPALS.map("principal == {}".format),
    st.one_of(PARENTS, PRINCIPALS).map("principal in {}".format),
    KINDS.map("principal is {}".format),
    st.tuples(KINDS, st.one_of(PARENTS, PRINCIPALS)).map(lambda two: f"principal is {two[0]} in {two[1]}"),
)
ACTION_SCOPES = st.sampled_from(
    ["action", 'action == Action::"AssumeRole"', 'action in [Action::"AssumeRole"]', 'action == Action::"Other"']
)
ROLE_SCOPES = st.one_of(
    st.just("resource"),
    st.just("resource is Role"),
    st.just("resource is RoleGroup"),
    ROLE.map("resource == {}".format),
    st.one_of(ROLE, GROUP).map("resource in {}".format),
    st.one_of(ROLE, GROUP).map("resource is Role in {}".format),
)
# True of some, false of others; and some that cannot be evaluated, always or for some callers.
CONDITIONS = st.one_of(
    st.sampled_from(
        [
            "true",
            "false",
            "context.duration <= 1800",
            "context.has_reason",
            "context.duration * 9223372036854775807 > 0",
            'principal.name == "alice"',
            f'principal in Account::"{HOME}"',
            'principal is OidcSubject && principal.hasTag("team") && principal.getTag("team").text == "red"',
            'principal.getTag("team") == "red"',
            'context.source_ip.isInRange(ip("198.51.100.0/24"))',
            'context.time < datetime("2030-01-01T00:00:00Z")',
            'ip("nonsense").isIpv4()',
            "resource.account == principal.account",
            'if context.has_reason then principal.path == "/" else true',
            'context has nonsense || resource.arn like "*writer"',
            'context has reason && context.reason like "INC-*"',
            "context has reason",
            'context.local.weekday == Weekday::"Sunday"',
            'context.local.time < duration("12h") || context.local.date like "*-03-04"',
            'context.params.hasTag("tenant") && context.params.getTag("tenant") == "acme"',
            'context.tags.hasTag("Project") && context.tags.getTag("Project") == "x"',
            'context.tags.getTag("Project") == "x"',
            "context.narrowed",
            '[context].containsAny([context]) && context.format == Format::"json"',
        ]
    ),
    st.tuples(ROLE, st.one_of(GROUP, ROLE)).map(lambda two: f"{two[0]} in {two[1]}"),
    ROLE.map(lambda role: f'{role}.account == "{HOME}"'),
    ROLE.map(lambda role: f"[{role}, resource].contains(resource) && {role} has arn"),
    ROLE.map(lambda role: f'[{role}].containsAny([Role::"reader"])'),
    st.one_of(PARENTS, PRINCIPALS).map("principal in [{}]".format),
)
WHOLE_CONDITIONS = st.lists(st.tuples(st.sampled_from(["when", "unless"]), CONDITIONS), max_size=2).map(
    lambda listed: " ".join(f"{word} {{ {condition} }}" for word, condition in listed)
)
POLICY = st.tuples(st.sampled_from(["permit", "forbid"]), CALLER_SCOPES, ACTION_SCOPES, ROLE_SCOPES, WHOLE_CONDITIONS)
POLICIES = st.lists(POLICY, max_size=12).map(
    lambda listed: "\n".join(
        f'@id("p-{n}") {effect} ({caller}, {action}, {role}) {conditions};'
        for n, (effect, caller, action, role, conditions) in enumerate(listed)
    )
)
CIRCUMSTANCES = st.builds(
    Circumstances,
    st.sampled_from([900, 1800, 3600]),
    st.sampled_from(["198.51.100.7", "2001:db8::1"]),
    st.booleans(),
    st.sampled_from([datetime(2026, 3, day, 12, tzinfo=UTC) for day in (4, 8)]),
    st.sampled_from([None, "", "INC-7", "INC*"]),
    st.sampled_from([{}, {"tenant": "acme"}, {"tenant": ODD}]),
    st.sampled_from([{}, {"Project": "x"}, {"Project": "", "Cost Center": "7"}]),
    st.booleans(),
    st.sampled_from(["json", "container"]),
)


def catalog_role(name: str) -> Role:
    arn = f"arn:aws:iam::{HOME}:role/{name}"
    return Role(name, arn, "", GROUPS.get(name, ()), 900, 3600, None, False, True, True)


CATALOG = Catalog(tuple(map(catalog_role, ROLES)))


@settings(max_examples=50, deadline=None)
@given(POLICIES, st.lists(st.tuples(st.sampled_from(CALLERS), st.sampled_from(ROLES), CIRCUMSTANCES), max_size=12))
def test_what_is_kept_of_one_decision_changes_no_other(
    policies: str, questions: list[tuple[Caller, str, Circumstances]]
) -> None:
    authorizer = Authorizer(IndexedPolicies.of(SCHEMA, policies), CATALOG)
    for caller, name, circumstances in questions * 2:
        fresh = Authorizer(IndexedPolicies.of(SCHEMA, policies), CATALOG)
        role = catalog_role(name)
        assert authorizer.decide(caller, role, circumstances) == fresh.decide(caller, role, circumstances)


class AsksAboutEveryRole(Authorizer):
    def _worth_asking(self, principal: Mapping[str, object], roles: Sequence[Role]) -> Sequence[Role]:
        return roles


@settings(max_examples=100, deadline=None)
@given(POLICIES, st.sampled_from(CALLERS))
def test_a_list_that_leaves_out_what_no_policy_is_about_lacks_nothing(policies: str, caller: Caller) -> None:
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    lists = [
        kind(IndexedPolicies.of(SCHEMA, policies), CATALOG).permitted(caller, CATALOG.roles, "198.51.100.7", noon)
        for kind in (Authorizer, AsksAboutEveryRole)
    ]
    assert lists[0] == lists[1]


def test_a_list_asks_about_the_roles_alone_that_policies_about_the_caller_are_about(asked: Asked) -> None:
    """What it costs must not grow with the roles of others."""
    roles = tuple(map(catalog_role, ("reader", "writer", *(f"r{number}" for number in range(50)))))
    policies = f'@id("ours") permit (principal == IamUser::"{CALLERS[0].identifier}", action, resource == Role::"r7");'
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    found = Authorizer(IndexedPolicies.of(SCHEMA, policies), Catalog(roles)).permitted(
        CALLERS[0], roles, "198.51.100.7", noon
    )
    assert [one.role.name for one in found] == ["r7"]
    assert asked.requests == [2]  # the one role, without a reason and with one


def test_a_list_parses_somebody_in_very_many_groups_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a token with 1,500 groups and 2,000 roles took 20 s, and API Gateway had given up."""
    roles = tuple(map(catalog_role, (f"r{number}" for number in range(40))))
    caller = OidcSubject("okta", "alice", tuple(f"g{number}" for number in range(300)))
    policies = '@id("all") permit (principal is OidcSubject, action, resource) when { context.duration < 1800 };'
    sent: list[str] = []
    dumps = json.dumps

    def noted(value: object, **how: object) -> str:
        sent.append(dumps(value))
        return sent[-1]

    monkeypatch.setattr("chalicelib.decisions.role_entities.json.dumps", noted)
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    authorizer = Authorizer(IndexedPolicies.of(SCHEMA, policies), Catalog(roles))
    assert len(authorizer.permitted(caller, roles, "198.51.100.7", noon)) == 40
    assert sum('"okta:g299"' in text for text in sent) <= 2


@settings(max_examples=100, deadline=None)
@given(POLICIES)
def test_a_policy_taken_out_of_its_file_means_the_same(policies: str) -> None:
    whole = json.loads(cedarpy.policies_to_json_str(policies))["staticPolicies"]
    single = [
        json.loads(cedarpy.policies_to_json_str(each.text))["staticPolicies"] for each in index_policies(policies)
    ]
    assert [est["policy0"] for est in single] == [whole[f"policy{n}"] for n in range(len(whole))]


BROKEN = "context.duration * 9223372036854775807 > 0"


@pytest.mark.parametrize("general", range(5))
@pytest.mark.parametrize("about_caller", range(1, 6))
def test_an_error_names_the_policy_as_its_file_does(general: int, about_caller: int) -> None:
    """However many policies stand before and behind it: Cedar counts them anew where it puts sets together."""
    scopes = ["principal"] * general + [f'principal == IamUser::"{CALLERS[0].identifier}"'] * about_caller
    here = Circumstances(900, "198.51.100.7", False, datetime(2026, 3, 4, 12, tzinfo=UTC))
    for place in range(len(scopes)):
        policies = "\n".join(
            f'@id("p-{number}") permit ({scope}, action, resource) when {{ {BROKEN if number == place else "true"} }};'
            for number, scope in enumerate(scopes)
        )
        authorizer = Authorizer(IndexedPolicies.of(SCHEMA, policies), CATALOG)
        decision = authorizer.decide(CALLERS[0], catalog_role("reader"), here)
        assert not decision.allowed
        assert [f"policy `p-{place}`" in error for error in decision.errors] == [True]


def test_a_list_does_not_look_for_the_names_of_policies_that_fail(asked: Asked) -> None:
    """It tells nobody of them: each role would be decided about twice."""
    policies = f'''
        @id("ours") permit (principal == IamUser::"{CALLERS[0].identifier}", action, resource == Role::"reader");
        @id("broken") forbid (principal, action, resource == Role::"reader") when {{ {BROKEN} }};
    '''
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    authorizer = Authorizer(IndexedPolicies.of(SCHEMA, policies), CATALOG)
    assert authorizer.permitted(CALLERS[0], CATALOG.roles, "198.51.100.7", noon) == []
    assert len(asked.requests) == 1


@pytest.mark.parametrize("name", ["reader", "writer"])
def test_policies_about_others_are_not_looked_at(name: str, asked: Asked) -> None:
    """What a decision costs must not grow with them."""
    policies = "".join(
        f'@id("p{n}") permit (principal == IamUser::"arn:aws:iam::{HOME}:user/u{n}", action, resource);'
        f'@id("q{n}") forbid (principal, action, resource == Role::"r{n}");'
        for n in range(50)
    )
    ours = f'@id("ours") permit (principal, action, resource == Role::"{name}");'
    here = Circumstances(900, "198.51.100.7", False, datetime(2026, 3, 4, 12, tzinfo=UTC))
    authorizer = Authorizer(IndexedPolicies.of(SCHEMA, policies + ours), CATALOG)
    assert authorizer.decide(CALLERS[0], catalog_role(name), here) == Decision(True, ("ours",))
    assert asked.policies == [1]
