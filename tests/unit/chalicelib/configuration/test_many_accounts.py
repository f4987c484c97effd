"""A catalog for many accounts says each role once, in files of its owners; what is wrong is told with its place."""

import json
from pathlib import Path

import pytest

from chalicelib.configuration.catalog_file import read_catalog
from chalicelib.errors import ConfigError

ACCOUNTS = """accounts:
  - {id: "111122223333", name: payments-prod, groups: [payments, prod]}
  - {id: "444455556666", name: payments-dev, groups: [payments]}
  - {id: "777788889999", name: data, groups: [prod]}
"""
READONLY = "  - {name: readonly, role: credvend/readonly, accounts: %s}\n"


def write(directory: Path, roles: str, **more: str) -> Path:
    files = {"accounts": ACCOUNTS, "roles": roles} | more
    for name, text in files.items():
        path = directory / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    return directory / "roles.yaml"


def names(path: Path) -> list[str]:
    return [role.name for role in read_catalog(path).roles]


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read_catalog(path)
    return raised.value.problems


@pytest.mark.parametrize(
    ("some", "accounts"),
    [
        ("all", ["payments-prod", "payments-dev", "data"]),
        ("{groups: [payments]}", ["payments-prod", "payments-dev"]),
        ("{groups: [payments, prod]}", ["payments-prod", "payments-dev", "data"]),
        ("{names: [data, payments-dev]}", ["payments-dev", "data"]),
        ("{groups: [payments], names: [data], without: [payments-dev]}", ["payments-prod", "data"]),
    ],
)
def test_an_entry_is_a_role_in_each_of_its_accounts(tmp_path: Path, some: str, accounts: list[str]) -> None:
    assert names(write(tmp_path, "roles:\n" + READONLY % some)) == [f"readonly@{name}" for name in accounts]


def test_such_a_role_is_what_somebody_would_have_written_for_its_account(tmp_path: Path) -> None:
    entry = """  - name: %s
    %s
    description: Reads %s.
    groups: [readers]
    max_duration: 30m
    external_id: x-%s
    policy_arns: ["arn:aws:iam::%s:policy/readers"]
    chains_to: ["arn:aws:iam::%s:role/onward"]
    params: {area: {pattern: "[a-z]+", default: a}}
    policy:
      Version: "2012-10-17"
      Statement: [{Effect: Allow, Action: "s3:*", Resource: "arn:aws:s3:::%s-${params.area}"}]
    tags: {Account: "%s"}
"""
    number, name = "${account.id}", "${account.name}"
    many = entry % ("r", "role: a/r\n    accounts: {groups: [payments]}", name, name, number, number, number, name)
    by_hand = "".join(
        entry % (f"r@{name}", f"arn: arn:aws:iam::{number}:role/a/r", name, name, number, number, number, name)
        for number, name in (("111122223333", "payments-prod"), ("444455556666", "payments-dev"))
    )
    expanded = read_catalog(write(tmp_path / "a", f"roles:\n{many}")).roles
    assert expanded == read_catalog(write(tmp_path / "b", f"roles:\n{by_hand}")).roles
    assert expanded[0].account_name == "payments-prod" and expanded[0].account_groups == ("payments", "prod")


def test_entries_of_one_name_may_differ_between_accounts(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "roles:\n"
        "  - {name: admin, role: admin, accounts: {groups: [prod]}, max_duration: 15m}\n"
        "  - {name: admin, role: admin, accounts: {names: [payments-dev]}}\n",
    )
    assert [(role.name, role.max_duration) for role in read_catalog(path).roles] == [
        ("admin@payments-prod", 900),
        ("admin@data", 900),
        ("admin@payments-dev", 3600),
    ]


