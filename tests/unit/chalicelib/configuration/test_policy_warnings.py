"""What in a valid policy is likely a mistake is told, and what is not is not."""

import json
from pathlib import Path

import cedarpy
import pytest

from chalicelib.callers.kinds import KINDS
from chalicelib.configuration.all_warnings import configuration_warnings
from chalicelib.configuration.policy_warnings import PolicyWarnings
from chalicelib.configuration.possible_requests import PossibleRequests
from chalicelib.configuration.source import read_source
from ops.environments import ROOT
from testing.policies import AWAY, HOME, catalog_and_issuers, configuration_directory

USERS = f'permit (principal is IamUser in Account::"{HOME}", action, resource)'
FORBID = "forbid (principal, action, resource)"
SUBJECTS = "permit (principal is OidcSubject, action, resource)"


def warnings(directory: Path, policy: str) -> list[str]:
    """What is odd about a policy, file and policy left out."""
    written = read_source(configuration_directory(directory, f'@id("p") {policy};'), allow_loopback_http=False)
    found = configuration_warnings(written)
    assert all(line.startswith("policies/a.cedar: policy p (line 1): ") for line in found)
    return [line.removeprefix("policies/a.cedar: policy p (line 1): ") for line in found]


@pytest.mark.parametrize(
    ("policy", "warning"),
    [
        # Whoever has written it has hardly meant everybody.
        (
            "permit (principal, action, resource)",
            "it asks nothing of the caller: whoever can prove who they are may have every",
        ),
        ('permit (principal, action, resource in RoleGroup::"open")', "may have these roles"),
        ("permit (principal, action, resource) when { context.has_reason }", "it asks nothing of the caller"),
        # A guard that guards nothing, in a policy that applies all the same.
        (
            f'{SUBJECTS} unless {{ principal.issuer == "otka" }}',
            '`principal.issuer == "otka"` is never true: issuers.yaml has',
        ),
        (
            f'{SUBJECTS} when {{ principal.issuer != "otka" }}',
            '`principal.issuer != "otka"` is always true: issuers.yaml has',
        ),
        (
            f'{FORBID} unless {{ principal is OidcSubject && principal.hasTag("env") }}',
            '`principal.hasTag("env")` is never true: issuers.yaml makes the tags amr, ref, team of claims',
        ),
        (
            f'{FORBID} unless {{ principal in OidcIssuer::"github" && principal.hasTag("team") }}',
            '`principal.hasTag("team")` is never true where the rest of it is',
        ),
        (
            f'{USERS} unless {{ resource.account == "999988887777" }}',
            f"is never true: the catalog has roles of {HOME}, {AWAY}",
        ),
        (
            f'{USERS} when {{ resource.account == "{AWAY}" || resource.arn like "*:role/prod/*" }}',
            "no role of the catalog has",
        ),
        (f'{USERS} unless {{ ["a/b"].contains(principal.name) }}', '`["a/b"].contains(principal.name)` is never true'),
        (
            f"{USERS} unless {{ context.duration > 7200 }}",
            "`context.duration > 7200` is never true: sessions last 900 to 3600",
        ),
        (
            f"{USERS} when {{ context.duration <= 7200 }}",
            "`context.duration <= 7200` is always true: sessions last 900 to 3600",
        ),
        (f"{USERS} when {{ 60 < context.duration }}", "`60 < context.duration` is always true: sessions last 900"),
        (
            'permit (principal is IamUser, action, resource == Role::"reader") unless { context.duration > 1800 }',
            "`context.duration > 1800` is never true where the rest of it is",
        ),
        (
            'forbid (principal, action, resource == Role::"reader") unless { context.duration <= 1800 }',
            "it applies to nobody now: its `unless` is always true where the rest of it is",
        ),
        # What the types alone decide.
        (f"{USERS} when {{ principal is IamUser }}", "`when { principal is IamUser }` restricts nothing"),
        (f"{USERS} when {{ true }}", "`when { true }` restricts nothing"),
        (f"{USERS} unless {{ principal is IamRole }}", "`principal is IamRole` is never true where the rest of it is"),
        # Wildcards where there are none.
        (
            f'{FORBID} when {{ principal is IamRole && principal.session_name == "x" || resource.arn == "*" }}',
            "only `like` knows",
        ),
        (
            f'{SUBJECTS} when {{ principal.subject == "repo:acme/*" }}',
            '`principal.subject == "repo:acme/*"` takes `*` for a',
        ),
        (f'{SUBJECTS} when {{ ["acme/*"].contains(principal.subject) }}', "only `like` knows wildcards"),
        (
            f'{FORBID} when {{ principal in OidcGroup::"okta:dev-*" }}',
            'OidcGroup::"okta:dev-*": in an id, `*` is a character',
        ),
        # What looks like something else.
        (
            f'{SUBJECTS} when {{ principal.subject == "\u0430dmin" }}',
            r"'\u0430dmin' mixes letters that look alike in one word",
        ),
        (
            f'{SUBJECTS} when {{ principal.subject == "a\u200bb" }}',
            r"'a\u200bb' holds ZERO WIDTH SPACE, which nobody sees",
        ),
        (f'{SUBJECTS} when {{ principal.subject == "\u202edev" }}', "holds RIGHT-TO-LEFT OVERRIDE"),
        # Time goes on.
        (
            f'{USERS} when {{ context.time < datetime("2024-01-01") || context.has_reason }}',
            "is never true: that is past",
        ),
        (f'{USERS} when {{ context.time < datetime("2024-01-01T00:00:00Z") }}', "is never true: that is past"),
    ],
)
def test_a_likely_mistake_is_told(tmp_path: Path, policy: str, warning: str) -> None:
    found = warnings(tmp_path, policy)
    assert [line for line in found if warning in line], found


