"""Accounts of one file or of several: every problem at once, with file and line; of what is there twice, both."""

from pathlib import Path

import pytest

from chalicelib.configuration.accounts_file import read_accounts
from chalicelib.errors import ConfigError
from chalicelib.roles.account import Account

GOOD = """
accounts:
  - {id: "111122223333", name: payments-prod, groups: [payments, prod], owner: payments@example.com}
  - {id: "000055556666", name: cn, partition: aws-cn}
"""


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        path = directory / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.with_suffix(".yaml").write_text(text)
    return directory


def problems(directory: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read_accounts(directory)
    return raised.value.problems


def test_accounts_have_ids_names_partitions_groups_and_owners(tmp_path: Path) -> None:
    read = read_accounts(write(tmp_path, accounts=GOOD))
    assert read.accounts == (
        Account("111122223333", "payments-prod", "aws", ("payments", "prod")),
        Account("000055556666", "cn", "aws-cn"),
    )
    assert read.owners == {"111122223333": "payments@example.com", "000055556666": ""}
    assert read.by_id["000055556666"] is read.accounts[1]


def test_a_configuration_may_have_none(tmp_path: Path) -> None:
    assert read_accounts(tmp_path).accounts == ()
    assert read_accounts(write(tmp_path, accounts="accounts: []")).accounts == ()


def test_each_owner_may_have_a_file(tmp_path: Path) -> None:
    directory = write(
        tmp_path,
        accounts=GOOD,
        accounts__b="accounts: [{id: '222222222222', name: b}]",
        accounts__team__a="accounts: [{id: '333333333333', name: a}]",
    )
    (directory / "accounts/.hidden").write_text("x")
    assert [one.name for one in read_accounts(directory).accounts] == ["payments-prod", "cn", "b", "a"]
    (directory / "accounts.yaml").unlink()
    assert [one.name for one in read_accounts(directory).accounts] == ["b", "a"]


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (
            "{id: 111122223333, name: a}",
            "account 'a' (line 3): `id` must be a text, and is a whole number: write it in",
        ),
        ("{id: '1111-2222-3333', name: a}", "account 'a' (line 3): `id` must be 12 digits"),
        ("{name: a}", "account 'a' (line 3): lacks the required field `id`"),
        ("{id: '111122223333'}", "account number 1 (line 3): lacks the required field `name`"),
        ("{id: '111122223333', name: 'a@b'}", "`name` must be at most 64 letters, digits"),
        ("{id: '111122223333', name: '444455556666'}", "and not 12 digits"),
        ("{id: '111122223333', name: a, partition: aws-xy}", "`partition` must be one of aws, aws-cn"),
        ("{id: '111122223333', name: a, groups: payments}", "`groups` must be a list, and is a text: put it in"),
        ("{id: '111122223333', name: a, group: [x]}", "has an unknown field `group`: did you mean `groups`? The keys"),
        ("payments-prod", "account number 1 (line 3): "),
    ],
)
def test_what_is_wrong_with_an_account_is_told_with_its_line(tmp_path: Path, entry: str, line: str) -> None:
    (found,) = problems(write(tmp_path, accounts=f"\naccounts:\n  - {entry}\n"))
    assert found.startswith("accounts.yaml: account ") and line in found


def test_every_problem_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    directory = write(
        tmp_path,
        accounts="accounts:\n  - id: '1'\n    name: a\n    owner: [x]\n  - {id: '111122223333', name: b}\n",
        accounts__b="accounts:\n  - {id: '111122223333', name: c}\n  - id: '222222222222'\n    name: b\n",
        accounts__c="account: []",
        accounts__d="roles",
        accounts__e="accounts: [",
    )
    (directory / "accounts/f.yml").write_text("accounts: []")
    found = problems(directory)
    assert [line.partition(" at line")[0] for line in found if "not valid" in line] == [
        "accounts/e.yaml: not valid YAML: while parsing a flow node did not find expected node content"
    ]
    assert [line for line in found if "not valid" not in line] == [
        "accounts/c.yaml: unknown key `account`: did you mean `accounts`? The only one is accounts",
        'accounts/d.yaml: must hold a list "accounts"',
        "accounts/f.yml: not a *.yaml file, so it would not be read: rename or remove it",
        "accounts.yaml: account 'a' (line 2): `id` must be 12 digits, with all zeros at its beginning",
        "accounts/b.yaml: account 'c' (line 2): `id` 111122223333 is that of the account in accounts.yaml, line 5, too",
        "accounts/b.yaml: account 'b' (line 4): `name` b is that of the account in accounts.yaml, line 5, too",
    ]
