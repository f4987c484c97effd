"""No policy that could apply is refused as one that cannot: Cedar is asked about each request that there can be."""

import json
from datetime import UTC, datetime
from itertools import product

import cedarpy
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.callers.caller import Caller
from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.kinds import KINDS
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from chalicelib.configuration.cedar_proofs import impossible
from chalicelib.configuration.policy_applicability import Applicability
from chalicelib.configuration.policy_conditions import Conditions
from chalicelib.configuration.policy_parts import parts_of
from chalicelib.configuration.possible_requests import PossibleRequests
from chalicelib.decisions.context import told_schema
from chalicelib.decisions.decision import Circumstances
from chalicelib.decisions.entities import context_json, principal_json, role_json
from testing.cedar import SCHEMA
from testing.policies import AWAY, HOME, catalog_and_issuers

CATALOG, ISSUERS = catalog_and_issuers()
CALLERS: tuple[Caller, ...] = (
    IamUser("aws", HOME, "/", "alice", "AIDAALICE"),
    IamUser("aws", AWAY, "/team/", "bob", "AIDABOB"),
    IamRoleSession("aws", HOME, "Dev", "alice", "AROA:alice"),
    FederatedUser("aws", HOME, "bob", f"{HOME}:bob"),
    OidcSubject("okta", "alice", ("dev",), (("amr", ("pwd", "mfa")), ("team", "red"))),
    OidcSubject("okta", "bob", (), (("team", "blue"),)),
    OidcSubject("github", "alice", (), (("ref", "main"),)),
    ServiceToken("alice", "red", (("team", "red"),), "0"),
    ServiceToken("bob", "blue", (), "0"),
)
TIMES = [datetime(2026, 3, day, hour, tzinfo=UTC) for day, hour in ((1, 0), (4, 12), (9, 23))]
CIRCUMSTANCES = [
    Circumstances(duration, "198.51.100.7", has_reason, time)
    for duration, has_reason, time in product((900, 1800, 1801, 3600), (False, True), TIMES)
]
TEXTS = st.sampled_from(["alice", "bob", "nobody", "red", "Dev", "/", "/team/", "okta", "github", "otka", HOME, AWAY])
PATTERNS = st.sampled_from(["*", "a*", "*o*", "x*", "/*/", "1*", "okta"])
ATTRIBUTES = st.sampled_from(["account", "path", "name", "session_name", "issuer", "subject", "owner"])
KINDS_OF_CALLERS = st.sampled_from([kind.kind for kind in KINDS])
ENTITIES = st.sampled_from(
    [
        f'Account::"{HOME}"',
        f'Account::"{AWAY}"',
        'OidcIssuer::"okta"',
        'OidcIssuer::"github"',
        'OidcGroup::"okta:dev"',
        'OidcGroup::"github:dev"',
        f'IamUser::"arn:aws:iam::{HOME}:user/alice"',
        f'IamUser::"arn:aws:iam::{AWAY}:user/team/bob"',
        f'IamRole::"arn:aws:iam::{HOME}:role/Dev"',
        'OidcSubject::"okta:alice"',
        'ServiceToken::"alice"',
    ]
)
NUMBERS = st.sampled_from([0, 899, 900, 901, 1800, 1801, 3599, 3600, 3601, 7200])
ORDERS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
HOURS = st.sampled_from(["0h", "6h", "12h", "23h", "24h", "-1h"])
COMPARISONS = st.one_of(
    st.tuples(ATTRIBUTES, st.sampled_from(["==", "!="]), TEXTS).map(
        lambda parts: f'(principal has {parts[0]} && principal.{parts[0]} {parts[1]} "{parts[2]}")'
    ),
    st.tuples(ATTRIBUTES, PATTERNS).map(lambda two: f'(principal has {two[0]} && principal.{two[0]} like "{two[1]}")'),
    st.tuples(ATTRIBUTES, TEXTS, TEXTS).map(
        lambda three: f'(principal has {three[0]} && ["{three[1]}", "{three[2]}"].contains(principal.{three[0]}))'
    ),
    KINDS_OF_CALLERS.map("principal is {}".format),
    ENTITIES.map("principal in {}".format),
    st.tuples(KINDS_OF_CALLERS, ENTITIES).map(lambda two: f"principal is {two[0]} in {two[1]}"),
    st.sampled_from(["amr", "team", "ref", "other"]).map('principal.hasTag("{}")'.format),
    st.sampled_from(["red", "main", "blue"]).map(
        '(principal is OidcSubject && principal.hasTag("team") && principal.getTag("team").text == "{}")'.format
    ),
    st.tuples(st.sampled_from(["==", "!="]), st.sampled_from(["reader", "deep"])).map(
        lambda two: f'resource {two[0]} Role::"{two[1]}"'
    ),
    st.sampled_from(["open", "all"]).map('resource in RoleGroup::"{}"'.format),
    st.tuples(st.sampled_from(["==", "!="]), st.sampled_from([HOME, AWAY, "1"])).map(
        lambda two: f'resource.account {two[0]} "{two[1]}"'
    ),
    st.sampled_from(["*", "*team*", "*deep", "x*"]).map('resource.arn like "{}"'.format),
    st.tuples(ORDERS, NUMBERS).map(lambda two: f"context.duration {two[0]} {two[1]}"),
    st.tuples(NUMBERS, ORDERS).map(lambda two: f"{two[0]} {two[1]} context.duration"),
    st.tuples(ORDERS, HOURS).map(lambda two: f'context.time.toTime() {two[0]} duration("{two[1]}")'),
    st.sampled_from(["<", ">"]).map('context.time {} datetime("2026-03-05")'.format),
    st.sampled_from(["context.has_reason", "true", "false", "context.has_reason == true", "resource is Role"]),
)
EXPRESSIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]} && {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} || {two[1]})"),
        inner.map("!({})".format),
        st.tuples(inner, inner, inner).map(lambda three: f"(if {three[0]} then {three[1]} else {three[2]})"),
    ),
    max_leaves=5,
)
SCOPES = st.one_of(
    st.just("principal"),
    KINDS_OF_CALLERS.map("principal is {}".format),
    ENTITIES.map("principal in {}".format),
)
POLICIES = st.tuples(
    SCOPES,
    st.sampled_from(["resource", 'resource == Role::"deep"', 'resource in RoleGroup::"open"']),
    st.lists(st.tuples(st.sampled_from(["when", "unless"]), EXPRESSIONS), min_size=1, max_size=3),
).map(
    lambda three: (
        f'@id("p") permit ({three[0]}, action, {three[1]}) '
        + " ".join(f"{word} {{ {expression} }}" for word, expression in three[2])
        + ";"
    )
)
APPLICABILITY = Applicability(PossibleRequests(KINDS, ISSUERS, CATALOG))
WITH_MAXIMA = Conditions(PossibleRequests(KINDS, ISSUERS, CATALOG), maxima=True)
PARSED_SCHEMA = cedarpy.Schema.from_str(SCHEMA)
# Of the context, they are told what these policies look at, as decisions are.
ASKED_BY = cedarpy.Schema.from_str(told_schema(SCHEMA, ()).schema)
ENTITIES_JSON = json.dumps([*map(role_json, CATALOG.roles), *map(principal_json, CALLERS)])
REQUESTS = [
    (
        circumstances.duration <= role.max_duration,
        {
            "principal": principal_json(caller)["uid"],
            "action": {"type": "Action", "id": "AssumeRole"},
            "resource": {"type": "Role", "id": role.name},
            "context": context_json(circumstances, attributes=()),
        },
    )
    for caller, role, circumstances in product(CALLERS, CATALOG.roles, CIRCUMSTANCES)
]


