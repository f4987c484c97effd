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
from fake_service import FakeService, Planned
from picking import typing
from running import credvend
from terminal import at_a_terminal

from credvend.commands.picker import ordered

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

DENIED = Planned(403, {"Code": "AccessDenied", "Message": "No such role.", "RequestId": "r"})


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


OF_ACCOUNTS = [
    {"Role": f"readonly@{name}", "RoleArn": f"arn:aws:iam::{number}:role/readonly", "AccountName": name}
    for number, name in (("111122223333", "payments-prod"), ("444455556666", "data"))
]


def test_the_names_of_accounts_have_a_column_and_are_found(environ: dict[str, str], service: FakeService) -> None:
    service.roles = list(OF_ACCOUNTS)
    header, *lines = credvend(environ, "roles").stdout.splitlines()
    assert "ACCOUNT NAME" in header and [line.split()[1:3] for line in lines] == [
        ["111122223333", "payments-prod"],
        ["444455556666", "data"],
    ]
    for words in (["--account", "data"], ["--account", "444455556666"], ["DATA"]):
        assert [role["Role"] for role in json.loads(credvend(environ, "roles", "--json", *words).stdout)] == [
            "readonly@data"
        ]
    rows = list(csv.DictReader(io.StringIO(credvend(environ, "roles", "--csv").stdout)))
    assert [row["ACCOUNT NAME"] for row in rows] == ["payments-prod", "data"]


def test_the_service_is_asked_for_those_of_the_account_alone(environ: dict[str, str], service: FakeService) -> None:
    credvend(environ, "roles", "--account", "payments prod&x")
    assert service.asked[-1].path.endswith("/v1/roles?account=payments+prod%26x")
    service.roles = []
    assert "no role that you may have in account data; " in credvend(environ, "roles", "--account", "data").stderr


def test_a_service_that_is_older_than_accounts_lists_all_and_they_are_narrowed_here(
    environ: dict[str, str], service: FakeService
) -> None:
    refused = 'Unknown query parameter "account": there are none.'
    service.planned = [Planned(400, {"Code": "InvalidRequest", "Message": refused, "RequestId": "r"})]
    found = json.loads(credvend(environ, "roles", "--json", "--account", "444455556666").stdout)
    assert {role["Role"] for role in found} == {"admin", "tenant"}
    assert service.asked[-1].path.endswith("/v1/roles")


def test_the_picker_shows_the_name_of_the_account(environ: dict[str, str], service: FakeService) -> None:
    service.roles = list(OF_ACCOUNTS)
    code, _, _ = typing(environ, [("Role", "data\r")], "get")
    assert code == 0 and service.asked[-1].json["role"] == "readonly@data"
    shown = ordered({str(role["Role"]): role for role in OF_ACCOUNTS}, [], [])
    assert "444455556666 data" in shown["readonly@data"]


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


def test_letters_that_no_role_has_are_told_at_once_and_can_be_taken_back(
    environ: dict[str, str], service: FakeService
) -> None:
    steps = [("Role", "rzz"), ("No role matches", "\r\x7f\x7fpt\r")]
    assert typing(environ, steps, "get")[0] == 0 and service.asked[-1].json["role"] == "reports"


def test_escape_leaves_without_a_role(environ: dict[str, str], service: FakeService) -> None:
    code, out, seen = typing(environ, [("Esc leaves", "\x1b")], "get", "--format", "env")
    assert (code, out) == (2, "false\n") and "nothing is done" in seen
    assert [asked.path.rpartition("/")[2] for asked in service.asked] == ["roles"]


def test_arrow_keys_are_no_escape(environ: dict[str, str], service: FakeService) -> None:
    assert typing(environ, [("Esc leaves", "\x1b[B\x1b[B\r")], "get")[0] == 0
    assert service.asked[-1].json["role"] == "formula"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["get", "report"], "Did you mean reports?"),
        (["console", "report", "--print"], "Did you mean reports?"),
        (["exec", "report", "--", "true"], "Did you mean reports?"),
        (["exec", "env", "true"], "env is a command: name the role before it, credvend exec ROLE -- env ..."),
        (["get", "env"], "(request r)\r\n"),
        (["exec", "unlike-any", "--", "true"], "(request r)\r\n"),
    ],
)
def test_who_mistypes_a_role_is_told_which_of_theirs_is_close(
    environ: dict[str, str], service: FakeService, words: list[str], told: str
) -> None:
    service.planned = [DENIED]
    code, out, seen = typing(environ, [], *words)
    assert code == 4 and out == "" and told in seen and seen.count("\n") == 1


def test_a_program_that_is_denied_asks_for_no_roles(environ: dict[str, str], service: FakeService) -> None:
    service.planned = [DENIED]
    done = credvend(environ, "get", "report")
    assert done.returncode == 4 and "Did you mean" not in done.stderr and len(service.asked) == 1


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


def test_a_description_goes_on_in_its_column_on_a_narrow_terminal(
    environ: dict[str, str], service: FakeService
) -> None:
    text = "Reads the bucket of reports, and of whatever else the people of finance keep in https://wiki.example.com"
    service.roles = [{**ROLES[0], "Description": text}]
    _, seen = at_a_terminal({**environ, "COLUMNS": "60"}, "", "roles")
    lines = seen.splitlines()
    begin = lines[0].index("DESCRIPTION")
    assert " ".join(line[begin:] for line in lines[1:]) == text and max(map(len, lines)) <= 60 and len(lines) > 3
    assert credvend({**environ, "COLUMNS": "60"}, "roles").stdout.splitlines()[1].endswith(text)


def test_where_nothing_is_cached_nothing_that_was_used_is_remembered(environ: dict[str, str]) -> None:
    assert typing({**environ, "CREDVEND_CACHE": "off"}, [], "get", "reports")[0] == 0
    assert list(Path(environ["HOME"]).iterdir()) == []


def test_a_name_that_is_written_to_look_like_another_cannot_be_picked(
    environ: dict[str, str], service: FakeService
) -> None:
    service.roles = [{"Role": name} for name in ("gpj.\u202etroper", "two words", "e\u0301")]
    code, _, seen = typing(environ, [], "get")
    assert code == 2 and "There is no role that you may have" in seen and "troper" not in seen
