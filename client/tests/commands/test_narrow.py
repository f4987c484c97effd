"""A lease of the session that a process has, made by AWS: the service hears nothing, and nothing else is made of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_service import SECRET, FakeService
from fake_sts import LEASED, FakeSts, fake_sts
from running import credvend, with_command

from credvend.own_session import marked

pytest.importorskip("botocore")
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
KEY = "ASIASESSION"


@pytest.fixture
def sts() -> Iterator[FakeSts]:
    with fake_sts() as started:
        yield started


@pytest.fixture
def inside(environ: dict[str, str], sts: FakeSts) -> dict[str, str]:
    """The environment of a command that has a role's session, and of whom credvend knows nothing else."""
    own = {name: value for name, value in environ.items() if not name.startswith("CREDVEND_")}
    session = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "secret-of-session", "AWS_SESSION_TOKEN": "token"}
    named = {"CREDVEND_SESSION": marked("reports", KEY), "CREDVEND_ROLE": "reports"}
    where = {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_STS": sts.url, "AWS_EC2_METADATA_DISABLED": "true"}
    return {**own, **session, **named, **where}


@pytest.fixture
def task(tmp_path: Path) -> Path:
    path = tmp_path / "task.json"
    path.write_text(json.dumps(POLICY, indent=4))
    return path


def test_a_lease_is_asked_of_aws_alone_and_with_nothing_but_what_was_said(
    inside: dict[str, str], sts: FakeSts, service: FakeService, task: Path
) -> None:
    words = ("narrow", "--duration", "1m", "--policy", str(task), "--reason", "task 42")
    done = credvend(inside, *words)
    assert done.returncode == 0, done.stderr
    (asked,) = sts.asked
    assert asked.pop("Version") and asked == {
        "Action": "GetScopedCredentials",
        "DurationSeconds": "60",
        "Policy": json.dumps(POLICY, separators=(",", ":")),
        "ScopedSessionDescription": "task 42",
    }
    assert (sts.signed_with, sts.regions, service.asked) == ([KEY], ["eu-west-1"], [])
    given = json.loads(done.stdout)
    assert given.pop("Credentials").keys() == {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
    assert given == {
        "AssumedRoleUser": {"AssumedRoleId": "AROAEXAMPLE:token=nightly", "Arn": sts.arn},
        "SourceIdentity": "token=nightly",
    }


def test_a_command_has_the_lease_and_nothing_of_the_session(inside: dict[str, str], tmp_path: Path) -> None:
    more = {"AWS_ROLE_SESSION_NAME": "mine", "CREDVEND_TOKEN": "cvt_mine", "AWS_SECURITY_TOKEN": "token"}
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    for dashes in (["--"], []):
        done = credvend({**inside, **more}, "narrow", "--duration", "60s", *dashes, sys.executable, "-c", program)
        seen = json.loads(done.stdout)
        assert {name: value for name, value in seen.items() if name.startswith(("AWS_", "CREDVEND_"))} == {
            "AWS_ACCESS_KEY_ID": "ASIALEASE",
            "AWS_SECRET_ACCESS_KEY": LEASED,
            "AWS_SESSION_TOKEN": "token-of-the-lease",
            "AWS_CREDENTIAL_EXPIRATION": seen["AWS_CREDENTIAL_EXPIRATION"],
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL_STS": inside["AWS_ENDPOINT_URL_STS"],
            "AWS_EC2_METADATA_DISABLED": "true",
            "CREDVEND_SESSION": "reports ASIALEASE",
            "CREDVEND_ROLE": "reports",
        }
        assert "secret-of-session" not in done.stdout and done.stderr == ""


def test_the_exit_code_is_the_command_s_and_one_that_cannot_be_run_is_told(inside: dict[str, str]) -> None:
    codes = [
        credvend(inside, "narrow", "--duration", "9s", "--", *command).returncode
        for command in (["sh", "-c", "exit 7"], ["no-such-command"], ["/"])
    ]
    assert codes == [7, 127, 126]


@pytest.mark.parametrize("form", ["process", "env", "ini", "dotenv", "docker"])
def test_it_prints_what_get_prints(inside: dict[str, str], form: str) -> None:
    done = credvend(inside, "narrow", "--duration", "60s", "--format", form)
    assert done.returncode == 0 and LEASED in done.stdout
    if form == "process":
        assert json.loads(done.stdout)["AccountId"] == "111122223333"
    if form == "ini":
        assert done.stdout.startswith("[reports]\n") and "region" in done.stdout


def test_a_shell_goes_on_with_the_lease_and_fails_without_one(
    inside: dict[str, str], sts: FakeSts, tmp_path: Path
) -> None:
    environ = with_command(inside, tmp_path)
    script = 'set -e; eval "$(credvend narrow --duration 60s --format env)"; credvend status; echo $AWS_ACCESS_KEY_ID'
    done = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[1:] == ["ASIALEASE"] and done.stdout.startswith("reports "), done.stderr
    sts.refusal = ("AccessDenied", "No.", 403)
    done = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and done.stdout == ""


def test_a_command_s_own_format_is_none_of_narrow_s(inside: dict[str, str], sts: FakeSts) -> None:
    sts.refusal = ("AccessDenied", "No.", 403)
    done = credvend(inside, "narrow", "--duration", "60s", "--", "tool", "--format", "env")
    assert (done.returncode, done.stdout) == (4, "")


def test_an_endpoint_s_session_is_one_to_make_a_lease_of(
    environ: dict[str, str], sts: FakeSts, service: FakeService
) -> None:
    where = {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_STS": sts.url, "AWS_EC2_METADATA_DISABLED": "true"}
    lease = [sys.executable, "-m", "credvend", "narrow", "--duration", "60s", "--format", "process"]
    done = credvend({**environ, **where}, "exec", "--serve", "reports", "--", *lease)
    assert json.loads(done.stdout)["AccessKeyId"] == "ASIALEASE", done.stderr
    assert sts.signed_with == ["ASIAEXAMPLE1"] and len(service.asked) == 1


@pytest.mark.parametrize(
    ("variables", "region", "expected"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}, None, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "us-east-1"}, None, "us-east-1"),
        ({"AWS_REGION": "eu-west-1"}, "us-east-1", "us-east-1"),
    ],
)
def test_the_region_is_said_or_that_of_aws_s_tools(
    inside: dict[str, str], sts: FakeSts, variables: dict[str, str], region: str | None, expected: str
) -> None:
    del inside["AWS_REGION"]
    options = ["--region", region] if region else []
    assert credvend({**inside, **variables}, "narrow", "--duration", "60s", *options).returncode == 0
    assert sts.regions == [expected]


