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
