"""Credentials as shells, SDKs and configuration files read them: by those themselves, where they are at hand."""

from __future__ import annotations

import configparser
import importlib
import json
import shutil
import subprocess
from datetime import datetime, timezone

import click
import pytest

from credvend.command_line import run as credvend
from credvend.commands import get
from credvend.vending.credentials import Credentials
from credvend.vending.formats import FORMATS, Format, variables

NASTY = "a'b\\'c\"d$e`f;g h\\"


def made(secret: str = "s/e+c=", role: str = "reports") -> Credentials:
    moment = datetime(2026, 11, 24, 20, 58, 26, tzinfo=timezone.utc)
    return Credentials(role, "arn", "ASIA1", secret, "t==", moment, "111122223333", "arn", {"Credentials": {"a": 1}})


def run(*command: str, script: str) -> str:
    return subprocess.run(
        [*command, script], capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}
    ).stdout


# Each shell that is on this machine; the lines for the others are compared with what they document, below.
@pytest.mark.parametrize("shell", [shell for shell in ("sh", "bash", "zsh", "dash", "ksh") if shutil.which(shell)])
def test_posix_shells_take_every_value_as_it_is(shell: str) -> None:
    script = FORMATS["env"].write(made(NASTY), None) + "\nenv"
    seen = dict(line.split("=", 1) for line in run(shell, "-c", script=script).splitlines())
    assert {name: seen[name] for name in variables(made())} == variables(made(NASTY))


if shutil.which("fish"):

    def test_fish_takes_every_value_as_it_is() -> None:
        script = FORMATS["fish"].write(made(NASTY), None) + "\nenv"
        assert f"AWS_SECRET_ACCESS_KEY={NASTY}\n" in run("fish", "-c", script=script)


if shutil.which("pwsh"):

    def test_powershell_takes_every_value_as_it_is() -> None:
        script = FORMATS["powershell"].write(made(NASTY), None) + "\n$Env:AWS_SECRET_ACCESS_KEY"
        assert NASTY in run("pwsh", "-Command", script=script)


def test_the_lines_are_those_that_each_shell_documents() -> None:
    names = list(variables(made()))
    assert names == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"]
    lines = {name: FORMATS[name].write(made("a'b\\c"), None).splitlines() for name in ("env", "fish", "powershell")}
    secret = {name: next(line for line in those if "AWS_SECRET_ACCESS_KEY" in line) for name, those in lines.items()}
    assert secret == {
        "env": "export AWS_SECRET_ACCESS_KEY='a'\\''b\\c' &&",
        "fish": "set -gx AWS_SECRET_ACCESS_KEY 'a\\'b\\\\c'",
        "powershell": "$Env:AWS_SECRET_ACCESS_KEY = 'a''b\\c'",
    }


def test_ini_is_one_profile_whatever_the_role_is_called() -> None:
    parser = configparser.RawConfigParser()
    parser.read_string(FORMATS["ini"].write(made(role="arn:aws:iam::1:role/x]\n[default"), None))
    (section,) = parser.sections()
    assert section == "arn-aws-iam--1-role-x---default"
    assert parser[section]["aws_secret_access_key"] == "s/e+c=" and parser[section]["aws_session_token"] == "t=="


def test_process_is_one_line_of_json() -> None:
    text = FORMATS["process"].write(made(), None)
    assert len(text.splitlines()) == 1
    assert json.loads(text) == {
        "Version": 1,
        "AccessKeyId": "ASIA1",
        "SecretAccessKey": "s/e+c=",
        "SessionToken": "t==",
        "Expiration": "2026-11-24T20:58:26Z",
        "AccountId": "111122223333",
    }


def test_json_is_the_answer() -> None:
    assert json.loads(FORMATS["json"].write(made(), None)) == {"Credentials": {"a": 1}}


def test_a_format_is_one_entry(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """What is in `FORMATS` is offered, completed and printed; nothing else names the formats."""
    FORMATS["yaml"] = Format(lambda credentials, _: f"key: {credentials.access_key_id}")  # type: ignore[index]
    try:
        importlib.reload(get)
        assert credvend(["get", "reports", "--format", "yaml"], environ) == 0
        assert capsys.readouterr().out.startswith("key: ASIA")
        assert credvend(["get", "--help"], environ) == 0 and "docker|github|yaml]" in capsys.readouterr().out
        (known,) = [option.type for option in get.command.params if "--format" in option.opts]
        assert isinstance(known, click.Choice) and known.choices == tuple(FORMATS)
    finally:
        del FORMATS["yaml"]  # type: ignore[attr-defined]
        importlib.reload(get)