@pytest.mark.parametrize("legacy", ["legacy", "regional"])
def test_the_global_endpoint_is_never_asked(
    inside: dict[str, str], legacy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.client import BaseClient

    from credvend.errors import ServiceError
    from credvend.vending.narrowing import Narrowing, narrow

    del inside["AWS_ENDPOINT_URL_STS"]
    for name, value in {**inside, "AWS_STS_REGIONAL_ENDPOINTS": legacy}.items():
        monkeypatch.setenv(name, value)
    hosts: list[str] = []

    def refuse(client: BaseClient, operation: str, request: dict[str, Any], context: object) -> tuple[Any, Any]:
        hosts.append(request["url"])
        raise ValueError("asked enough")

    monkeypatch.setattr(BaseClient, "_make_request", refuse)
    with pytest.raises(ServiceError, match="asked enough"):
        narrow(Narrowing(60), "us-east-1", inside)
    assert hosts == ["https://sts.us-east-1.amazonaws.com/"]


REFUSALS = {
    "InsufficientSessionLifetime": (2, "ask for a shorter --duration"),
    "MalformedPolicyDocument": (2, "is it an IAM policy"),
    "PackedPolicyTooLarge": (2, "make it shorter"),
    "ValidationError": (2, "does not take the request"),
    "InvalidSubjectCredentials": (3, "a session that lives"),
    "ExpiredToken": (3, "has ended"),
    "InvalidClientTokenId": (3, "get a new one"),
    "AccessDenied": (4, "must allow sts:GetScopedCredentials; and no session is narrowed by more than three"),
    "SomethingElse": (5, "(SomethingElse)"),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_says_what_to_do(inside: dict[str, str], sts: FakeSts, code: str) -> None:
    sts.refusal = (code, "Said by \u009b31mSTS.", 400)
    done = credvend(inside, "narrow", "--duration", "60s", "--", "echo", "ran")
    exit_code, advice = REFUSALS[code]
    assert done.returncode == exit_code and done.stdout == "" and advice in done.stderr
    assert "\u009b" not in done.stderr and done.stderr.count("\n") == 1


def test_what_aws_cannot_be_asked_is_no_fault_of_credvend(inside: dict[str, str], sts: FakeSts) -> None:
    sts.arn = "arn:aws:sts::111122223333:federated-user/alice"
    done = credvend(inside, "narrow", "--duration", "60s")
    assert done.returncode == 5 and "no credentials of a role's session" in done.stderr and LEASED not in done.stderr
    sts.arn = "<"
    done = credvend(inside, "narrow", "--duration", "60s")
    assert done.returncode == 5 and "cannot be asked" in done.stderr and LEASED not in done.stderr
    done = credvend({**inside, "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1"}, "narrow", "--duration", "60s")
    assert done.returncode == 5 and "cannot be asked" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--duration, or --policy, or both"),
        (["--reason", "x"], "--duration, or --policy, or both"),
        (["--duration", "0"], "a second at least"),
        (["--duration", "soon"], "write 30m"),
        (["--duration", "60s", "--reason", "x"], "2 to 256 characters"),
        (["--duration", "60s", "--reason", "x" * 257], "2 to 256 characters"),
        (["--duration", "60s", "--region", "nowhere"], "no region nowhere"),
        (["--duration", "60s", "--format", "env", "--", "true"], "leave out --format"),
        (["--duration", "60s", "--format", "github"], "GITHUB_ENV"),
    ],
)
def test_a_mistake_is_told_before_aws_is_asked(
    inside: dict[str, str], sts: FakeSts, words: list[str], said: str
) -> None:
    done = credvend(inside, "narrow", *words)
    assert done.returncode == 2 and said in done.stderr and sts.asked == []


