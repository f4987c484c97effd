"""The commands for API tokens, as operators give them."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from chalicelib.callers.api_tokens.token import hash_api_token
from ops import admin
from ops.api_tokens.table import Tokens
from ops.environments import ROOT
from ops.terminal.arguments import duration
from tests.unit.ops.administered import DAY, OPERATOR, Administered


@dataclass
class CommandLine:
    """`python -m ops.admin` on that table."""

    administered: Administered
    capture: pytest.CaptureFixture[str]
    stages: list[str] = field(default_factory=list)

    def run(self, *arguments: str, status: int = 0) -> tuple[str, str]:
        """What a command prints to standard output and to standard error."""
        assert admin.main(["token", *arguments]) == status
        printed = self.capture.readouterr()
        return printed.out, printed.err

    def open(self, stage: str, warn: Callable[[str], None]) -> Tokens:
        self.stages.append(stage)
        return self.administered.tokens


@pytest.fixture
def command_line(
    administered: Administered, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    line = CommandLine(administered, capsys)
    monkeypatch.setattr("ops.commands.tokens.open_tokens", line.open)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return line


def test_a_new_token_alone_goes_to_standard_output(administered: Administered, command_line: CommandLine) -> None:
    options = ("--owner", "Team A", "--expires", "90d", "--cidr", "198.51.100.0/24", "--cidr", "2001:db8::/32")
    out, err = command_line.run("create", "ci", *options, "--tag", "team=a", "--tag", "note=a=b")
    token = out.removesuffix("\n")
    found = administered.find(token)
    assert (found.name, found.owner, found.tags) == ("ci", "Team A", (("note", "a=b"), ("team", "a")))
    assert [str(cidr) for cidr in found.cidrs] == ["198.51.100.0/24", "2001:db8::/32"]
    assert found.id in err and "credvend-dev-tokens" in err and "not shown again" in err
    assert token[4:20] not in err
    again, err = command_line.run("rotate", "ci")
    assert administered.find(again.strip()).name == "ci" and again.strip()[4:20] not in err
    assert "ends within 86400 s" in err
    assert command_line.stages == ["dev", "dev"]


def test_a_failed_command_prints_nothing_that_could_pass_for_a_token(command_line: CommandLine) -> None:
    command_line.run("create", "ci", "--owner", "me", "--expires", "1d")
    for arguments in (
        ("create", "ci", "--owner", "me", "--expires", "1d"),
        ("create", "cd", "--owner", "me", "--expires", "366d"),
        ("rotate", "cd"),
        ("revoke", "cd"),
    ):
        out, err = command_line.run(*arguments, status=1)
        assert out == "" and err.count("\n") == 1 and "Traceback" not in err


def test_a_token_that_could_not_be_printed_can_be_revoked(
    administered: Administered, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError("No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    assert admin.main(["token", "create", "ci", "--owner", "me", "--expires", "1d"]) == 1
    (stored,) = administered.tokens.list_all()
    said = command_line.capture.readouterr().err
    assert f"Revoke it: token revoke {stored.id}" in said and "cvt_" not in said


def test_the_list_shows_all_tokens_and_no_secret(administered: Administered, command_line: CommandLine) -> None:
    out, err = command_line.run("list", "--stage", "dev")
    assert out == "" and "no tokens in table credvend-dev-tokens" in err
    options = ("--owner", "Team A", "--expires", "90d", "--tag", "team=a", "--cidr", "198.51.100.0/24")
    used = command_line.run("create", "used", *options)[0].strip()
    administered.find(used)
    command_line.run("create", "revoked", "--owner", "me", "--expires", "1d")
    command_line.run("revoke", "revoked")
    command_line.run("create", "expired", "--owner", "me", "--expires", "30s")
    administered.clock.now += 30
    out, err = command_line.run("list")
    head, *rows = [line.split() for line in out.splitlines()]
    assert head == ["NAME", "ID", "STATE", "OWNER", "EXPIRES", "LASTUSED", "CIDRS", "TAGS"] and err == ""
    assert [(row[0], row[2]) for row in rows] == [("expired", "expired"), ("revoked", "revoked"), ("used", "live")]
    out, _ = command_line.run("list", "--json")
    listed = json.loads(out)
    assert [token["State"] for token in listed] == ["expired", "revoked", "live"]
    assert listed[2] == {
        "Name": "used",
        "Id": hash_api_token(used)[:12],
        "State": "live",
        "Owner": "Team A",
        "Created": "2027-01-15T08:00:00Z",
        "CreatedBy": OPERATOR,
        "Rotated": None,
        "RotatedBy": None,
        "Expires": "2027-04-15T08:00:00Z",
        "Revoked": None,
        "RevokedBy": None,
        "LastUsed": "2027-01-15T08:00:00Z",
        "Cidrs": ["198.51.100.0/24"],
        "Tags": {"team": "a"},
    }
    assert (listed[1]["Revoked"], listed[1]["RevokedBy"]) == ("2027-01-15T08:00:00Z", OPERATOR)
    assert hash_api_token(used) not in out and "cvt_" not in out


def test_tokens_that_end_soon_are_named_unless_another_one_goes_on(
    administered: Administered, command_line: CommandLine
) -> None:
    for name, lifetime in (("soon", "14d"), ("today", "5h"), ("later", "15d"), ("rotated", "3d"), ("gone", "3d")):
        command_line.run("create", name, "--owner", "Team A", "--expires", lifetime)
    command_line.run("rotate", "rotated", "--overlap", "24h", "--expires", "30d")
    command_line.run("revoke", "gone")
    out, err = command_line.run("list")
    assert out.count("\n") == 7
    soon, today = err.splitlines()
    assert "Token soon (" in soon and "of Team A ends at 2027-01-29T08:00:00Z, in 14 days" in soon
    assert "Token today (" in today and "in 5 hours: token rotate today" in today
    out, err = command_line.run("list", "--ending-within", "15d", "--json")
    assert [token["Name"] for token in json.loads(out)] == ["later", "soon", "today"] and err == ""
    assert command_line.run("list", "--ending-within", "1h") == ("", "")
    administered.clock.now += 15 * DAY
    assert "Token soon" not in command_line.run("list")[1]


def test_all_that_is_known_of_a_token_is_shown(administered: Administered, command_line: CommandLine) -> None:
    token = command_line.run("create", "ci", "--owner", "Team A", "--expires", "90d", "--tag", "team=a")[0].strip()
    command_line.run("rotate", "ci", "--overlap", "1h")
    out, err = command_line.run("show", hash_api_token(token)[:12])
    shown = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert err == "" and token not in out and hash_api_token(token) not in out
    assert (shown["CreatedBy"], shown["Rotated"], shown["RotatedBy"]) == (OPERATOR, "2027-01-15T08:00:00Z", OPERATOR)
    assert (shown["State"], shown["Expires"], shown["Revoked"]) == ("live", "2027-01-15T09:00:00Z", "-")
    assert command_line.run("show", "ci")[0].count("Name ") == 2
    assert "No token has the name or id cd" in command_line.run("show", "cd", status=1)[1]


def test_revoking_what_has_expired_says_so(administered: Administered, command_line: CommandLine) -> None:
    command_line.run("create", "ci", "--owner", "me", "--expires", "1d")
    administered.clock.now += 2 * DAY
    assert ", which had expired at 2027-01-16T08:00:00Z." in command_line.run("revoke", "ci")[1]
    (listed,) = json.loads(command_line.run("list", "--json")[0])
    assert (listed["State"], listed["Revoked"]) == ("expired", "2027-01-17T08:00:00Z")


def test_without_tokens_the_json_is_an_empty_list(command_line: CommandLine) -> None:
    assert json.loads(command_line.run("list", "--json")[0]) == []


def test_revoking_says_what_was_revoked_and_how_soon(administered: Administered, command_line: CommandLine) -> None:
    token = command_line.run("create", "ci", "--owner", "me", "--expires", "1d")[0].strip()
    out, err = command_line.run("revoke", hash_api_token(token)[:12])
    assert out == "" and f"Revoked token ci ({hash_api_token(token)[:12]})" in err and "60 s" in err
    assert administered.refusal(token) == "revoked"


@pytest.mark.parametrize(("overlap", "seconds"), [("0", "60"), ("30s", "60"), ("2h", "7200")])
def test_a_rotation_tells_when_the_old_token_has_ended_everywhere(
    command_line: CommandLine, overlap: str, seconds: str
) -> None:
    command_line.run("create", "ci", "--owner", "me", "--expires", "1d")
    assert f"within {seconds} s" in command_line.run("rotate", "ci", "--overlap", overlap)[1]


def test_where_it_goes_if_not_to_aws_is_said(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert "http://127.0.0.1:1, not to AWS" in command_line.run("list")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "ci", "--owner", "me"), "--expires"),
        (("create", "ci", "--expires", "1d"), "--owner"),
        (("create", "ci", "--owner", "me", "--expires", "90"), "such as 90d"),
        (("create", "ci", "--owner", "me", "--expires", "-1d"), "--expires"),
        (("create", "ci", "--owner", "me", "--expires", "1d", "--cidr", "192.0.2.1/24"), "such as 192.0.2.0/24"),
        (("create", "ci", "--owner", "me", "--expires", "1d", "--tag", "team"), "KEY=VALUE"),
        (("rotate", "ci", "--overlap", "a day"), "such as 90d"),
        (("revoke",), "NAME_OR_ID"),
        ((), "COMMAND"),
    ],
)
def test_a_wrong_command_is_told_what_is_wrong(
    command_line: CommandLine, arguments: tuple[str, ...], said: str
) -> None:
    assert admin.main(["token", *arguments]) == 2
    printed = command_line.capture.readouterr()
    assert said in printed.err and printed.out == ""
    assert command_line.stages == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("45s", 45), ("30m", 1800), ("12h", 43_200), ("365d", 365 * DAY), ("1h30m", 5400)]
)
def test_durations_have_a_unit(text: str, seconds: int) -> None:
    assert duration(text) == seconds


def test_it_runs_as_a_program_and_explains_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops.admin", "token", "create", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "--expires" in done.stdout and done.stderr == ""
