"""A policy that can never apply is an error that says why; one that may apply is none."""

from pathlib import Path

import pytest

from testing.policies import AWAY, HOME, problems

ALICE = f'principal == IamUser::"arn:aws:iam::{HOME}:user/alice"'
NEVER = [
    # The values that an attribute has.
    (
        'when { principal is OidcSubject && principal.issuer == "otka" }',
        '"otka"` is never true: issuers.yaml has github',
    ),
    ('when { principal has issuer && principal.issuer like "ok-*" }', "is never true: issuers.yaml has github, okta"),
    ('when { principal has issuer && ["otka", "gitlab"].contains(principal.issuer) }', "issuers.yaml has github, okta"),
    ('when { "otka" == principal.issuer }', 'issuer` is never true|"otka"` is never true', "principal is OidcSubject"),
    ('when { resource.account == "999988887777" }', f"the catalog has roles of {HOME}, {AWAY}"),
    ('when { resource.arn == "arn:aws:iam::111122223333:role/Reader" }', "no role of the catalog has such an ARN"),
    ('when { resource.arn like "*:role/prod-*" }', "no role of the catalog has such an ARN"),
    (f'when {{ !(resource.account == "{HOME}") && resource.account != "{AWAY}" }}', "is never true|contradict|`when`"),
    (f'when {{ principal.account == "{HOME[:-1]}" }}', "is never true", "principal is IamUser"),
    ('when { principal.name == "team/alice" }', "is never true", "principal is IamUser"),
    ('when { principal.path == "/team" }', "is never true", "principal is IamUser"),
    # What can be asked.
    ("when { context.duration > 7200 }", "`context.duration > 7200` is never true: sessions last 900 to 3600 seconds"),
    ("when { context.duration < 900 }", "sessions last 900 to 3600"),
    ("when { 60 >= context.duration }", "sessions last 900 to 3600"),
    ("when { context.duration == 15 }", "sessions last 900 to 3600"),
    ("unless { context.duration <= 7200 }", "its `unless` is always true"),
    ('when { context.time.toTime() >= duration("24h") }', "a day goes from 0h to 24h"),
    ('when { context.time.toTime() >= duration("22h") && context.time.toTime() < duration("6h") }', "where the rest"),
    ('when { context.time > datetime("2030-01-01") && context.time < datetime("2029-01-01") }', "where the rest"),
    # Tags.
    ('when { principal is OidcSubject && principal.hasTag("env") }', "makes the tags amr, ref, team of claims"),
    ('when { principal.hasTag("amr") }', "is never true", 'principal in OidcIssuer::"github"'),
    ('when { principal has issuer && principal.issuer == "github" && principal.hasTag("team") }', "where the rest"),
    ('when { principal.hasTag("amr") }', "is never true", "principal is IamRole"),
    # Contradictions, and what is always so.
    ('when { principal.owner == "x" && principal.owner == "y" }', "where the rest", "principal is ServiceToken"),
    (
        'when { principal.owner == "x" } unless { principal.owner like "*" }',
        "its `unless` is always true where the rest of it is",
        "principal is ServiceToken",
    ),
    ("when { context.has_reason && !context.has_reason }", "where the rest"),
    ("when { context.has_reason } unless { context.has_reason }", "`unless` is always true where the rest of it is"),
    ("when { false }", "its `when` is never true|`false` is never true"),
    ("unless { true }", "its `unless` is always true"),
    ("when { 1 == 2 }", "is never true"),
    (f'when {{ principal.account == "{AWAY}" }}', "where the rest", ALICE),
    ('when { principal.name == "bob" }', "where the rest", ALICE),
    (f'when {{ principal in Account::"{AWAY}" }}', "where the rest", f'principal is IamRole in Account::"{HOME}"'),
    # Types.
    ("when { principal is OidcSubject }", "`principal is OidcSubject` is never true", "principal is IamUser"),
    ('when { principal has issuer && principal.issuer == "okta" }', "is never true", "principal is IamUser"),
    ('when { principal in OidcGroup::"okta:dev" }', "is never true", "principal is IamUser"),
    ("unless { principal is IamUser }", "`unless` is always true", "principal is IamUser"),
    ("when { principal is IamUser && principal is IamRole }", "`principal is IamRole` is never true where the rest"),
    ("when { resource is RoleGroup }", "is never true"),
]


@pytest.mark.parametrize("effect", ["permit", "forbid"])
@pytest.mark.parametrize("case", NEVER, ids=lambda case: case[0])
def test_a_policy_that_can_never_apply_is_an_error(tmp_path: Path, case: tuple[str, ...], effect: str) -> None:
    conditions, why, scope = (*case, "principal")[:3]
    found = problems(tmp_path, f'@id("never") {effect} ({scope}, action, resource) {conditions};')
    assert len(found) == 1, found
    assert found[0].startswith("policies/a.cedar: policy never (line 1): it can never apply: ")
    assert any(words in found[0] for words in why.split("|")), found[0]


MAY = [
    ('when { principal is OidcSubject && principal.issuer == "okta" }', "principal"),
    ('when { principal has issuer && principal.issuer like "o*a" && principal.hasTag("amr") }', "principal"),
    ('unless { principal is OidcSubject && principal.issuer == "otka" }', "principal"),
    (f'when {{ resource.account == "{AWAY}" || resource.account == "{HOME}" }}', "principal"),
    ("when { context.duration > 1800 && context.duration <= 3600 }", "principal"),
    ("when { context.duration >= 3600 } unless { context.duration > 3600 }", "principal"),
    ('unless { context.time.toTime() >= duration("6h") && context.time.toTime() < duration("22h") }', "principal"),
    ('when { principal.hasTag("env") }', "principal is ServiceToken"),
    ('when { !principal.hasTag("amr") }', 'principal in OidcIssuer::"okta"'),
    ('when { !(principal in OidcGroup::"okta:dev") }', 'principal in OidcIssuer::"okta"'),
    (f'when {{ principal.account == "{HOME}" && principal.name == "alice" }}', ALICE),
    (f'when {{ principal in [Account::"{HOME}", Account::"{AWAY}"] }}', ALICE),
    ('when { principal.name like "*" && principal.path != "/team/" }', "principal is IamUser"),
    ('when { principal.session_name like "*@example.com" }', "principal is IamRole"),
    (
        'when { principal.hasTag("amr") && principal.getTag("amr").values.contains("a") }',
        'principal in OidcGroup::"okta:a"',
    ),
]


@pytest.mark.parametrize(("conditions", "scope"), MAY)
def test_a_policy_that_may_apply_is_none(tmp_path: Path, conditions: str, scope: str) -> None:
    assert problems(tmp_path, f'@id("may") forbid ({scope}, action, resource) {conditions};') == []