def test_without_a_region_or_a_session_it_says_what_to_do(inside: dict[str, str], sts: FakeSts) -> None:
    def told(**changed: str | None) -> str:
        environ = {name: value for name, value in {**inside, **changed}.items() if value is not None}
        done = credvend(environ, "narrow", "--duration", "60s")
        assert done.returncode == 2 and done.stdout == ""
        return done.stderr

    assert "--region, or AWS_REGION" in told(AWS_REGION=None)
    assert "There is no session here" in told(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert "long-lived keys" in told(AWS_SESSION_TOKEN=None)
    assert sts.asked == []


def test_a_profile_that_credvend_serves_is_not_asked_for_its_session(
    inside: dict[str, str], sts: FakeSts, service: FakeService, tmp_path: Path
) -> None:
    own = {name: value for name, value in inside.items() if not name.startswith(("AWS_A", "AWS_S", "CREDVEND"))}
    program = f"{sys.executable} -m credvend process reports"
    Path(own["HOME"], ".aws").mkdir()
    Path(own["HOME"], ".aws/config").write_text(f"[profile reports]\ncredential_process = {program}\n")
    words = ("narrow", "--duration", "60s")
    own |= {"CREDVEND_URL": service.url, "CREDVEND_TOKEN": "cvt_mine", "AWS_PROFILE": "reports"}
    done = credvend(own, *words)
    assert done.returncode == 2 and "credvend exec --duration" in done.stderr
    assert sts.asked == [] and service.asked == []


def test_a_reason_is_one_line_of_what_sts_takes(inside: dict[str, str], sts: FakeSts) -> None:
    reason = "task\n42 \x1b[2J\u202e caf\u00e9 \u2603"
    assert credvend(inside, "narrow", "--duration", "60s", "--reason", reason).returncode == 0
    assert sts.asked[0]["ScopedSessionDescription"] == "task 42 ?[2J? caf\u00e9 ?"


# Policies


def narrowed(inside: dict[str, str], policy: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "credvend", "narrow", "--policy", policy]
    return subprocess.run(command, env=inside, input=stdin, capture_output=True, text=True, check=False, timeout=60)


def test_a_policy_comes_from_a_file_a_link_a_pipe_or_standard_input(
    inside: dict[str, str], sts: FakeSts, task: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(task)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", f"cat {task} > {pipe}"]):
        assert narrowed(inside, str(pipe)).returncode == 0
    assert narrowed(inside, str(link)).returncode == 0
    assert narrowed(inside, "-", task.read_text()).returncode == 0
    assert [json.loads(asked["Policy"]) for asked in sts.asked] == [POLICY] * 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("nonsense", "not JSON"),
        ("[]", "must be a JSON object"),
        ("[" * 30_000, "nested too deeply"),
        ('{"Version": "1", "Version": "2"}', '"Version" twice'),
        ("{" + " " * 70_000 + "}", "longer than any"),
        ("\0", "cannot be read"),
    ],
)
def test_what_is_no_policy_is_sent_nowhere(
    inside: dict[str, str], sts: FakeSts, task: Path, text: str, said: str
) -> None:
    task.write_text(text)
    for done in (narrowed(inside, str(task)), narrowed(inside, "-", text)):
        assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
    assert sts.asked == []


