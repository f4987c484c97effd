"""What a policy compares with, and never is there, is told: patterns of other languages, values no claim has, UTC."""

import json
import re
from pathlib import Path

import cedarpy
import pytest

from chalicelib.configuration.all_warnings import configuration_warnings
from chalicelib.configuration.pattern_warnings import pattern_warnings
from chalicelib.configuration.source import read_source
from ops.environments import ROOT
from testing.documents import blocks_of
from testing.policies import ROLES_YAML, configuration_directory

GITHUB_CLAIMS = "repository, repository_id, repository_owner_id, ref, environment, event_name, base_ref"
ISSUERS = f"""
issuers:
  - name: github
    issuer: https://token.actions.githubusercontent.com
    audiences: [credvend]
    required_claims: {{repository_owner_id: "1"}}
    claims: {{{", ".join(f"{name}: {name}" for name in GITHUB_CLAIMS.split(", "))}}}
  - name: gitlab
    issuer: https://gitlab.com
    audiences: [credvend]
    required_claims: {{namespace_id: "1"}}
    claims: {{ref: ref, direct: groups_direct, project_path: project_path, sign_in: user_login, runner: runner_id}}
  - name: google
    issuer: https://accounts.google.com
    audiences: [credvend]
    required_claims: {{hd: example.com}}
    claims: {{verified: email_verified, email: email}}
  - name: own
    issuer: https://id.example.com
    audiences: [credvend]
    claims: {{team: team, ref: ref, direct: direct}}
"""
REASON = "permit (principal is IamUser, action, resource) when {{ context has reason && context.reason like {} }}"


def subject_of(issuer: str, condition: str) -> str:
    return f'permit (principal is OidcSubject in OidcIssuer::"{issuer}", action, resource) when {{ {condition} }}'


def tag(name: str, comparison: str) -> str:
    return f'principal.hasTag("{name}") && principal.getTag("{name}"){comparison}'


def warnings(directory: Path, policy: str, time_zone: str = "") -> list[str]:
    configuration_directory(directory, f'@id("p") {policy};')
    (directory / "issuers.yaml").write_text(ISSUERS)
    (directory / "roles.yaml").write_text(time_zone + ROLES_YAML)
    found = configuration_warnings(read_source(directory, allow_loopback_http=False))
    assert all(line.startswith("policies/a.cedar: policy p (line 1): ") for line in found)
    return [line.removeprefix("policies/a.cedar: policy p (line 1): ") for line in found]


@pytest.mark.parametrize(
    "pattern",
    [
        *('"INC-[0-9]+"', '"^INC-*"', '"INC-*$"', '".*"', '".*@example.com"', '"repo:acme/.*"', '"INC-.+"'),
        *(r'"INC-\\d+"', '"[A-Z]*"', '"[^/]*"', '"(a|b)*"', '"INC-[0-9]{4}"', '"(INC)+"', '"[0-9_-]*"', r'"\\w*"'),
    ],
)
def test_a_regular_expression_is_told_from_a_pattern(tmp_path: Path, pattern: str) -> None:
    (warning,) = warnings(tmp_path, REASON.format(pattern))
    assert warning.startswith("`context.reason like ") and "only `*` has a meaning" in warning


@pytest.mark.parametrize("pattern", ['"INC-????"', '"INC-%"', '"%INC"'])
def test_wildcards_of_shells_and_sql_are_told_from_cedars(tmp_path: Path, pattern: str) -> None:
    (warning,) = warnings(tmp_path, REASON.format(pattern))
    assert "only `*` has a meaning" in warning


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            '"INC-*"',
            '"*"',
            '"10.0.*"',
            '"system:serviceaccount:prod.*"',
            '"[INC-*]*"',
            '"[urgent]*"',
            '"* (see wiki)"',
        ),
        *('"why?"', '"100% sure*"', '"costs $5*"', '"a+b*"', '"*@example.com"', '"*{x}*"', r'"*\*"', '"app-.env"'),
    ],
)
def test_a_pattern_of_cedars_own_is_silently_taken(tmp_path: Path, pattern: str) -> None:
    assert warnings(tmp_path, REASON.format(pattern)) == []


