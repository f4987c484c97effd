"""No policy that could apply is refused as one that cannot: Cedar is asked about each request that there can be."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import product
from typing import NamedTuple, cast

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
from chalicelib.decisions.entities import asked_entities, context_json, principal_json, role_json
from chalicelib.roles.role import Role
from chalicelib.roles.session_rules import fits
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
# What the callers that there are might ask for. Tags and params of the first two are what the catalog's `writer` takes.
ASKED: list[tuple[Mapping[str, str], Mapping[str, str]]] = [
    ({"Team": "red"}, {"tenant": "acme"}),
    ({}, {"tenant": "zeta"}),
    ({"Other": "x"}, {"tenant": "ACME"}),
    ({}, {}),
]
ADDRESSES = ["198.51.100.7", "10.0.0.5", "127.0.0.1", "2001:db8::1"]
REASONS = [None, "INC-1", "x"]


def _circumstances(number: int, duration: int, time: datetime) -> Circumstances:
    tags, params = ASKED[number // 2 % len(ASKED)]
    reason = REASONS[number % len(REASONS)]
    return Circumstances(
        duration=duration,
        source_ip=ADDRESSES[number % len(ADDRESSES)],
        has_reason=reason is not None,
        time=time,
        reason=reason,
        tags=tags,
        params=params,
        narrowed=number % 5 == 0,
        format="json" if number % 5 == 0 or tags or number % 2 else "container",
    )


# All durations at all times; and of the rest, which is as large together, some.
CIRCUMSTANCES = [_circumstances(number, *two) for number, two in enumerate(product((900, 1800, 1801, 3600) * 2, TIMES))]
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
UNITS = st.sampled_from(["toHours", "toMinutes", "toDays"])
SETS = st.sampled_from(["containsAny", "containsAll"])
RANGES = st.sampled_from(
    [
        "10.0.0.0/8",
        "10.0.0.5/8",
        "10.0.0.5",
        "10.1.0.0/16",
        "198.51.100.0/24",
        "0.0.0.0/0",
        "127.0.0.1",
        "::/0",
        "2001:db8::/32",
    ]
)
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
    st.tuples(st.sampled_from(["context.local.time", "context.time.toTime()"]), ORDERS, HOURS).map(
        lambda three: f'{three[0]} {three[1]} duration("{three[2]}")'
    ),
    st.tuples(UNITS, ORDERS, st.sampled_from([-1, 0, 1, 12, 23, 24, 720, 1439, 1440])).map(
        lambda three: f"context.local.time.{three[0]}() {three[1]} {three[2]}"
    ),
    st.tuples(
        st.sampled_from(
            ["context.duration + {}", "{} - context.duration", "context.duration * {}", "-context.duration"]
        ),
        st.sampled_from([0, 1, -1, 2, 900, 3600, 9223372036854775807]),
        ORDERS,
        st.sampled_from(["0", "1800", "-900", "3600 + 1", "900 * 2", "-(3600)", "9223372036854775807 + 1"]),
    ).map(lambda four: f"{four[0].format(four[1])} {four[2]} {four[3]}"),
    st.tuples(st.sampled_from(["1h", "-1h", "48h"]), ORDERS, st.sampled_from(["2026-03-01", "2026-03-05"])).map(
        lambda three: f'context.time.offset(duration("{three[0]}")).toDate() {three[1]} datetime("{three[2]}")'
    ),
    st.tuples(ORDERS, st.sampled_from([-1, 0, 3, 4])).map(
        lambda two: f'context.time.durationSince(datetime("2026-03-01")).toDays() {two[0]} {two[1]}'
    ),
    RANGES.map('context.source_ip.isInRange(ip("{}"))'.format),
    st.tuples(st.sampled_from(["==", "!="]), RANGES).map(lambda two: f'context.source_ip {two[0]} ip("{two[1]}")'),
    st.tuples(RANGES, RANGES).map(lambda two: f'[ip("{two[0]}"), ip("{two[1]}")].contains(context.source_ip)'),
    RANGES.map('ip("{}").isInRange(context.source_ip)'.format),
    st.sampled_from(["isIpv4", "isIpv6", "isLoopback", "isMulticast"]).map("context.source_ip.{}()".format),
    st.sampled_from(["2026-03-01", "2026-03-04", "2026-13-40", "24.12.2026"]).map('context.local.date == "{}"'.format),
    st.sampled_from(["*-03-0*", "24.12.*", "2026-*", "*-13-*", "*4", "2026-03-04"]).map(
        'context.local.date like "{}"'.format
    ),
    st.tuples(st.sampled_from(["==", "!="]), st.sampled_from(["Sunday", "Monday", "Wednesday"])).map(
        lambda two: f'context.local.weekday {two[0]} Weekday::"{two[1]}"'
    ),
    st.sampled_from(['[Weekday::"Sunday", Weekday::"Monday"]', 'Weekday::"Wednesday"']).map(
        "context.local.weekday in {}".format
    ),
    st.sampled_from(["INC-*", "*-1", "x", "*", " *", ""]).map(
        '(context has reason && context.reason like "{}")'.format
    ),
    st.sampled_from(["Team", "Other", "Nobody"]).map('context.tags.hasTag("{}")'.format),
    st.sampled_from(["tenant", "tenants"]).map('context.params.hasTag("{}")'.format),
    st.tuples(st.sampled_from(["==", "like"]), st.sampled_from(["acme", "ACME", "A*", "*a"])).map(
        lambda two: f'(context.params.hasTag("tenant") && context.params.getTag("tenant") {two[0]} "{two[1]}")'
    ),
    st.sampled_from(
        ["context has reason", "context.narrowed", 'context.format == Format::"container"', "context.narrowed == false"]
    ),
    st.tuples(ATTRIBUTES, SETS, TEXTS, TEXTS).map(
        lambda four: f'(principal has {four[0]} && [principal.{four[0]}, "x"].{four[1]}(["{four[2]}", "{four[3]}"]))'
    ),
    st.tuples(ATTRIBUTES, TEXTS).map(
        lambda two: f'(principal has {two[0]} && [principal.{two[0]}].contains("{two[1]}"))'
    ),
    st.tuples(ATTRIBUTES, TEXTS).map(
        lambda two: (
            f'(principal has {two[0]} && (if context.has_reason then principal.{two[0]} else "x") == "{two[1]}")'
        )
    ),
    st.tuples(ATTRIBUTES, TEXTS).map(
        lambda two: f'(principal has {two[0]} && (principal.{two[0]} == "{two[1]}") == false)'
    ),
    st.tuples(st.sampled_from(["AROA*", "AIDA*", "*:alice", "*:*", "1*:*", "AROA:alice", "AIDABOB"])).map(
        lambda one: f'(principal has principal_id && principal.principal_id like "{one[0]}")'
    ),
    st.tuples(SETS, st.sampled_from(['"pwd"', '"x", "mfa"'])).map(
        lambda two: (
            f'(principal is OidcSubject && principal.hasTag("amr") && '
            f'principal.getTag("amr").values.{two[0]}([{two[1]}]))'
        )
    ),
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


class Served(NamedTuple):
    """A request, and whether the service goes on with it where a policy lets it.

    Attributes:
        context: each attribute as JSON, by its name.
    """

    is_served: bool
    principal: Mapping[str, object]
    role: str
    context: Mapping[str, str]


def _is_served(role: Role, circumstances: Circumstances) -> bool:
    """Whether the role takes what is asked for: what policies are asked before."""
    rules = role.session_rules
    return (
        circumstances.duration <= role.max_duration
        and circumstances.tags.keys() <= set(rules.caller_tags)
        and circumstances.params.keys() == rules.params.keys()
        and all(fits(param, circumstances.params[name]) for name, param in rules.params.items())
    )


# By what is asked for: tags and params are entities.
REQUESTS: list[tuple[cedarpy.Entities, list[Served]]] = [
    (
        cedarpy.Entities.from_json_str(
            json.dumps(
                [
                    *map(role_json, CATALOG.roles),
                    *map(principal_json, CALLERS),
                    *asked_entities(CIRCUMSTANCES[0]._replace(tags=tags, params=params)),
                ]
            ),
            ASKED_BY,
        ),
        [
            Served(
                _is_served(role, circumstances),
                cast(Mapping[str, object], principal_json(caller)["uid"]),
                role.name,
                {name: json.dumps(value) for name, value in context_json(circumstances).items()},
            )
            for caller, role, circumstances in product(CALLERS, CATALOG.roles, CIRCUMSTANCES)
            if (circumstances.tags, circumstances.params) == (tags, params)
        ],
    )
    for tags, params in ASKED
]


NAMES = sorted({name for _, several in REQUESTS for one in several for name in one.context})


def applied_to(policy: str, is_served: bool) -> list[object]:
    """The requests that Cedar applies a policy to; `is_served`: those alone that the roles take.

    What costs time is the context, which is read anew for each request. It has those attributes alone that the policy
    names: it cannot see another one. Of requests that are the same then, one is put to Cedar.
    """
    policies = cedarpy.PolicySet.from_str(policy)
    seen = [name for name in NAMES if name in policy]
    found: list[object] = []
    for entities, several in REQUESTS:
        asked: dict[tuple[str, ...], dict[str, object]] = {}
        for one in several:
            if one.is_served or not is_served:
                told = ",".join(f'"{name}":{one.context[name]}' for name in seen if name in one.context)
                context = f"{{{told}}}"
                asked[str(one.principal), one.role, context] = {
                    "principal": one.principal,
                    "action": {"type": "Action", "id": "AssumeRole"},
                    "resource": {"type": "Role", "id": one.role},
                    "context": context,
                }
        requests = list(asked.values())
        results = cedarpy.is_authorized_batch(requests, policies, entities)
        found += [request for request, result in zip(requests, results, strict=True) if result.allowed]
    return found


@settings(max_examples=300, deadline=None)
@given(policy=POLICIES)
def test_what_is_said_to_never_apply_applies_to_nobody(policy: str) -> None:
    """Whatever Cedar's validator lets through: everybody, every role, and all that matters of the context are tried."""
    (est,) = json.loads(cedarpy.policies_to_json_str(policy))["staticPolicies"].values()
    if cedarpy.validate_policies(policy, PARSED_SCHEMA).errors:
        return
    if impossible({"p": policy}, PARSED_SCHEMA) or APPLICABILITY.problems(est, is_proved=False):
        assert applied_to(policy, is_served=False) == []
    elif not WITH_MAXIMA.requests(parts_of(est)):
        assert applied_to(policy, is_served=True) == []
