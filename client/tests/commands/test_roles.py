"""Finding one's role: a table, narrowed; and a picker at a terminal."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_service import FakeService
from picking import typing
from running import credvend

ROLES: list[dict[str, Any]] = [
    {
        "Role": "reports",
        "RoleArn": "arn:aws:iam::111122223333:role/reports",
        "Groups": ["open"],
        "Description": "Reads",
    },
    {"Role": "admin", "RoleArn": "arn:aws:iam::444455556666:role/a", "Groups": ["power"], "ReasonRequired": True},
    {"Role": "tenant", "RoleArn": "arn:aws:iam::444455556666:role/t", "Params": [{"Name": "tenant"}], "Groups": []},
    {"Role": "formula", "RoleArn": "arn:aws:iam::111122223333:role/f", "Groups": [], "Description": "=cmd()\n,x"},
]


@pytest.fixture(autouse=True)
def four_roles(service: FakeService) -> None:
    service.roles = list(ROLES)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], {"reports", "admin", "tenant", "formula"}),
        (["REP"], {"reports"}),
        (["4444", "role/t"], {"tenant"}),
        (["reads"], {"reports"}),
        (["--account", "444455556666"], {"admin", "tenant"}),
        (["--group", "power"], {"admin"}),
        (["nothing"], set()),
    ],
)
def test_words_account_and_group_narrow_the_list(environ: dict[str, str], words: list[str], found: set[str]) -> None:
    assert {role["Role"] for role in json.loads(credvend(environ, "roles", "--json", *words).stdout)} == found
    lines = credvend(environ, "roles", *words).stdout.splitlines()[1:]
    assert {line.split()[0] for line in lines} == found


def test_what_differs_has_a_column(environ: dict[str, str], service: FakeService) -> None:
    assert {"ACCOUNT", "GROUPS", "PARAMS"} <= set(credvend(environ, "roles").stdout.splitlines()[0].split())
    service.roles = ROLES[:1]
    assert not {"ACCOUNT", "GROUPS", "PARAMS"} & set(credvend(environ, "roles").stdout.splitlines()[0].split())


def test_a_spreadsheet_gets_one_line_a_role_and_no_formula(environ: dict[str, str]) -> None:
    rows = list(csv.DictReader(io.StringIO(credvend(environ, "roles", "--csv").stdout)))
    assert [row["ROLE"] for row in rows] == [role["Role"] for role in ROLES]
    assert rows[3]["DESCRIPTION"] == "'=cmd() ,x" and rows[1]["ACCOUNT"] == "444455556666"


def test_a_person_who_names_no_role_picks_one(environ: dict[str, str], service: FakeService) -> None:
    code, out, _ = typing(environ, [("Role", "rpt\r")], "get", "--format", "env")
    assert code == 0 and "AWS_ACCESS_KEY_ID" in out and "Role" not in out  # which goes to `eval`
    assert service.asked[-1].json["role"] == "reports"


def test_what_the_role_demands_is_asked_for(environ: dict[str, str], service: FakeService) -> None:
    code, out, _ = typing(environ, [("Role", "admin\r"), ("Reason", "INC-7\r")], "get")
    assert code == 0 and json.loads(out)
    assert service.asked[-1].json == {"role": "admin", "reason": "INC-7"}
    code, _, _ = typing(environ, [("Role", "tenant\r"), ("tenant", "acme\r")], "exec", "--", "true")
    assert code == 0 and service.asked[-1].json == {"role": "tenant", "params": {"tenant": "acme"}}
    assert typing(environ, [("Role", "admin\r")], "get", "--reason", "given")[0] == 0
    assert service.asked[-1].json == {"role": "admin", "reason": "given"}


def test_favourites_come_first_and_then_what_was_used_last(environ: dict[str, str], service: FakeService) -> None:
    assert typing(environ, [], "get", "reports")[0] == 0  # used
    assert typing(environ, [("Role", "\r")], "get", "--fresh")[0] == 0
    assert service.asked[-1].json["role"] == "reports"
    assert typing({**environ, "CREDVEND_FAVOURITES": "formula gone"}, [("Role", "\r")], "get")[0] == 0
    assert service.asked[-1].json["role"] == "formula"


def test_where_nobody_sits_a_role_must_be_named(environ: dict[str, str], service: FakeService) -> None:
    for words in (["get"], ["exec", "--", "true"], ["console"], ["process"]):
        done = subprocess.run(
            [sys.executable, "-m", "credvend", *words], env=environ, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert service.asked == []


def test_what_was_used_is_in_a_private_file(environ: dict[str, str]) -> None:
    typing(environ, [], "get", "reports")
    (file,) = Path(environ["HOME"]).rglob("*.recent")
    assert file.stat().st_mode & 0o777 == 0o600
    assert credvend(environ, "cache", "clear").returncode == 0 and not file.exists()