@pytest.mark.parametrize(
    ("issuer", "condition", "words"),
    [
        (
            "github",
            tag("repository_owner_id", '.text == "acme"'),
            "GitHub Actions tokens never have that: it con",
        ),
        ("github", '"acme" == ' + tag("repository_id", ".text").partition(" && ")[2], "it consists of digits alone"),
        ("github", tag("ref", '.text == "main"'), "it begins with refs/, such as refs/heads/main"),
        ("github", tag("ref", '.text != "main"'), "it begins with refs/"),
        ("github", tag("ref", '.text like "heads/*"'), "it begins with refs/"),
        ("github", tag("repository_id", '.text like "acme*"'), "it consists of digits alone"),
        ("github", tag("repository", '.text == "app"'), "OWNER/NAME"),
        ("github", tag("base_ref", '.text == "refs/heads/main"'), "without refs/heads/"),
        ("github", '["refs/heads/main", "main"].contains(principal.getTag("ref").text)', "it begins with refs/"),
        ("github", tag("ref", '.values.contains("main")'), "it begins with refs/"),
        ("github", tag("ref", '.values.containsAny(["refs/heads/main", "main"])'), "it begins with refs/"),
        ("gitlab", tag("ref", '.text == "refs/heads/main"'), "GitLab tokens never have that: it has no refs/"),
        ("gitlab", tag("runner", '.text == "mine"'), "it is a number"),
        ("gitlab", tag("direct", '.text == "acme"'), 'write principal.getTag("direct").values.contains(...)'),
        ("google", tag("verified", '.text == "yes"'), "it is true or false"),
    ],
)
def test_a_value_that_a_known_claim_never_has_is_told(tmp_path: Path, issuer: str, condition: str, words: str) -> None:
    if "hasTag" not in condition:
        condition = 'principal.hasTag("ref") && principal.hasTag("repository_id") && ' + condition
    found = warnings(tmp_path, subject_of(issuer, condition))
    assert len(found) == 1 and words in found[0], found


@pytest.mark.parametrize(
    ("issuer", "condition"),
    [
        ("github", tag("repository_owner_id", '.text == "123"')),
        ("github", tag("ref", '.text like "refs/heads/release-*"')),
        ("github", tag("ref", '.text like "*/main"')),
        ("github", tag("ref", '.text like "r*"')),
        ("github", tag("environment", '.text == "production"')),
        ("github", tag("base_ref", '.text == "main"')),
        ("github", tag("repository", '.text like "acme/*"')),
        ("gitlab", tag("ref", '.text == "main"')),
        ("gitlab", tag("ref", '.text like "release/*"')),
        ("gitlab", tag("direct", '.values.contains("acme/dev")')),
        ("gitlab", tag("runner", '.text == "12"')),
        ("google", tag("verified", '.text == "true"')),
        # Nobody knows what it has.
        ("own", tag("ref", '.text == "main"')),
        ("own", tag("direct", '.text == "acme"')),
    ],
)
def test_a_value_that_a_claim_may_have_is_silently_taken(tmp_path: Path, issuer: str, condition: str) -> None:
    assert warnings(tmp_path, subject_of(issuer, condition)) == []


def test_a_value_that_one_of_several_issuers_may_give_is_silently_taken(tmp_path: Path) -> None:
    for value in ("main", "refs/heads/main"):
        condition = tag("ref", f'.text == "{value}"')
        policy = f"permit (principal is OidcSubject, action, resource) when {{ {condition} }}"
        assert warnings(tmp_path, policy) == []


OFFICE = 'forbid (principal, action, resource) unless {{ {} >= duration("9h") && {} < duration("17h") }}'


@pytest.mark.parametrize(
    ("asked", "local"),
    [("context.time.toTime()", "context.local.time"), ("context.time.toDate()", "context.local.date")],
)
def test_utc_is_told_from_the_time_of_the_catalogs_zone(tmp_path: Path, asked: str, local: str) -> None:
    policy = OFFICE.format("context.time.toTime()", "context.time.toTime()")
    if "Date" in asked:
        policy = 'forbid (principal, action, resource) unless { context.time.toDate() < datetime("2999-01-01") }'
    (warning,) = warnings(tmp_path, policy, "time_zone: Europe/Berlin")
    assert warning == f"`{asked}` is in UTC; in Europe/Berlin, it is {local}"


@pytest.mark.parametrize("time_zone", ["", "time_zone: UTC", "time_zone: Etc/UTC"])
def test_utc_is_fine_where_it_is_the_catalogs_time(tmp_path: Path, time_zone: str) -> None:
    assert warnings(tmp_path, OFFICE.format("context.time.toTime()", "context.time.toTime()"), time_zone) == []


def test_local_time_is_fine_everywhere(tmp_path: Path) -> None:
    policy = OFFICE.format("context.local.time", "context.local.time")
    assert warnings(tmp_path, policy, "time_zone: Europe/Berlin") == []
    assert (
        warnings(tmp_path, 'forbid (principal, action, resource) when { context.time > datetime("2999-01-01") }') == []
    )


def test_no_pattern_in_the_documents_is_taken_for_one_of_another_language() -> None:
    documents = sorted((ROOT / "docs").rglob("*.md"))
    blocks = [block for path in documents for block in blocks_of(path.read_text(encoding="utf-8"), "cedar")]
    patterns = {pattern for block in blocks for pattern in re.findall(r' like ("[^"]*")', block)}
    assert patterns
    for pattern in patterns:
        policy = f"{REASON.format(pattern)};"
        (parsed,) = json.loads(cedarpy.policies_to_json_str(policy))["staticPolicies"].values()
        assert list(pattern_warnings(parsed)) == []
