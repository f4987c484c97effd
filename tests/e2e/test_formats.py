"""The forms in which the deployed service hands credentials out, each read by the program that it is made for."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from local.aws import ACCOUNT, REGION
from ops.environments import programs
from testing.deployed import Answer, Key, Stack
from testing.operators import admin, create

PATH = "/v1/credentials"
LIST = "aws ec2 describe-instances --query 'Reservations[].Instances[].InstanceId' --output text"
CURL = """curl --silent --show-error --header @header --json '{"role": "instances"}' "$CREDVEND_URL/v1/credentials"""
# Those of these that the machine has.
POSIX_SHELLS = [name for name in ("sh", "bash", "zsh", "dash", "ksh", "busybox") if shutil.which(name)]
FISH = [name for name in ("fish",) if shutil.which(name)]
HOSTILE = (
    "$(touch x)",
    "`touch x`",
    "'; touch x; '",
    '"; touch x; "',
    "\ntouch x\n",
    ")\ntouch x\n(",
    ')"; touch x; "$(',
    "'\n)\ntouch x #",
    "${x:=$(touch x)}",
    "<(touch x)",
    "=(touch x)",
    "(touch x)",
    "| touch x |",
    "\\",
    "$(",
    "\u2019; touch x; \u2019",
)


@pytest.fixture(scope="module")
def token(stack: Stack) -> Iterator[str]:
    yield create(stack, "shell", "--tag", "uses=sdk")
    admin(stack, "revoke", "shell")


@pytest.fixture
def home(stack: Stack, token: str, tmp_path: Path) -> Path:
    """A directory with the token in a file for curl, which nobody else may read."""
    (tmp_path / "header").touch(0o600)
    (tmp_path / "header").write_text(f"Authorization: Bearer {token}\n")
    return tmp_path


def run(
    shell: str, script: str, home: Path, settings: dict[str, str], directory: str = "."
) -> "subprocess.CompletedProcess[str]":
    """Run a script in a shell that knows of no AWS credentials.

    Args:
        directory: where in the home.
    """
    known = {"PATH": os.pathsep.join([str(programs("aws")), os.environ["PATH"]]), "HOME": str(home)}
    return subprocess.run(
        [*(["busybox", "sh"] if shell == "busybox" else [shell]), "-c", script],
        env=known | settings,
        cwd=home / directory,
        capture_output=True,
        text=True,
        check=False,
    )