@pytest.mark.parametrize(
    "policy",
    [
        USERS,
        FORBID,
        f"{FORBID} unless {{ context.has_reason }}",
        f"{USERS} when {{ context.duration <= 3600 && context.duration >= 900 }}",
        f'{USERS} when {{ context.time.toTime() < duration("24h") }}',
        'permit (principal, action, resource) when { principal is IamUser && principal.name == "alice" }',
        f'{SUBJECTS} when {{ principal.issuer == "okta" || principal.issuer == "github" }}',
        f'{SUBJECTS} when {{ principal.issuer == "okta" && principal.hasTag("amr") }}',
        f'{FORBID} when {{ principal.hasTag("env") }}',  # a tag of an API token
        f'{SUBJECTS} when {{ principal.subject like "repo:acme/*" }}',
        f'{SUBJECTS} when {{ principal.subject == "ана@example.com" || principal.subject == "büro" }}',
        f'{USERS} when {{ resource.account == "{HOME}" || resource.account == "{AWAY}" }}',
        f'{USERS} when {{ context.time < datetime("2999-01-01") && context.time > datetime("2024-01-01") }}',
        'permit (principal is IamUser, action, resource in RoleGroup::"open") unless { context.duration > 1800 }',
    ],
)
def test_what_is_likely_meant_is_not(tmp_path: Path, policy: str) -> None:
    assert warnings(tmp_path, policy) == []


def test_the_shipped_configuration_has_no_warning() -> None:
    assert configuration_warnings(read_source(ROOT / "chalicelib/config", allow_loopback_http=False)) == ()


def test_what_is_past_depends_on_the_clock() -> None:
    catalog, issuers = catalog_and_issuers()
    text = f'@id("p") {USERS} when {{ context.time < datetime("1970-01-02T00:00:01Z") }};'
    (policy,) = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"].values()
    possible = PossibleRequests(KINDS, issuers, catalog)
    assert list(PolicyWarnings(possible, now=86_400).at(policy)) == []
    assert list(PolicyWarnings(possible, now=86_401).at(policy)) != []
