"""A placeholder that nobody who may have the role has a value for is told; one that somebody may have is not."""

from pathlib import Path

import pytest

from chalicelib.configuration.source import read_source
from chalicelib.configuration.template_warnings import template_warnings
from testing.policies import HOME, configuration_directory

ROLE = f"""
roles:
  - {{name: plain, arn: "arn:aws:iam::{HOME}:role/plain"}}
  - name: data
    arn: arn:aws:iam::{HOME}:role/data
    tags: {{Team: "%s"}}
"""
OKTA, GITHUB = 'principal is OidcSubject in OidcIssuer::"okta"', 'principal is OidcSubject in OidcIssuer::"github"'
SUBJECTS, TOKENS, USERS = "principal is OidcSubject", "principal is ServiceToken", "principal is IamUser"


def warnings(directory: Path, template: str, *permits: str, also: str = "") -> list[str]:
    text = "".join(f'@id("p{n}") permit ({who}, action, resource);\n' for n, who in enumerate(permits))
    configuration_directory(directory, text + also)
    (directory / "roles.yaml").write_text(ROLE % template)
    found = list(template_warnings(read_source(directory, allow_loopback_http=False)))
    assert all(line.startswith("roles.yaml: role 'data' (line 4): ") for line in found)
    return [line.removeprefix("roles.yaml: role 'data' (line 4): ") for line in found]


@pytest.mark.parametrize(
    ("template", "permits", "words"),
    [
        ("${claims.taem}", [SUBJECTS], "no issuer makes it in its `claims`; did you mean ${claims.team}?"),
        ("${claims.tenant}", [SUBJECTS], "${claims.tenant} has no value for anybody who may have the role: no issuer"),
        ("a-${claims.team}", [GITHUB], "no issuer of those that may have the role makes it in its `claims`"),
        ("${claims.team}", [USERS], "has no value for anybody who may have the role"),
        (
            "${claims.taem}",
            ["principal"],
            "only API tokens with such a tag could have the role; did you mean ${claims.t",
        ),
        ("${caller.account}", [SUBJECTS], "${caller.account} is of callers that sign alone"),
        ("${caller.account}", [TOKENS], "is of callers that sign alone, and none of them may have the role"),
    ],
)
def test_a_placeholder_without_a_value_is_told(tmp_path: Path, template: str, permits: list[str], words: str) -> None:
    (warning,) = warnings(tmp_path, template, *permits)
    assert words in warning


@pytest.mark.parametrize(
    ("template", "permits"),
    [
        ("${claims.team}", [SUBJECTS]),
        ("${claims.team}", [OKTA, GITHUB]),
        ("${claims.tenant}", [TOKENS]),
        ("${claims.taem}", [TOKENS]),
        ("${claims.tenant}", ["principal"]),
        ("${caller.account}", [USERS, SUBJECTS]),
        ("${caller.name}-${caller.session_name}", [SUBJECTS]),
        ("fixed", [SUBJECTS]),
    ],
)
def test_a_placeholder_that_somebody_may_fill_is_silently_taken(
    tmp_path: Path, template: str, permits: list[str]
) -> None:
    assert warnings(tmp_path, template, *permits) == []


def test_a_role_that_nobody_may_have_yet_is_left_alone(tmp_path: Path) -> None:
    other = '@id("other") permit (principal is IamUser, action, resource == Role::"plain");'
    assert warnings(tmp_path, "${claims.tenant}", also=other) == []
