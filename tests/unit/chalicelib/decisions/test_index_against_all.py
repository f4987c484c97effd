"""The index leaves out nothing: a decision is what Cedar says, given all policies and roles. Sets of them at random.

Seeds are fixed, so that a failure comes back; each prints the set that failed.
"""

import json
import random
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import cedarpy
import pytest

from chalicelib.callers.caller import Caller
from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.decisions.decision import Circumstances, Decision
from chalicelib.decisions.entities import asked_entities, context_json, principal_json, role_json
from chalicelib.decisions.indexed_policy import IndexedPolicies
from chalicelib.roles.catalog import NOWHERE, Catalog
from chalicelib.roles.role import Role
from testing.cedar import SCHEMA

SEED: Final = "credvend"
DERIVED: Final = 5
SETS: Final = 20
HOME, AWAY = "111122223333", "444455556666"
ODD = 'o"d\\d\n\u00e9*'


def role_of(name: str, *groups: str, account: str = HOME) -> Role:
    plain = Role(name, f"arn:aws:iam::{account}:role/{name}", "", groups, 900, 3600, None, False, True, True)
    known = {HOME: ("home", ("prod", "dev")), AWAY: ("away", ("dev",))}
    return replace(plain, account_name=known[account][0], account_groups=known[account][1])


CATALOG = Catalog(
    (
        role_of("reader", "open", "all"),
        role_of("writer", "all"),
        role_of("deep.1", "open", account=AWAY),
        role_of("lone"),
        role_of("reader@away", "open", account=AWAY),
    )
)
ASKED = (*CATALOG.roles, NOWHERE)
CALLERS: tuple[Caller, ...] = (
    IamUser("aws", HOME, "/team/", "alice", "AIDAALICE"),
    IamRoleSession("aws", AWAY, "Dev", "alice@example.com", "AROA:alice@example.com"),
    FederatedUser("aws", HOME, "alice", f"{HOME}:alice"),
    OidcSubject("okta", "alice", ("dev", "ops", ODD), (("team", "red"), ("teams", ("red", "blue")))),
    OidcSubject("okta", ODD),
    OidcSubject("gitlab", "alice", ("dev",)),
    ServiceToken("alice", "ops", (("team", "red"),), "0"),
)
CIRCUMSTANCES = [
    Circumstances(900, "198.51.100.7", False, datetime(2026, 3, 4, 12, tzinfo=UTC)),
    Circumstances(
        3600,
        "2001:db8::1",
        True,
        datetime(2026, 3, 8, 12, tzinfo=UTC),
        reason="INC-7",
        params={"tenant": "acme"},
        tags={"Project": ODD},
        narrowed=True,
        format="container",
    ),
]
_TYPES = ("IamUser", "IamRole", "FederatedUser", "OidcSubject", "ServiceToken")


def text(value: str) -> str:
    """A string literal of Cedar, in which every character may stand."""
    return '"' + "".join(c if c.isascii() and c.isalnum() else f"\\u{{{ord(c):x}}}" for c in value) + '"'


PRINCIPALS = [f"{caller.entity.kind}::{text(caller.entity.id)}" for caller in CALLERS] + ['IamUser::"nobody"']
PARENTS = [f"{kind}::{text(name)}" for caller in CALLERS for kind, name in caller.entity.parents]
ROLES = [f"Role::{text(role.name)}" for role in ASKED] + ['Role::"elsewhere"']
GROUPS = [f"RoleGroup::{text(name)}" for name in ("open", "all", "none")]
GROUPS += [
    f'Account::"{HOME}"',
    f'Account::"{AWAY}"',
    'AccountGroup::"prod"',
    'AccountGroup::"dev"',
    'AccountGroup::"x"',
]
CONDITIONS = (
    "true",
    "false",
    "context.duration <= 1800",
    "context.has_reason",
    'principal.name == "alice"',
    f'principal in Account::"{HOME}"',
    'principal is OidcSubject && principal.hasTag("team") && principal.getTag("team").text == "red"',
    'context.source_ip.isInRange(ip("198.51.100.0/24"))',
    "resource.account == principal.account",
    'resource.account_name like "h*" || resource in AccountGroup::"dev"',
    'context has nonsense || resource.arn like "*writer"',
    'context has reason && context.reason like "INC-*"',
    'context.local.weekday == Weekday::"Sunday"',
    'context.local.time < duration("12h") || context.local.date like "*-03-04"',
    'context.params.hasTag("tenant") && context.params.getTag("tenant") == "acme"',
    f'context.tags.hasTag("Project") && context.tags.getTag("Project") == {text(ODD)}',
    '[context].containsAny([context]) && (context.narrowed || context.format == Format::"json")',
    # That cannot be evaluated, always or for some.
    "context.duration * 9223372036854775807 > 0",
    'principal.getTag("team").text == "red"',
    'context.tags.getTag("Project") == "x"',
    'ip("nonsense").isIpv4()',
    'if context.has_reason then principal.path == "/team/" else true',
)