def test_a_policy_that_others_can_change_or_that_has_no_end_is_refused(
    inside: dict[str, str], sts: FakeSts, task: Path, tmp_path: Path
) -> None:
    task.chmod(0o666)
    link = tmp_path / "link.json"
    link.symlink_to(task)
    for path in (task, link):
        done = narrowed(inside, str(path))
        assert done.returncode == 2 and "not believed" in done.stderr
    for path in (Path("/dev/zero"), tmp_path, tmp_path / "missing"):
        done = narrowed(inside, str(path))
        assert done.returncode == 2 and "policy" in done.stderr
    assert sts.asked == []


def test_nothing_secret_is_on_a_command_line(inside: dict[str, str], tmp_path: Path) -> None:
    program = "print(open('/proc/self/cmdline').read()); import os; print(open(f'/proc/{os.getppid()}/cmdline').read())"
    done = credvend(inside, "narrow", "--duration", "60s", "--", sys.executable, "-c", program)
    assert done.returncode == 0 and not any(secret in done.stdout for secret in (LEASED, SECRET, "secret-of-session"))


def test_the_lease_of_exec_is_the_service_s_and_has_its_policy(
    environ: dict[str, str], service: FakeService, task: Path
) -> None:
    service.lifetime = 60
    program = "import os; print(os.environ['AWS_ACCESS_KEY_ID'], os.environ['AWS_CREDENTIAL_EXPIRATION'])"
    words = ("--duration", "60s", "--policy", str(task), "--reason", "task 42", "reports")
    seen = [credvend(environ, "exec", *words, "--", sys.executable, "-c", program).stdout.split() for _ in range(2)]
    assert seen[0] == seen[1] and seen[0][1] <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
    assert [asked.json for asked in service.asked] == [
        {"role": "reports", "duration": 60, "reason": "task 42", "policy": POLICY}
    ]
