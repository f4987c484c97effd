"""A policy that names somebody or something that there cannot be is an error, wherever in it that is."""

from pathlib import Path

import pytest

from testing.policies import HOME, configuration_directory, load_problems, problems


@pytest.mark.parametrize(
    "place",
    [
        "forbid (principal in {}, action, resource);",
        "forbid (principal, action, resource) unless {{ principal in {} }};",
    ],
)
@pytest.mark.parametrize(
    ("entity", "problem"),
    [
        ('OidcGroup::"github:contractors"', "has no members: issuers.yaml names no `groups_claim` of issuer 'github'"),
        ('OidcGroup::"gitlab:contractors"', "must be the name of an issuer in issuers.yaml"),
        ('OidcGroup::"okta"', "must be the name of an issuer in issuers.yaml"),
        ('OidcIssuer::"otka"', "is not in issuers.yaml"),
        ('OidcIssuer::"*"', "is not in issuers.yaml; in an id, `*` is a character like any other"),
        (f'IamUser::"arn:aws:iam::{HOME}:user/dev-*"', "arn:aws:iam::ACCOUNT:user/PATH/NAME; in an id, `*` is"),
        (f'IamRole::"arn:aws:iam::{HOME}:role/*"', "arn:aws:iam::ACCOUNT:role/NAME; in an id, `*` is a character"),
        (f'FederatedUser::"arn:aws:sts::{HOME}:federated-user/*"', "a federated user is its ARN"),
        ('Account::"11122223333"', "an account is 12 digits, with all zeros at its beginning, and this is 11"),
        ('Account::"*"', "an account is 12 digits; in an id, `*` is a character"),
        ('ServiceToken::"ci-*"', "an API token is its name; in an id, `*` is a character"),
    ],
)
def test_a_caller_that_cannot_be_is_named(tmp_path: Path, entity: str, problem: str, place: str) -> None:
    (found,) = problems(tmp_path, f'@id("p") {place.format(entity)}')
    assert found.startswith(f"policies/a.cedar: policy p (line 1): {entity} ") and problem in found


@pytest.mark.parametrize("subject", [r"\u{200b}", r"a\u{202e}b", r"a\n", "   ", "a" * 1025])
def test_a_subject_whose_tokens_are_refused_can_be_nobody(tmp_path: Path, subject: str) -> None:
    (found,) = problems(tmp_path, f'@id("p") forbid (principal == OidcSubject::"okta:{subject}", action, resource);')
    assert "can be nobody: tokens whose subject is blank" in found and found.isprintable()


@pytest.mark.parametrize("group", [r"\u{200b}", r"a\u{202e}b", r"a\n", "   ", "a" * 1025])
def test_a_group_whose_name_is_left_out_of_tokens_can_have_no_member(tmp_path: Path, group: str) -> None:
    (found,) = problems(tmp_path, f'@id("p") forbid (principal in OidcGroup::"okta:{group}", action, resource);')
    assert "can have no member: groups whose names are blank" in found and found.isprintable()


def test_a_group_of_an_issuer_that_tells_of_groups_may_be_named(tmp_path: Path) -> None:
    assert problems(tmp_path, '@id("p") forbid (principal in OidcGroup::"okta:contractors", action, resource);') == []
    assert (
        problems(
            tmp_path, f'@id("p") forbid (principal == IamUser::"arn:aws:iam::{HOME}:user/a*/b", action, resource);'
        )
        == []
    )


def test_a_role_with_a_wildcard_gets_told_what_there_is_instead(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, '@id("p") forbid (principal, action, resource == Role::"prod-*");')
    assert "is not in the catalog" in found and "use a group of roles, or `like` on an attribute" in found


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ('forbid (principal in Team::"red", action, resource);', 'Team::"red" can be nobody and nothing'),
        ("forbid (principal is Robot, action, resource);", "it can never apply: `principal is Robot` is never true"),
        ('forbid (principal, action == Action::"Other", resource);', "it can never apply: `action == Action::"),
    ],
)
def test_what_only_a_schema_of_ones_own_knows_guards_nothing(tmp_path: Path, policy: str, problem: str) -> None:
    directory = configuration_directory(tmp_path, f'@id("p") {policy}')
    schema = directory / "schema.cedarschema"
    own = schema.read_text().replace("entity IamUser in [Account]", "entity Team;\nentity IamUser in [Account, Team]")
    own = own.replace("action AssumeRole", "entity Robot;\naction Other, AssumeRole").replace(
        "[IamUser,", "[IamUser, Robot,"
    )
    schema.write_text(own)
    (found,) = load_problems(directory)
    assert problem in found