def condition(rng: random.Random) -> str:
    role, other = rng.choice(ROLES), rng.choice(ROLES + GROUPS)
    about_roles = (
        f"{role} in {other}",
        f'{role}.account == "{HOME}"',
        f"[{role}, resource].contains(resource) && {role} has arn",
        f"resource in [{role}, {other}]",
        f"principal in [{rng.choice(PARENTS)}, {rng.choice(PRINCIPALS)}]",
    )
    return rng.choice(CONDITIONS if rng.random() < 0.6 else about_roles)


def policy(rng: random.Random, number: int) -> str:
    kind, role_or_group = rng.choice(_TYPES), rng.choice(ROLES + GROUPS)
    whom = rng.choice(PRINCIPALS + PARENTS)
    callers = ["principal", f"principal == {rng.choice(PRINCIPALS)}", f"principal in {whom}", f"principal is {kind}"]
    caller = rng.choice([*callers, f"principal is {kind} in {whom}"])
    action = rng.choice(("action", "action", 'action == Action::"AssumeRole"', 'action in [Action::"Other"]'))
    roles = ["resource", f"resource == {rng.choice(ROLES)}", f"resource in {role_or_group}", "resource is Role"]
    role = rng.choice([*roles, f"resource is Role in {role_or_group}", "resource is RoleGroup"])
    conditions = " ".join(
        f"{rng.choice(('when', 'unless'))} {{ {condition(rng)} }}" for _ in range(rng.choice((0, 0, 1, 1, 2)))
    )
    effect = rng.choice(("permit", "permit", "forbid"))
    return f'@id("p-{number}") {effect} ({caller}, {action}, {role}) {conditions};'


# Parsed once: it is what Cedar is told beside the policies.
PARSED_SCHEMA = cedarpy.Schema.from_str(SCHEMA)


def entities_of(caller: Caller, role: Role, circumstances: Circumstances) -> cedarpy.Entities:
    """The caller, what they ask for, and every role of the catalog, with the one that is asked for."""
    roles = {one.name: one for one in (*CATALOG.roles, role)}
    written = [principal_json(caller), *asked_entities(circumstances), *map(role_json, roles.values())]
    return cedarpy.Entities.from_json_str(json.dumps(written), PARSED_SCHEMA)


# By their places: those that all sets of policies are asked about.
QUESTIONS = [
    (
        caller,
        role,
        circumstances,
        {
            "principal": principal_json(caller)["uid"],
            "action": {"type": "Action", "id": "AssumeRole"},
            "resource": {"type": "Role", "id": role.name},
            "context": context_json(circumstances),
        },
        entities_of(caller, role, circumstances),
    )
    for caller in CALLERS
    for role in ASKED
    for circumstances in CIRCUMSTANCES
]


def decided_by_all(policies: cedarpy.PolicySet, request: dict[str, object], entities: cedarpy.Entities) -> Decision:
    """What Cedar says, given every policy and every role."""
    answer = cedarpy.is_authorized(request, policies, entities, PARSED_SCHEMA)
    # Cedar counts the policies, where we name them.
    errors = sorted(re.sub(r"`policy(\d+)`", r"`p-\1`", str(error)) for error in answer.diagnostics.errors)
    names = sorted(answer.diagnostics.id_annotations_by_reason.values())
    return Decision(answer.allowed and not errors, tuple(names), tuple(errors))


# General policies beside the others, where they are few; always; never. And with room for next to nothing.
LAYOUTS: Final = ((1024, 786_432), (10**9, 786_432), (0, 786_432), (1024, 1), (0, 1))


@pytest.mark.no_cover
@pytest.mark.parametrize("seed", [f"{SEED}-{number}" for number in range(DERIVED + 1)])
def test_a_decision_with_an_index_is_the_one_with_all_policies(seed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)  # noqa: S311 nothing secret hangs on it
    seen: Counter[str] = Counter()
    for number in range(SETS):
        few, kept = LAYOUTS[number % len(LAYOUTS)]
        monkeypatch.setattr("chalicelib.decisions.parsed_policies._FEW_CHARACTERS", few)
        monkeypatch.setattr("chalicelib.decisions.parsed_policies._KEPT_CHARACTERS", kept)
        monkeypatch.setattr("chalicelib.decisions.parsed_policies._KEPT_NAMED_CHARACTERS", kept)
        monkeypatch.setattr("chalicelib.decisions.role_entities._KEPT_CHARACTERS", kept)
        written = "\n".join(policy(rng, place) for place in range(rng.randint(0, 30)))
        everything = cedarpy.PolicySet.from_str(written)
        authorizer = Authorizer(IndexedPolicies.of(SCHEMA, written), CATALOG)
        for caller, role, circumstances, request, entities in QUESTIONS:
            expected = decided_by_all(everything, request, entities)
            found = authorizer.decide(caller, role, circumstances)
            assert found._replace(errors=tuple(sorted(found.errors))) == expected, (
                f"{caller} {role.name!r} {circumstances}, general policies beside up to {few}:\n{written}"
            )
            seen[f"{expected.allowed} {bool(expected.policies)} {bool(expected.errors)}"] += 1
    # Else nothing was compared: allowed, forbidden, denied by default, and each denial with an error.
    wanted = ("True True False", "False True False", "False False False", "False True True", "False False True")
    assert all(seen[kind] >= SETS for kind in wanted), seen