def place(stack: Stack) -> dict[str, str]:
    """Where the service is, and the AWS that its credentials are for."""
    where = {"AWS_ENDPOINT_URL": stack.aws.endpoint, "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
    return where | {"CREDVEND_URL": stack.url}


def post(
    stack: Stack, token: str, query: str, accept: str | None = None, body: str = '{"role": "instances"}'
) -> Answer:
    return stack.present(token, "POST", PATH + query, body.encode(), {"Accept": accept} if accept else {})


@pytest.mark.parametrize("shell", [*POSIX_SHELLS, *FISH])
def test_what_a_shell_evaluates_makes_the_aws_cli_work(stack: Stack, home: Path, instance: str, shell: str) -> None:
    named = "fish" if shell in FISH else "env"
    script = f'eval "$({CURL}?format={named}")"\n{LIST} && echo "$AWS_CREDENTIAL_EXPIRATION $AWS_ACCESS_KEY_ID $KEPT"'
    done = run(shell, script, home, place(stack) | {"KEPT": "as it was"})
    assert done.returncode == 0 and done.stderr == "", done.stderr
    listed, rest = done.stdout.splitlines()
    assert listed == instance
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ASIA[A-Z0-9]+ as it was", rest)


@pytest.mark.parametrize("shell", POSIX_SHELLS)
def test_a_refusal_fails_in_the_shell_and_can_be_read(stack: Stack, home: Path, shell: str) -> None:
    asked = CURL.replace("instances", "forbidden").replace("curl", "curl --fail-with-body")
    script = f"""credentials=$({asked}?format=env") && eval "$credentials"
    code=$?
    echo "$credentials"
    exit $code"""
    done = run(shell, script, home, place(stack))
    assert done.returncode == 22 and json.loads(done.stdout)["Code"] == "AccessDenied"


@pytest.fixture(scope="module")
def refusals(stack: Stack, token: str) -> list[str]:
    """What the service says to hostile text wherever a request has room for text."""
    by_place: list[Callable[[str], Answer]] = [
        lambda text: post(stack, token, "?format=env", body=json.dumps({"role": text})),
        lambda text: post(stack, token, "?format=env", body=json.dumps({"role": "instances", text: 1})),
        lambda text: post(stack, token, "", "text/x-shellscript", json.dumps({"role": "instances", text: 1})),
        lambda text: post(stack, token, "?format=env", body=text),
        lambda text: post(stack, token, f"?format={quote(text, safe='')}"),
        lambda text: post(stack, token, f"?format=env&{quote(text, safe='')}=1"),
        lambda text: post(stack, token, f"?{quote(text, safe='')}=1", "text/x-fish"),
        lambda text: stack.send("GET", f"{PATH}/{quote(text, safe='')}?format=env", headers={"Authorization": token}),
        lambda text: stack.send("GET", f"{PATH}/instances?{quote(text, safe='')}=1&format=fish"),
    ]
    answers = [ask(text) for text in HOSTILE for ask in by_place]
    answers += [
        post(stack, token, "?format=env", body='{"role": "forbidden"}'),
        stack.send("POST", PATH + "?format=env"),
    ]
    assert all(answer.status >= 400 and answer.body["Code"] for answer in answers)
    assert all(answer.headers["Content-Type"] == "application/json" for answer in answers)
    assert any("touch x" in answer.text for answer in answers)
    return sorted({re.sub("[0-9a-f-]{36}", "", answer.text) for answer in answers})


@pytest.mark.parametrize("shell", [*POSIX_SHELLS, *FISH])
def test_a_refusal_that_is_evaluated_runs_nothing_and_sets_nothing(shell: str, home: Path, refusals: list[str]) -> None:
    (home / "empty").mkdir()
    script = 'eval "$(cat ../evaluated)"\ncode=$?\nenv\nexit $code'
    if shell in FISH:
        script = "eval (cat ../evaluated | string collect)\nset code $status\nenv\nexit $code"

    def evaluate(text: str) -> tuple[int, set[str]]:
        """The exit status, and the names of the variables afterwards, if the shell got that far."""
        (home / "evaluated").write_text(text)
        done = run(shell, script, home, {}, "empty")
        return done.returncode, set(re.findall(r"^(\w+)=", done.stdout, re.M))

    _, known = evaluate("false")
    for refusal in refusals:
        status, names = evaluate(refusal)
        assert status != 0 and names <= known and not list((home / "empty").iterdir()), refusal
    # Would it have been seen?
    status, names = evaluate("touch x; export Y=; true" if shell not in FISH else "touch x; set -gx Y ''; true")
    assert status == 0 and names == known | {"Y"} and (home / "empty/x").exists()


def test_credential_process_gives_a_profile_its_credentials(stack: Stack, home: Path, instance: str) -> None:
    (home / ".aws").mkdir()
    command = CURL.replace("@header", f"@{home}/header").replace('"$CREDVEND_URL', stack.url)
    (home / ".aws/config").write_text(f"[profile counting]\ncredential_process = {command}?format=process\n")
    settings = place(stack) | {"AWS_PROFILE": "counting"}
    done = run("sh", f"{LIST} && aws sts get-caller-identity --query Arn --output text", home, settings)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [instance, f"arn:aws:sts::{ACCOUNT}:assumed-role/instances/token=shell"]


def test_ini_is_a_profile_of_the_roles_name(stack: Stack, home: Path, instance: str) -> None:
    script = f'{CURL}?format=ini" > credentials && AWS_SHARED_CREDENTIALS_FILE=credentials {LIST} --profile instances'
    done = run("sh", script, home, place(stack))
    assert (done.returncode, done.stdout.strip()) == (0, instance), done.stderr


@pytest.mark.parametrize(
    ("query", "accept", "content_type", "beginning"),
    [
        ("", None, "application/json", '{"Credentials":'),
        ("", "*/*", "application/json", '{"Credentials":'),
        ("?format=json", None, "application/json", '{"Credentials":'),
        ("?format=json", "text/x-fish", "application/json", '{"Credentials":'),
        ("?format=process", None, "application/json", '{"Version": 1,'),
        ("", "application/vnd.credvend.process+json", "application/vnd.credvend.process+json", '{"Version": 1,'),
        ("?format=env", None, "text/x-shellscript; charset=utf-8", "export AWS_ACCESS_KEY_ID='"),
        ("?format=env", "application/json", "text/x-shellscript; charset=utf-8", "export AWS_ACCESS_KEY_ID='"),
        ("", "text/x-shellscript", "text/x-shellscript; charset=utf-8", "export AWS_ACCESS_KEY_ID='"),
        ("", "application/x-sh", "application/x-sh", "export AWS_ACCESS_KEY_ID='"),
        ("?format=fish", None, "text/x-fish; charset=utf-8", "if true\nset -gx AWS_ACCESS_KEY_ID '"),
        ("", "text/html, text/x-fish;q=0.5", "text/x-fish; charset=utf-8", "if true\nset -gx AWS_ACCESS_KEY_ID '"),
        ("?format=powershell", None, "text/x-powershell; charset=utf-8", "$Env:AWS_ACCESS_KEY_ID = '"),
        ("?format=ini", None, "text/x-ini; charset=utf-8", "[instances]\naws_access_key_id = "),
    ],
)
def test_query_or_accept_choose_the_form(
    stack: Stack, token: str, query: str, accept: str | None, content_type: str, beginning: str
) -> None:
    answer = post(stack, token, query, accept)
    assert answer.status == 200, answer.text
    assert answer.headers["Content-Type"] == content_type and answer.text.startswith(beginning)
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Content-Type-Options"] == "nosniff"
    if not answer.text.startswith("{"):
        found = re.findall(r"(?i)aws_(?:access_key_id|secret_access_key|session_token)\W+([^'\n]+)", answer.text)
        stack.vended.append(Key(*found))


@pytest.mark.parametrize(
    ("query", "accept", "status", "code"),
    [
        ("?format=yaml", None, 400, "InvalidRequest"),
        ("?format=", None, 400, "InvalidRequest"),
        ("?format=env&format=env", None, 400, "InvalidRequest"),
        ("?Format=env", None, 400, "InvalidRequest"),
        ("", "text/html", 406, "NotAcceptable"),
    ],
)
def test_a_form_that_there_is_not_is_refused(
    stack: Stack, token: str, query: str, accept: str | None, status: int, code: str
) -> None:
    answer = post(stack, token, query, accept)
    assert (answer.status, answer.body["Code"]) == (status, code)


def test_callers_that_sign_choose_the_form_too(stack: Stack) -> None:
    answer = stack.call("POST", "/v1/iam/credentials?format=process", b'{"role": "instances"}')
    assert answer.status == 200 and answer.body["Version"] == 1 and answer.body["AccountId"] == ACCOUNT
    assert stack.ec2(answer.key).describe_instances()["ResponseMetadata"]["HTTPStatusCode"] == 200
