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
            '`principal.hasTag("team")` is never true: issuers.yaml makes the tags ref of claims',
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
            f"{USERS} unless {{ context.duration > 86400 }}",
            "`context.duration > 86400` is never true: sessions last 1 to 43200",
        ),
        (
            f"{USERS} when {{ context.duration <= 86400 }}",
            "`context.duration <= 86400` is always true: sessions last 1 to 43200",
        ),
        (f"{USERS} when {{ -1 < context.duration }}", "`-1 < context.duration` is always true: sessions last 1 "),
        (
            'permit (principal is IamUser, action, resource == Role::"reader") unless { context.duration > 1800 }',
            '`context.duration > 1800` is never true where `resource == Role::"reader"` is',
        ),
        (
            'forbid (principal, action, resource == Role::"reader") unless { context.duration <= 1800 }',
            "it applies to nobody now: its `unless { context.duration <= 1800 }` is always true where "
            '`resource == Role::"reader"` is',
        ),
        # What the types alone decide.
        (f"{USERS} when {{ principal is IamUser }}", "`when { principal is IamUser }` restricts nothing"),
        (f"{USERS} when {{ true }}", "`when { true }` restricts nothing"),
        (
            f"{USERS} unless {{ principal is IamRole }}",
            "`principal is IamRole` is never true where `principal is IamUser` is",
        ),
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
        # What the roles that it is about do not take from callers: policies are asked before.
        (
            f'{FORBID} unless {{ context.tags.hasTag("Teams") && context.tags.getTag("Teams") == "prod" }}',
            '`context.tags.hasTag("Teams")` is never true: the roles that it is about have as `caller_tags` '
            "Environment, Team; did you mean Team?",
        ),
        (
            f'{FORBID} when {{ context.params.hasTag("tenants") && context.params.getTag("tenants") == "x" }}',
            "is never true: the roles that it is about have as `params` tenant; did you mean tenant?",
        ),
        (
            'forbid (principal, action, resource == Role::"reader") unless { context.tags.hasTag("Team") }',
            '`context.tags.hasTag("Team")` is never true: no role that it is about has `caller_tags`',
        ),
        (
            'forbid (principal, action, resource == Role::"deep") unless { context.params.hasTag("tenant") }',
            "is never true: no role that it is about has `params`",
        ),
        (
            f'{FORBID} when {{ context.params.hasTag("tenant") && context.params.getTag("tenant") == "ACME" }}',
            '`context.params.getTag("tenant") == "ACME"` is never true: no role that it is about takes such a value',
        ),
        (
            f'{FORBID} when {{ context.params.hasTag("tenant") && context.params.getTag("tenant") like "A*" }}',
            "no role that it is about takes such a value: look at its `pattern`",
        ),
        # Addresses.
        (
            f'{USERS} when {{ context.source_ip != ip("10.0.0.0/8") }}',
            '`context.source_ip != ip("10.0.0.0/8")` is always true: an address is never the same as a range',
        ),
        (
            f'{USERS} when {{ context.source_ip.isInRange(ip("10.0.0.5/8")) }}',
            '`ip("10.0.0.5/8")` is all of 10.0.0.0/8: write that, or `ip("10.0.0.5")` for the one address',
        ),
        (
            f'{USERS} when {{ context.source_ip.isInRange(ip("2001:db8::1/32")) }}',
            '`ip("2001:db8::1/32")` is all of 2001:db8::/32',
        ),
        (f"{FORBID} when {{ context.source_ip.isMulticast() }}", "no request comes from a multicast address"),
        # Hours, and what follows from something else.
        (
            f"{FORBID} unless {{ context.local.time.toHours() >= 22 && context.local.time.toHours() < 6 }}",
            "hours over midnight are written with `||`",
        ),
        (
            f"{USERS} when {{ context.local.time.toSeconds() < 90000 }}",
            "`context.local.time.toSeconds() < 90000` is always true: a day goes from 0h to 24h",
        ),
        (f"{USERS} when {{ context.duration + 1 < 86400 }}", "is always true: sessions last 1 to 43200"),
        (
            f"{FORBID} unless {{ context.has_reason && !(context has reason) }}",
            '`!(context has "reason")` is never true where `context.has_reason` is',
        ),
        # Time goes on.
        (f'{FORBID} when {{ context.local.date == "2020-12-24" }}', "is never true: that is past"),
        (f'{FORBID} when {{ context.local.date like "2020-*" }}', "is never true: that is past"),
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
        f'{FORBID} unless {{ context.tags.hasTag("Team") && context.tags.getTag("Team") == "red" }}',
        f'{FORBID} when {{ context.params.hasTag("tenant") && context.params.getTag("tenant") like "a*" }}',
        f'{FORBID} unless {{ context.source_ip.isInRange(ip("10.0.0.0/8")) || context.source_ip == ip("192.0.2.1") }}',
        f"{FORBID} when {{ context.local.time.toHours() < 24 && context.local.time.toHours() >= 0 }}",
        f'{FORBID} when {{ context.local.date == "2999-12-24" || context.local.date like "*-12-24" }}',
        f"{FORBID} unless {{ context.local.time.toHours() >= 22 || context.local.time.toHours() < 6 }}",
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


def test_a_date_is_past_when_it_is_so_everywhere() -> None:
    catalog, issuers = catalog_and_issuers()
    possible = PossibleRequests(KINDS, issuers, catalog)
    midnight = 1_798_156_800  # 2026-12-25, UTC

    def told(date: str, now: int) -> bool:
        text = f'@id("p") {FORBID} when {{ context.local.date == "{date}" }};'
        (policy,) = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"].values()
        return list(PolicyWarnings(possible, now=now).at(policy)) != []

    assert not told("2026-12-24", midnight + 86_399)
    assert told("2026-12-24", midnight + 86_400)
    assert told("2026-11-30", midnight) and told("2019-12-31", midnight)
    assert not any(
        told(date, midnight) for date in ("2026-12-25", "2026-12-31", "2027-01-01", "2030-01-01", "2999-01-01")
    )
