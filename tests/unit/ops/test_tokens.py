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
from tests.unit.ops.administered import DAY, Administered


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
    monkeypatch.setattr("ops.tokens.open_tokens", line.open)
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
    options = ("--owner", "Team A", "--expires", "1d", "--tag", "team=a", "--cidr", "198.51.100.0/24")
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
        "Expires": "2027-01-16T08:00:00Z",
        "Revoked": None,
        "LastUsed": "2027-01-15T08:00:00Z",
        "Cidrs": ["198.51.100.0/24"],
        "Tags": {"team": "a"},
    }
    assert listed[1]["Revoked"] == "2027-01-15T08:00:00Z"
    assert hash_api_token(used) not in out and "cvt_" not in out


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
    with pytest.raises(SystemExit) as exit_:
        admin.main(["token", *arguments])
    printed = command_line.capture.readouterr()
    assert exit_.value.code == 2 and said in printed.err and printed.out == ""
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