def applied_to(policy: str, is_served: bool) -> list[object]:
    """The requests that Cedar applies a policy to; `is_served`: those alone that no role's `max_duration` refuses."""
    requests = [request for served, request in REQUESTS if served or not is_served]
    entities = cedarpy.Entities.from_json_str(ENTITIES_JSON, ASKED_BY)
    policies = cedarpy.PolicySet.from_str(policy)
    results = cedarpy.is_authorized_batch(requests, policies, entities, ASKED_BY)
    return [request for request, result in zip(requests, results, strict=True) if result.allowed]


@settings(max_examples=300)
@given(policy=POLICIES)
def test_what_is_said_to_never_apply_applies_to_nobody(policy: str) -> None:
    """Whatever Cedar's validator lets through: everybody, every role, and all that matters of the context are tried."""
    (est,) = json.loads(cedarpy.policies_to_json_str(policy))["staticPolicies"].values()
    if cedarpy.validate_policies(policy, PARSED_SCHEMA).errors:
        return
    if impossible({"p": est}, PARSED_SCHEMA) or APPLICABILITY.problems(est, is_proved=False):
        assert applied_to(policy, is_served=False) == []
    elif not WITH_MAXIMA.requests(parts_of(est)):
        assert applied_to(policy, is_served=True) == []
