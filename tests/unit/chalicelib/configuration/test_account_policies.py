"""Policies may speak of the accounts of roles by number, name and group; of one that there is not, they are told."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chalicelib.callers.iam_user import IamUser
from chalicelib.configuration.all_warnings import configuration_warnings
from chalicelib.configuration.source import read_source
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.decisions.decision import Circumstances
from chalicelib.decisions.entities import ACCOUNT, ACCOUNT_GROUP, ACCOUNT_NAME
from chalicelib.errors import ConfigError
from testing.app import write_config
from tests.unit.chalicelib.configuration.test_many_accounts import ACCOUNTS, READONLY

ROLES = "roles:\n" + READONLY % "all" + "  - {name: plain, arn: 'arn:aws:iam::777788889999:role/plain', groups: [g]}\n"
ALICE = IamUser("aws", "111122223333", "/", "alice", "AIDAALICE")
CIRCUMSTANCES = Circumstances(900, "198.51.100.7", False, datetime(2026, 3, 4, 12, tzinfo=UTC))
PERMIT = '@id("p") permit (principal is IamUser, action, resource%s) %s;'


def config(directory: Path, scope: str = "", condition: str = "", accounts: str | None = ACCOUNTS) -> Path:
    written = write_config(directory, ROLES, PERMIT % (scope, condition))
    if accounts is not None:
        (directory / "accounts.yaml").write_text(accounts)
    else:
        (directory / "roles.yaml").write_text("roles: [{name: plain, arn: 'arn:aws:iam::777788889999:role/plain'}]")
    return written


def allowed(directory: Path) -> list[str]:
    configuration = read_source(directory, False).configuration
    return [
        role.name
        for role in configuration.catalog.roles
        if configuration.authorizer.decide(ALICE, role, CIRCUMSTANCES).allowed
    ]


def problem(directory: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        read_source(directory, False)
    (line,) = raised.value.problems
    return line


DATA, PROD, DEV = ["readonly@data", "plain"], ["readonly@payments-prod"], ["readonly@payments-dev"]


@pytest.mark.parametrize(
    ("scope", "condition", "roles"),
    [
        (' in Account::"777788889999"', "", DATA),
        (' in AccountGroup::"payments"', "", PROD + DEV),
        (' in AccountGroup::"prod"', 'unless { resource.account_name == "data" }', PROD),
        ("", 'when { resource in Account::"444455556666" || resource in AccountGroup::"prod" }', PROD + DEV + DATA),
        ("", 'when { resource.account_name like "payments-*" }', PROD + DEV),
        (' == Role::"readonly@payments-dev"', "", DEV),
        ("", 'when { Role::"plain" in Account::"777788889999" && resource == Role::"plain" }', ["plain"]),
        (' in RoleGroup::"g"', "", ["plain"]),
    ],
)
def test_policies_speak_of_accounts(tmp_path: Path, scope: str, condition: str, roles: list[str]) -> None:
    assert allowed(config(tmp_path, scope, condition)) == roles


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (' in Account::"payments-prod"', 'an account is 12 digits; did you mean Account::"111122223333"?'),
        (' in Account::"paymentsprod"', 'an account is 12 digits; did you mean Account::"111122223333"?'),
        (' in Account::"payments"', 'an account is 12 digits; did you mean AccountGroup::"payments"?'),
        (' in AccountGroup::"paymets"', 'accounts.yaml names them; did you mean AccountGroup::"payments"?'),
        (' in AccountGroup::"data"', 'accounts.yaml names them; did you mean Account::"777788889999"?'),
        (' in AccountGroup::"g"', 'accounts.yaml names them; did you mean RoleGroup::"g"?'),
        (' in RoleGroup::"prod"', 'of any role in the catalog; did you mean AccountGroup::"prod"?'),
        (' == Role::"readonly@payments-prd"', 'did you mean Role::"readonly@payments-prod"?'),
        (' in Account::"999988887777"', "it can never apply"),
    ],
)
def test_an_account_that_there_is_not_is_told_with_what_is_meant(tmp_path: Path, scope: str, words: str) -> None:
    assert words in problem(config(tmp_path, scope))


def test_a_name_that_no_account_has_never_applies(tmp_path: Path) -> None:
    line = problem(config(tmp_path, condition='when { resource.account_name == "payments-prd" }'))
    assert "the catalog has roles in data, payments-dev, payments-prod; did you mean payments-prod?" in line


def test_without_accounts_there_are_no_names(tmp_path: Path) -> None:
    line = problem(config(tmp_path, condition='when { resource.account_name == "data" }', accounts=None))
    assert "is never true: there is no accounts.yaml, which gives accounts their names" in line


def test_an_account_needs_no_name_to_be_one(tmp_path: Path) -> None:
    assert allowed(config(tmp_path, ' in Account::"777788889999"', accounts=None)) == ["plain"]


def test_what_a_policy_says_of_accounts_is_no_likely_mistake(tmp_path: Path) -> None:
    written = read_source(
        config(tmp_path, ' in AccountGroup::"prod"', 'when { resource.account_name == "data" }'), False
    )
    assert configuration_warnings(written) == ()


def facts(directory: Path) -> frozenset[str]:
    return read_source(directory, False).indexed.role_facts


def test_decisions_are_told_only_what_policies_may_look_at(tmp_path: Path) -> None:
    assert facts(config(tmp_path / "a")) == {ACCOUNT_NAME}
    assert facts(config(tmp_path / "b", ' in Account::"777788889999"')) == {ACCOUNT_NAME, ACCOUNT}
    group = 'unless { resource in AccountGroup::"prod" }'
    assert facts(config(tmp_path / "c", condition=group)) == {ACCOUNT_NAME, ACCOUNT_GROUP}


def old_schema(directory: Path) -> Path:
    path = directory / "schema.cedarschema"
    lines = path.read_text().splitlines(keepends=True)
    kept = "".join(line for line in lines if "account_name" not in line and "entity AccountGroup" not in line)
    path.write_text(kept.replace("[RoleGroup, Account, AccountGroup]", "[RoleGroup]"))
    return directory


def test_a_schema_that_is_older_than_accounts_goes_on_as_it_is(tmp_path: Path) -> None:
    directory = old_schema(config(tmp_path, ' in RoleGroup::"g"'))
    assert allowed(directory) == ["plain"] and facts(directory) == frozenset()
    assert isinstance(read_source(directory, False).configuration.authorizer, Authorizer)


@pytest.mark.parametrize(
    ("scope", "condition"),
    [
        (' in Account::"777788889999"', ""),
        (' in AccountGroup::"prod"', ""),
        ("", 'when { resource.account_name == "data" }'),
    ],
)
def test_and_a_policy_that_speaks_of_what_it_does_not_know_is_an_error(
    tmp_path: Path, scope: str, condition: str
) -> None:
    assert problem(old_schema(config(tmp_path, scope, condition))).startswith("policies/all.cedar: policy p (line 1")