@pytest.mark.parametrize(
    ("scope", "meant"),
    [
        ('principal, action, resource == Role::"raeder"', 'Role::"reader"'),
        ('principal, action, resource == Role::"Reader"', 'Role::"reader"'),
        (f'principal, action, resource == Role::"arn:aws:iam::{HOME}:role/team/writer"', 'Role::"writer"'),
        ('principal, action, resource == Role::"open"', 'RoleGroup::"open"'),
        ('principal, action, resource in RoleGroup::"opn"', 'RoleGroup::"open"'),
        ('principal, action, resource in RoleGroup::"deep"', 'Role::"deep"'),
        ('principal in OidcIssuer::"otka", action, resource', 'OidcIssuer::"okta"'),
        ('principal in OidcIssuer::"https://okta.example.com/", action, resource', 'OidcIssuer::"okta"'),
        ('principal in OidcGroup::"otka:dev", action, resource', 'OidcGroup::"okta:dev"'),
        ('principal in OidcGroup::"dev", action, resource', 'OidcGroup::"okta:dev"'),
        ('principal == OidcSubject::"gihub:me", action, resource', 'OidcSubject::"github:me"'),
        ('principal == OidcSubject::"https://okta.example.com:me", action, resource', 'OidcSubject::"okta:me"'),
        ('principal in Account::"1111-2222-3333", action, resource', 'Account::"111122223333"'),
        (
            f'principal == IamRole::"arn:aws:sts::{HOME}:assumed-role/ci/run", action, resource',
            f'IamRole::"arn:aws:iam::{HOME}:role/ci"',
        ),
        (
            f'principal == IamRole::"arn:aws:iam::{HOME}:role/path/ci", action, resource',
            f'IamRole::"arn:aws:iam::{HOME}:role/ci"',
        ),
        (
            f'principal == IamRole::"arn:aws:iam::{HOME}:user/me", action, resource',
            f'IamUser::"arn:aws:iam::{HOME}:user/me"',
        ),
    ],
)
def test_what_is_not_there_is_told_with_what_was_meant(tmp_path: Path, scope: str, meant: str) -> None:
    (found,) = problems(tmp_path, f'@id("p") forbid ({scope});')
    assert found.endswith(f"; did you mean {meant}?")


@pytest.mark.parametrize(
    "scope",
    [
        'principal, action, resource == Role::"quite-another"',
        'principal in OidcIssuer::"keycloak", action, resource',
        # Of which issuer, nothing tells.
        'principal == OidcSubject::"somebody", action, resource',
        f'principal == IamUser::"arn:aws:iam::{HOME}:group/dev", action, resource',
    ],
)
def test_nothing_is_guessed_where_nothing_is_near(tmp_path: Path, scope: str) -> None:
    (found,) = problems(tmp_path, f'@id("p") forbid ({scope});')
    assert "did you mean" not in found


@pytest.mark.parametrize(
    ("condition", "meant"),
    [
        ('principal is OidcSubject && principal.hasTag("taem")', "team"),
        ('principal is OidcSubject && principal.issuer == "otka"', "okta"),
        ('principal is OidcSubject && ["gihub"].contains(principal.issuer)', "github"),
        ('resource.account == "11112222333"', HOME),
        (f'resource.arn == "arn:aws:iam::{HOME}:role/raeder"', f"arn:aws:iam::{HOME}:role/reader"),
    ],
)
def test_a_text_that_nothing_has_is_told_with_what_was_meant(tmp_path: Path, condition: str, meant: str) -> None:
    (found,) = problems(tmp_path, f'@id("p") forbid (principal, action, resource) when {{ {condition} }};')
    assert "is never true" in found and found.endswith(f"; did you mean {meant}?")
