"""What shells evaluate: credentials, their end, and failures that no script runs on after."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from aging import age
from fake_service import SECRET, FakeService, Planned
from running import credvend, with_command
from terminal import at_a_terminal

from credvend import lean

SHELLS = [shell for shell in ("sh", "dash", "bash", "zsh", "fish") if shutil.which(shell)]
POSIX = [shell for shell in SHELLS if shell != "fish"]


@pytest.fixture
def shell_environ(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment in which `credvend` is a command."""
    return with_command(environ, tmp_path)


def run(shell: str, script: str, environ: dict[str, str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    options = ["-f"] if shell == "zsh" else ["--no-config"] if shell == "fish" else []
    command = [shell, *options, "-c", script]
    return subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def refused(service: FakeService) -> None:
    service.planned = [Planned(403, {"Code": "AccessDenied", "Message": "No.", "RequestId": "r"})] * 3


@pytest.mark.parametrize("shell", POSIX)
def test_nothing_runs_under_the_old_identity_where_there_are_no_credentials(
    shell: str, shell_environ: dict[str, str], service: FakeService
) -> None:
    refused(service)
    script = 'set -e; eval "$(credvend get reports --format env)"; echo went on'
    done = run(shell, script, shell_environ)
    assert done.returncode != 0 and done.stdout == "" and "No." in done.stderr
    done = run(shell, 'eval "$(credvend get reports --format=env)" || echo stopped', shell_environ)
    assert done.stdout == "stopped\n"


@pytest.mark.skipif("fish" not in SHELLS, reason="there is no fish on this machine")
def test_fish_is_told_of_a_failure_too(shell_environ: dict[str, str], service: FakeService) -> None:
    refused(service)
    done = run("fish", "credvend get reports --format fish | source; or echo stopped", shell_environ)
    assert done.stdout == "stopped\n"


@pytest.mark.parametrize(
    "words",
    [
        ["get", "--format", "env"],  # no role
        ["get", "reports", "--format", "env", "--nonsense"],
        ["get", "reports", "--format", "env", "--format", "fish", "--duration", "soon"],
        ["--verbose", "get", "--format=env"],
        ["serve", "reports", "--port", "none"],
        ["--service", "prod", "get", "reports", "--format", "env"],  # there is no such service
        ["--service=prod", "--verbose", "get", "reports", "--format=env"],
    ],
)
def test_a_mistake_fails_the_script_too(environ: dict[str, str], words: list[str]) -> None:
    done = credvend(environ, *words)
    assert (done.returncode, done.stdout) == (2, "false\n")


def test_powershell_ends_where_there_are_no_credentials(environ: dict[str, str], service: FakeService) -> None:
    refused(service)
    done = credvend(environ, "get", "reports", "--format", "powershell")
    assert (done.returncode, done.stdout) == (4, "throw 'credvend: there are no credentials'\n")


@pytest.mark.parametrize("name", ["json", "process", "ini", "dotenv", "docker"])
def test_what_no_shell_evaluates_stays_empty(environ: dict[str, str], service: FakeService, name: str) -> None:
    refused(service)
    assert credvend(environ, "get", "reports", "--format", name).stdout == ""


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_leaves_nothing_that_sdks_prefer_and_unset_takes_it_out_again(
    shell: str, shell_environ: dict[str, str]
) -> None:
    form = "fish" if shell == "fish" else "env"
    evaluate = "{} | source" if shell == "fish" else 'eval "$({})"'
    vended = evaluate.format(f"credvend get reports --region eu-west-1 --format {form}")
    others = dict.fromkeys((*lean.AWS_SOURCES, "AWS_SECURITY_TOKEN"), "/other")
    done = run(shell, f"{vended}; env", {**shell_environ, **others})
    seen = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert seen["AWS_SECRET_ACCESS_KEY"] == SECRET and not seen.keys() & others.keys(), done.stderr
    assert seen["AWS_REGION"] == seen["AWS_DEFAULT_REGION"] == "eu-west-1"
    unset = evaluate.format(f"credvend unset --format {form}")
    done = run(shell, f"{vended}; {unset}; env", shell_environ)
    left = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert not left & {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "CREDVEND_SESSION"}


# How each shell evaluates a script of the wrong kind.
WRONG = {
    **dict.fromkeys(POSIX, ("fish", 'eval "$({})"')),
    **({"fish": ("env", "{} | source")} if "fish" in SHELLS else {}),
}


@pytest.mark.parametrize("shell", WRONG)
def test_a_script_for_another_shell_fails_and_changes_nothing(shell: str, shell_environ: dict[str, str]) -> None:
    """Nor does it tell the secrets, or end the next time that anything fails, as `set -e` would have it."""
    form, evaluate = WRONG[shell]
    shell_environ["AWS_PROFILE"] = "mine"
    for command in ("get reports", "unset"):
        evaluated = evaluate.format(f"credvend {command} --format {form}")
        done = run(shell, evaluated, shell_environ)
        assert done.returncode != 0 and SECRET not in done.stdout + done.stderr
        if shell in ("sh", "dash"):  # these end, where nobody types
            continue
        done = run(shell, f"{evaluated}; false; env", shell_environ)
        assert "AWS_PROFILE=mine\n" in done.stdout and "AWS_SECRET_ACCESS_KEY" not in done.stdout


@pytest.mark.parametrize("shell", POSIX)
def test_eval_without_quotes_is_understood(shell: str, shell_environ: dict[str, str]) -> None:
    for before, expected in (("", SECRET), ("eval $(credvend unset); ", None)):
        script = f"eval $(credvend get reports --format env); {before}env"
        done = run(shell, script, {**shell_environ, "AWS_PROFILE": "mine"})
        seen = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
        assert seen.get("AWS_SECRET_ACCESS_KEY") == expected and "AWS_PROFILE" not in seen, done.stderr


@pytest.mark.parametrize("words", [["unset"], ["unset", "--format", "fish"]])
def test_who_only_reads_what_unsets_is_told_that_nothing_is_unset(environ: dict[str, str], words: list[str]) -> None:
    _, seen = at_a_terminal(environ, "", *words)
    assert "nothing is unset yet" in seen and ("| source" if "fish" in words else 'eval "$(credvend unset)"') in seen
    assert credvend(environ, *words).stderr == ""


def test_credvend_does_not_sign_with_what_it_vended(environ: dict[str, str], service: FakeService) -> None:
    """Nor says that it is at fault itself: what to do is in the message."""
    script = credvend(environ, "get", "reports", "--format", "env").stdout
    signing = {name: value for name, value in environ.items() if name != "CREDVEND_TOKEN"}
    signing |= {"CREDVEND_AUTH": "sigv4", "CREDVEND_REGION": "eu-west-1"}
    again = f"{script}\nexec {sys.executable} -m credvend get other"
    done = run("sh", again, signing)
    assert done.returncode == 3 and "credvend unset" in done.stderr and "reports" in done.stderr
    assert len(service.asked) == 1
    own = {"AWS_ACCESS_KEY_ID": "AKIAOWN", "AWS_SECRET_ACCESS_KEY": "own"}  # set since, by whoever owns the shell
    done = run(
        "sh",
        f"{script}\nunset AWS_SESSION_TOKEN\nexport AWS_ACCESS_KEY_ID=AKIAOWN\n{again.splitlines()[-1]}",
        signing | own,
    )
    assert done.returncode == 0 and "AKIAOWN" in service.asked[-1].headers["authorization"]


def test_a_script_and_a_command_get_half_a_life_at_least(environ: dict[str, str], service: FakeService) -> None:
    service.lifetime = 900
    credvend(environ, "process", "reports")
    age(environ, 500)  # 400 s are left: enough for who renews
    assert credvend(environ, "process", "reports").returncode == 0 and len(service.asked) == 1
    assert credvend(environ, "get", "reports", "--format", "env").returncode == 0 and len(service.asked) == 2
    age(environ, 500)
    assert credvend(environ, "exec", "reports", "--", "true").returncode == 0 and len(service.asked) == 3
    assert credvend(environ, "exec", "reports", "--", "true").returncode == 0 and len(service.asked) == 3


def test_a_service_that_is_away_is_no_reason_to_stop_while_the_old_ones_do(
    environ: dict[str, str], service: FakeService
) -> None:
    service.lifetime = 900
    credvend(environ, "process", "reports")
    age(environ, 500)
    service.planned = [Planned(503, {"Code": "StsUnavailable", "Message": "Later."})] * 9
    assert credvend(environ, "exec", "reports", "--", "true").returncode == 0


def test_min_life_and_fresh_are_held_to(environ: dict[str, str], service: FakeService) -> None:
    service.lifetime = 3600
    credvend(environ, "process", "reports")
    for words in (["get", "reports"], ["exec", "reports", "true"]):
        command, role, *rest = words
        asked = len(service.asked)
        assert credvend(environ, command, "--min-life", "30m", role, *rest).returncode == 0
        assert len(service.asked) == asked
        assert credvend(environ, command, "--fresh", role, *rest).returncode == 0
        assert len(service.asked) == asked + 1
        done = credvend(environ, command, "--min-life", "2h", role, *rest)
        assert done.returncode == 2 and "--min-life" in done.stderr and SECRET not in done.stdout
        assert credvend(environ, command, "--min-life", "long", role, *rest).returncode == 2


@pytest.mark.parametrize(("region", "code"), [("eu-west-1", 0), ("us-gov-west-1", 2), ("cn-north-1", 2), ("x;y", 2)])
def test_a_region_is_of_the_roles_part_of_aws(environ: dict[str, str], region: str, code: int) -> None:
    done = credvend(environ, "get", "reports", "--format", "env", "--region", region)
    assert done.returncode == code and (SECRET in done.stdout) is (code == 0)
    assert credvend(environ, "get", "reports", "--region", "eu-west-1").returncode == 2  # JSON has no place for it


@pytest.mark.parametrize("role", ["reports", "arn:aws:iam::111122223333:role/reports"])
def test_ini_is_not_appended_twice(environ: dict[str, str], service: FakeService, tmp_path: Path, role: str) -> None:
    """Two sections of one name, and AWS's tools read nothing of the whole file."""
    service.planned = [Planned(200, service.vend("reports"))]
    file = tmp_path / "credentials"
    file.write_text("[other]\naws_access_key_id = AKIA")  # without an end of its last line
    command = [sys.executable, "-m", "credvend", "get", role, "--format", "ini"]
    for code in (0, 2):
        with file.open("a") as appended:
            done = subprocess.run(command, env=environ, stdout=appended, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == code
    found = configparser.RawConfigParser()
    found.read_string(file.read_text())
    assert found.sections() == ["other", "reports"] and "configure --profiles" in done.stderr


def test_files_of_variables_hold_one_line_each_without_quotes(environ: dict[str, str]) -> None:
    for name in ("dotenv", "docker"):
        lines = credvend(environ, "get", "reports", "--format", name, "--region", "eu-west-1").stdout.splitlines()
        found = dict(line.split("=", 1) for line in lines)
        assert found["AWS_SECRET_ACCESS_KEY"] == SECRET and found["AWS_REGION"] == "eu-west-1"
        assert not any(quote in "".join(lines) for quote in "'\"")


def test_github_masks_the_secrets_before_it_hands_them_on(environ: dict[str, str], tmp_path: Path) -> None:
    given = tmp_path / "github-env"
    given.write_text("BEFORE=1\n")
    job = {**environ, "GITHUB_ENV": str(given), "AWS_ROLE_ARN": "other"}
    done = credvend(job, "get", "reports", "--format", "github", "--region", "eu-west-1")
    lines = given.read_text().splitlines()
    assert lines[0] == "BEFORE=1" and f"AWS_SECRET_ACCESS_KEY={SECRET}" in lines and "AWS_ROLE_ARN=" in lines
    assert "AWS_REGION=eu-west-1" in lines
    masked = done.stdout.splitlines()
    assert f"::add-mask::{SECRET}" in masked and all(line.startswith("::add-mask::") for line in masked)
    later = {**environ, **dict(line.split("=", 1) for line in lines)}
    assert run("sh", " ".join(map(shlex.quote, sdk_key(environ))), later).stdout == "ASIAEXAMPLE1\n"


@pytest.mark.parametrize("job", [{}, {"GITHUB_ENV": "/dev/null", "AWS_PROFILE": ""}])
def test_where_github_could_not_hand_them_on_nothing_is_printed(environ: dict[str, str], job: dict[str, str]) -> None:
    """No step can unset a profile, and an empty one is looked for by botocore."""
    done = credvend({**environ, **job}, "get", "reports", "--format", "github")
    assert (done.returncode, done.stdout) == (2, "")


# exec beside an endpoint, and a shell


def sdk_key(environ: dict[str, str]) -> list[str]:
    return [sys.executable, "-c", "import botocore.session as s; print(s.Session().get_credentials().access_key)"]


def test_a_command_that_runs_for_long_gets_an_endpoint(environ: dict[str, str]) -> None:
    before = {**environ, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_PROFILE": "other", "AWS_SESSION_TOKEN": "t"}
    done = credvend(before, "exec", "--serve", "reports", "--", *sdk_key(environ))
    assert (done.returncode, done.stdout) == (0, "ASIAEXAMPLE1\n"), done.stderr
    done = credvend(before, "exec", "--serve", "reports", "--", "env")
    seen = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert "AWS_ACCESS_KEY_ID" not in seen and "AWS_PROFILE" not in seen and seen["CREDVEND_ROLE"] == "reports"


def test_beside_an_endpoint_exit_codes_and_signals_are_the_commands(environ: dict[str, str]) -> None:
    assert credvend(environ, "exec", "--serve", "reports", "--", "sh", "-c", "exit 7").returncode == 7
    assert credvend(environ, "exec", "--serve", "reports", "--", "sh", "-c", "kill -TERM $$").returncode == -15
    assert credvend(environ, "exec", "--serve", "reports", "--", "no-such-command").returncode == 127
    command = [sys.executable, "-m", "credvend", "exec", "--serve", "reports", "--"]
    command += ["sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.01; done"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"up\n"
        process.terminate()
        assert process.wait(30) == 9


def test_tokens_of_the_caller_are_kept_from_commands(environ: dict[str, str]) -> None:
    own = {"CREDVEND_ID_TOKEN": "t", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}
    done = credvend({**environ, **own}, "exec", "reports", "--", "env")
    assert not {line.partition("=")[0] for line in done.stdout.splitlines()} & {*own, "CREDVEND_TOKEN"}


def test_the_region_of_the_profile_stays(environ: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "aws-config"
    config.write_text("[profile work]\nregion = ap-northeast-2\n")
    before = {**environ, "AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "work"}
    done = credvend(before, "exec", "reports", "--", "env")
    assert "AWS_REGION=ap-northeast-2" in done.stdout.splitlines()
    done = credvend(before, "exec", "--region", "eu-west-1", "reports", "--", "env")
    assert "AWS_REGION=eu-west-1" in done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "is_told"),
    [
        (["aws", "ec2", "describe-instances"], True),
        (["aws", "ec2", "describe-instances", "--region", "eu-west-1"], False),
        (["aws", "s3", "ls"], False),
        (["aws", "--version"], False),
        (["printenv", "AWS_ACCESS_KEY_ID"], False),
    ],
)
def test_the_aws_cli_without_a_region_is_told_how_to_have_one(
    environ: dict[str, str], tmp_path: Path, words: list[str], is_told: bool
) -> None:
    (tmp_path / "aws").symlink_to("/bin/true")
    environ = {**environ, "PATH": f"{tmp_path}:{environ['PATH']}"}
    done = credvend(environ, "exec", "reports", "--", *words)
    assert ("--region before the role, or AWS_REGION" in done.stderr) is is_told and done.returncode == 0
    for more in (["--region", "eu-west-1", "reports"], ["reports"]):
        quiet = {**environ, "AWS_DEFAULT_REGION": "eu-west-1"} if len(more) == 1 else environ
        assert credvend(quiet, "exec", *more, "--", *words).stderr == ""


def test_without_a_command_there_is_a_shell(environ: dict[str, str]) -> None:
    from terminal import at_a_terminal

    shell = {**environ, "SHELL": "/bin/sh", "PS1": "$ "}
    code, seen = at_a_terminal(shell, "echo role=$CREDVEND_ROLE; exit 5\n", "exec", "reports")
    assert code == 5 and "role=reports" in seen and "a shell as reports" in seen
    done = subprocess.run(
        [sys.executable, "-m", "credvend", "exec", "reports"], env=shell, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and done.stdout == ""