def test_each_owner_may_have_a_file_and_settings_stand_in_the_first(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "role_path: /credvend/\n",
        roles__team__b="roles:\n" + READONLY % "{names: [data]}",
        roles__a="roles:\n  - {name: a, arn: 'arn:aws:iam::777788889999:role/a'}\n",
    )
    (tmp_path / "roles/.old.yaml").write_text("x")
    catalog = read_catalog(path)
    assert [role.name for role in catalog.roles] == ["a", "readonly@data"] and catalog.role_path == "/credvend/"
    assert [entry.label for entry in catalog.entries] == [
        "roles/a.yaml: role 'a' (line 2)",
        "roles/team/b.yaml: role 'readonly' (line 2)",
    ]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (READONLY % "{groups: [paymnts]}", "`accounts.groups`: paymnts is a group of no account in accounts.yaml; did"),
        (
            READONLY % "{names: [paymentsprod]}",
            "`accounts.names`: paymentsprod is no account of accounts.yaml; did you",
        ),
        (READONLY % "{groups: [prod], without: [dta]}", "`accounts.without`: dta is no account of accounts.yaml; did"),
        (READONLY % "{names: [data], without: [data]}", "`accounts` leaves no account: `without` takes all of them"),
        (READONLY % "{without: [data]}", "`accounts` must be `all`, or name `groups` or `names`"),
        (READONLY % "{}", "`accounts` must be `all`, or name `groups` or `names`"),
        (READONLY % "{group: [prod]}", "`accounts`: has an unknown field `group`: did you mean `groups`? The keys are"),
        (READONLY % "{groups: prod}", "`accounts`: `groups` must be a list, and is a text: put it in brackets"),
        (READONLY % "payments", "`accounts` must be `all`, or written {groups: [...]} or {names: [...]}"),
        (READONLY % "[data]", "`accounts` must be `all`, or written {groups: [...]} or {names: [...]}"),
        ("  - {name: r, role: r}\n", "`role` needs `accounts` beside it"),
        ("  - {name: r, accounts: all}\n", "`accounts` needs `role` beside it"),
        (
            "  - {name: r, role: r, accounts: all, arn: 'arn:aws:iam::777788889999:role/r'}\n",
            "`arn` is that of one role: leave it out, or leave out",
        ),
        (
            "  - {name: r@data, role: r, accounts: all}\n",
            "`name` must not hold an `@`: the name of each account is put",
        ),
        ("  - {name: r, role: /r, accounts: all}\n", "`role` must be path and name of an IAM role without its account"),
        (
            "  - {name: r, role: 'a*', accounts: all}\n",
            "`role` must be path and name of an IAM role without its account",
        ),
        ("  - {name: r, roel: r, accounts: all}\n", "has an unknown field `roel`: did you mean `role`?"),
        ("  - {name: r, role: r, accounts: all, descripton: x}\n", "has an unknown field `descripton`: did you mean"),
        (
            "  - {name: r, role: r, accounts: all, description: '${account.number}'}\n",
            "holds ${account.number}, which is not known: of the account there are ${account.id}, ${account.name}",
        ),
        (
            "  - {name: r, role: r, accounts: all, policy_arns: ['arn:aws:iam::111122223333:policy/x']}\n",
            "policies must be AWS's own or of the role's account (in account payments-dev)",
        ),
        (
            "  - {name: r, arn: 'arn:aws:iam::111122224444:role/r'}\n",
            "`arn`: 111122224444 is no account of accounts.ya",
        ),
        ("  - {name: r@x, arn: 'arn:aws:iam::777788889999:role/r'}\n", "`name` says that its account is x, and acc"),
        ("  - {name: r, arn: 'arn:aws-cn:iam::777788889999:role/r'}\n", "`arn` is of partition aws-cn, and accounts."),
        (
            "  - {name: 'r@@data', arn: 'arn:aws:iam::777788889999:role/r'}\n",
            "`name` must be at most 64 letters, digits",
        ),
    ],
)
def test_what_is_wrong_with_an_entry_is_told_with_its_line(tmp_path: Path, entry: str, problem: str) -> None:
    (found,) = problems(write(tmp_path, f"roles:\n{entry}"))
    assert found.startswith("roles.yaml: role 'r") and "' (line 2): " in found and problem in found


def test_the_line_is_that_of_the_key(tmp_path: Path) -> None:
    path = write(tmp_path, "roles:\n  - name: r\n    role: r\n    max_duration: 13h\n    accounts: all\n")
    (found,) = problems(path)
    assert found.startswith("roles.yaml: role 'r' (line 4): `max_duration` ")


def test_without_accounts_there_are_none_to_be_a_role_in(tmp_path: Path) -> None:
    path = write(tmp_path, "roles:\n" + READONLY % "all")
    (tmp_path / "accounts.yaml").unlink()
    assert problems(path) == [
        "roles.yaml: role 'readonly' (line 2): `accounts` needs accounts.yaml, which names no account"
    ]


def test_one_name_or_arn_twice_is_told_with_both_places(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "roles:\n  - {name: readonly@data, arn: 'arn:aws:iam::777788889999:role/x'}\n" + READONLY % "all",
        roles__b="roles:\n"
        "  - {name: other, role: credvend/readonly, accounts: {groups: [payments]}}\n"
        "  - {name: readonly@data, arn: 'arn:aws:iam::777788889999:role/y'}\n",
    )
    assert problems(path) == [
        "roles.yaml: role 'readonly' (line 3): `name` readonly@data is that of the role in roles.yaml, line 2, too",
        "roles/b.yaml: role 'other' (line 2): `arn` arn:aws:iam::111122223333:role/credvend/readonly is that of the "
        "role in roles.yaml, line 3, too (and so 1 more)",
        "roles/b.yaml: role 'readonly@data' (line 3): `name` readonly@data is that of the role in roles.yaml, line 2, "
        "too",
    ]


def test_every_problem_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "time_zone: Nowhere/Else\nroles:\n  - {name: r}\n",
        accounts="accounts: [{id: '1', name: a}]",
        roles__a="roles: [{name: a, arn: x}]",
        roles__b="role_path: /x/\nroles: []",
        roles__c="{}",
    )
    (tmp_path / "roles/d.txt").touch()
    found = problems(path)
    for beginning in [
        "roles.yaml: `time_zone` must be",
        "roles.yaml: role 'r' (line 3): lacks the required field `arn`",
        "accounts.yaml: account 'a' (line 1): `id` must be 12 digits",
        "roles/a.yaml: role 'a' (line 1): `arn` must be the ARN",
        "roles/b.yaml: unknown key `role_path`",
        'roles/c.yaml: must hold a list "roles"',
        "roles/d.txt: not a *.yaml file, so it would not be read",
    ]:
        assert any(line.startswith(beginning) for line in found), json.dumps(found, indent=1)
    assert len(found) == 7


def test_forty_accounts_with_fifty_roles_each_are_fewer_than_a_hundred_lines(tmp_path: Path) -> None:
    accounts = [f'  - {{id: "1111222200{n:02}", name: team-{n}, groups: [all, team]}}' for n in range(40)]
    roles = [f"  - {{name: r{n}, role: credvend/r{n}, accounts: {{groups: [team]}}}}" for n in range(50)]
    texts = ["\n".join(["accounts:", *accounts]), "\n".join(["roles:", *roles])]
    assert len(read_catalog(write(tmp_path, texts[1], accounts=texts[0])).roles) == 2000
    assert sum(len(text.splitlines()) for text in texts) < 100
