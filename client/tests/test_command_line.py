"""What people and scripts type, and what they read."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal as signals
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from fake_service import SECRET, TOKEN, FakeService, Planned

from credvend import __version__, lean
from credvend.command_line import help_text, run
from credvend.commands.names import COMMANDS
from credvend.text import messages


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """One command's --verbose is not the next one's."""
    monkeypatch.setattr(messages, "_verbose", False)


def credvend(environ: dict[str, str], *words: str, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "credvend", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False, **more)  # type: ignore[call-overload,no-any-return]


# Help, mistakes


def test_help_fits_a_terminal_names_every_command_and_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"], {}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 23 and max(map(len, lines)) <= 80
    assert {line.split()[0] for line in lines if line.startswith("  ")} >= set(COMMANDS) | {"credvend"}
    assert "\n".join(lines) == help_text()


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"], {}) == 0 and capsys.readouterr().out == f"credvend {__version__}\n"
    pyproject = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert f'version = "{__version__}"' in pyproject


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"], {}) == 0
    assert f"credvend {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["--nonsense"],
        ["nonsense"],
        ["get"],
        ["get", "reports", "--format", "xml"],
        ["get", "reports", "--nonsense"],
        ["get", "reports", "--dur", "15m"],
        ["get", "reports", "--tag", "nonsense"],
        ["get", "reports", "--param", "=x"],
        ["get", "reports", "--tag", "a=1", "--tag", "a=2"],
        ["get", "reports", "--policy", "/nowhere"],
        ["get", "reports", "--", "ls"],
        ["get", "reports", "--dry-run", "--format", "process"],
        ["exec", "reports"],
        ["exec", "reports", "--"],
        ["cache"],
        ["cache", "burn"],
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    environ: dict[str, str], words: list[str], capsys: pytest.CaptureFixture[str], service: FakeService
) -> None:
    assert run(words, environ) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("credvend: ") and len(said.err.splitlines()) == 1
    assert service.asked == []


def test_nothing_typed_is_answered_with_help_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([], {}) == 2 and "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [(400, "InvalidRequest", 2), (401, "InvalidToken", 3), (403, "AccessDenied", 4), (502, "StsRefused", 5)],
)
def test_each_refusal_is_one_line_with_its_exit_code(
    service: FakeService, environ: dict[str, str], status: int, code: str, exit_code: int
) -> None:
    body = {"Code": code, "Message": "Told so.", "RequestId": "r-1"}
    service.planned = [Planned(status, body, {"Retry-After": "60"})]
    done = credvend(environ, "get", "reports")
    assert (done.returncode, done.stdout, done.stderr) == (exit_code, "", "credvend: Told so. (request r-1)\n")


def test_an_unforeseen_error_is_one_line_without_values(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("credvend.vending.service.Service.whoami", fail)
    assert run(["whoami"], environ) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "--verbose" in said and SECRET not in said
    assert run(["--verbose", "whoami"], environ) == 1
    said = capsys.readouterr().err
    assert "test_command_line.py" in said and SECRET not in said


def test_verbose_says_what_is_done_and_no_secret(service: FakeService, environ: dict[str, str]) -> None:
    asked = credvend(environ, "--verbose", "get", "reports").stderr
    found = credvend(environ, "get", "reports", "--verbose", "--format", "env").stderr
    assert f"POST {service.url}/v1/credentials" in asked and "found in the cache" in found
    assert not any(secret in asked + found for secret in (SECRET, TOKEN, environ["CREDVEND_TOKEN"]))


def test_a_reader_that_leaves_early_is_no_fault(environ: dict[str, str]) -> None:
    # The first of them asks the service, the second is the fast path.
    for words in (["process", "reports"], ["process", "reports"], ["get", "reports"], ["--help"], ["get", "--help"]):
        reader, writer = os.pipe()
        os.close(reader)
        command = [sys.executable, "-m", "credvend", *words]
        done = subprocess.run(command, env=environ, stdout=writer, stderr=subprocess.PIPE, check=False)
        os.close(writer)
        assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("words", [["process", "reports"], ["get", "reports"], ["--help"], ["get", "--help"]])
@pytest.mark.parametrize(("redirected", "why"), [(">&-", "Bad file descriptor"), ("> /dev/full", "No space left")])
def test_output_that_cannot_be_written_is_said_in_one_line(
    environ: dict[str, str], words: list[str], redirected: str, why: str
) -> None:
    command = f"exec {sys.executable} -m credvend {' '.join(words)} {redirected}"
    for _ in range(2):  # from the service, and from the cache
        done = subprocess.run(["sh", "-c", command], env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("credvend: standard output cannot be written: ") and why in done.stderr


def test_much_output_that_cannot_be_written_is_said_in_one_line_too(
    service: FakeService, environ: dict[str, str]
) -> None:
    service.roles = [{"Role": "reports", "Description": "x" * 100_000}]
    command = f"exec {sys.executable} -m credvend roles > /dev/full"
    done = subprocess.run(["sh", "-c", command], env=environ, capture_output=True, text=True, check=False)
    said = "credvend: standard output cannot be written: No space left on device.\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_nothing_but_the_answer_is_on_standard_output_when_standard_error_is_closed(
    environ: dict[str, str], service: FakeService, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    service.ahead = 600  # of which is warned, as of a cache that cannot be
    environ["CREDVEND_CACHE_DIR"] = str(tmp_path / "file/below")
    command = f"exec {sys.executable} -m credvend process reports 2>&-"
    done = subprocess.run(["sh", "-c", command], env=environ, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["Version"] == 1
    command = f"exec {sys.executable} -m credvend 2>&-"
    done = subprocess.run(["sh", "-c", command], env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


# get, process


def test_get_prints_what_the_service_answered(service: FakeService, environ: dict[str, str]) -> None:
    for _ in range(2):  # from the service, and from the cache
        answer = json.loads(credvend(environ, "get", "reports").stdout)
        assert answer["AssumedRoleUser"]["Arn"].endswith("assumed-role/reports/token=nightly")
        assert answer["Credentials"]["SecretAccessKey"] == SECRET and answer["RequestId"] == "request-1"
    assert len(service.asked) == 1


def test_one_cached_answer_serves_every_format_and_process(service: FakeService, environ: dict[str, str]) -> None:
    for name in ("json", "process", "env", "fish", "powershell", "ini"):
        assert SECRET in credvend(environ, "get", "reports", "--format", name).stdout
    assert (
        credvend(environ, "process", "reports").stdout
        == credvend(environ, "get", "reports", "--format", "process").stdout
    )
    assert len(service.asked) == 1


def test_get_passes_every_option_on(service: FakeService, environ: dict[str, str], tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"Version": "2012-10-17"}')
    options = ["--duration", "15m", "--reason", "why", "--param", "a=b=c", "--tag", "t=1", "--tag", "u="]
    assert credvend(environ, "get", "reports", *options, "--policy", str(policy)).returncode == 0
    assert service.asked[0].json == {
        "role": "reports", "duration": 900, "reason": "why", "params": {"a": "b=c"}, "tags": {"t": "1", "u": ""},
        "policy": {"Version": "2012-10-17"},
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_policy_as_windows_writes_it_is_read(
    service: FakeService, environ: dict[str, str], tmp_path: Path, encoding: str
) -> None:
    policy = tmp_path / "policy.json"
    policy.write_bytes('{"Version": "2012-10-17"}\r\n'.encode(encoding))
    assert run(["get", "reports", "--policy", str(policy)], environ) == 0
    assert service.asked[0].json["policy"] == {"Version": "2012-10-17"}


def test_another_content_of_a_policy_is_another_answer(
    service: FakeService, environ: dict[str, str], tmp_path: Path
) -> None:
    policy = tmp_path / "policy.json"
    for text in ('{"Version": "2012-10-17"}', '{"Version": "2008-10-17"}'):
        policy.write_text(text)
        assert credvend(environ, "process", "reports", "--policy", str(policy)).returncode == 0
    assert len(service.asked) == 2


def test_dry_run_explains_and_caches_nothing(service: FakeService, environ: dict[str, str]) -> None:
    service.planned = [Planned(200, {"DryRun": True, "Decision": "allow"})]
    done = credvend(environ, "get", "reports", "--dry-run")
    assert json.loads(done.stdout)["DryRun"] is True and service.asked[0].json["dry_run"] is True
    assert not Path(lean.cache_directory(environ)).exists()


def test_process_prints_what_sdks_read(service: FakeService, environ: dict[str, str]) -> None:
    slow, fast = (json.loads(credvend(environ, "process", "reports").stdout) for _ in range(2))
    assert slow == fast and len(service.asked) == 1
    assert slow.keys() == {"Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "AccountId"}
    assert slow["Version"] == 1 and slow["AccountId"] == "111122223333"


def test_the_cache_can_be_cleared(service: FakeService, environ: dict[str, str]) -> None:
    credvend(environ, "process", "reports")
    done = credvend(environ, "cache", "clear")
    assert done.returncode == 0 and done.stderr == "credvend: removed 1 cached credentials\n"
    credvend(environ, "process", "reports")
    assert len(service.asked) == 2


# exec


def test_exec_gives_one_command_the_environment_and_nothing_that_competes(environ: dict[str, str]) -> None:
    environ = {
        **environ,
        "CREDVEND_ID_TOKEN": "a.b.c",
        "AWS_CREDENTIAL_FILE": "/x",
        "AWS_PROFILE": "other",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/x",
        "AWS_REGION": "eu-west-1",
    }
    done = credvend(environ, "exec", "reports", "--", "env")
    seen = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert (seen["AWS_SECRET_ACCESS_KEY"], seen["AWS_SESSION_TOKEN"]) == (SECRET, TOKEN)
    assert seen["AWS_CREDENTIAL_EXPIRATION"].endswith("Z") and seen["CREDVEND_ROLE"] == "reports"
    assert "AWS_CREDENTIAL_FILE" not in seen and "CREDVEND_TOKEN" not in seen and seen["CREDVEND_URL"]
    assert "a.b.c" not in done.stdout
    assert "AWS_PROFILE" not in seen and "AWS_WEB_IDENTITY_TOKEN_FILE" not in seen and seen["AWS_REGION"] == "eu-west-1"


def test_exec_leaves_no_place_where_an_sdk_would_find_other_credentials(environ: dict[str, str]) -> None:
    others = {
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SECURITY_TOKEN",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CREDENTIAL_FILE",
    }
    assert others == {*lean.AWS_SOURCES, "AWS_SECURITY_TOKEN"}
    done = credvend({**environ, **dict.fromkeys(others, "/x")}, "exec", "reports", "--", "env")
    assert not {line.partition("=")[0] for line in done.stdout.splitlines()} & others and done.returncode == 0


def test_exec_passes_arguments_output_and_exit_code_on(environ: dict[str, str]) -> None:
    done = credvend(
        environ, "exec", "reports", "--", "sh", "-c", 'cat; echo "$@"; exit 7', "sh", "--", "-x", input="in\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "in\n-- -x\n", "")


def test_exec_takes_the_words_behind_the_role_for_the_command(environ: dict[str, str]) -> None:
    for words in (
        ["reports", "sh", "-c", 'echo "$@"', "sh", "--duration", "-h"],
        ["--duration", "15m", "reports", "--reason", "why", "sh", "-c", 'echo "$@"', "--", "--duration", "-h"],
        ["reports", "--reason=why", "--", "sh", "-c", 'echo "$@"', "--", "--duration", "-h"],
    ):
        done = credvend(environ, "exec", *words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "--duration -h\n", ""), words


def test_what_was_meant_is_guessed(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    for words, meant in ((["rolse"], "roles"), (["get", "reports", "--fromat", "env"], "--format")):
        assert run(words, environ) == 2
        assert f"Did you mean '{meant}'?" in capsys.readouterr().err


@pytest.mark.parametrize("signal", ["TERM", "INT", "PIPE", "XFSZ", "KILL"])
@pytest.mark.parametrize("options", [[], ["--serve"]])
def test_exec_ends_as_its_command_does(environ: dict[str, str], options: list[str], signal: str) -> None:
    done = credvend(environ, "exec", *options, "reports", "--", "sh", "-c", f"kill -{signal} $$")
    assert (done.returncode, done.stderr) == (-getattr(signals, f"SIG{signal}"), "")


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_CORE)[1] == 0, reason="no process may leave its memory here")
def test_a_command_that_crashes_leaves_no_memory_of_credvend(environ: dict[str, str], tmp_path: Path) -> None:
    """It would hold the caller's token, and the credentials."""
    command = [sys.executable, "-m", "credvend", "exec", "--serve", "reports"]
    command += ["--", "sh", "-c", "ulimit -c 0; kill -SEGV $$"]
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]

    def may_leave_memory() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))

    with subprocess.Popen(command, env=environ, cwd=tmp_path, preexec_fn=may_leave_memory) as process:
        _, status = os.waitpid(process.pid, 0)
        process.returncode = 0
    assert os.WTERMSIG(status) == signals.SIGSEGV and not os.WCOREDUMP(status)


def test_exec_hands_signals_to_its_command(environ: dict[str, str]) -> None:
    command = [
        sys.executable,
        "-m",
        "credvend",
        "exec",
        "reports",
        "--",
        "sh",
        "-c",
        "trap 'exit 9' TERM; echo up; cat",
    ]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"up\n"
        process.terminate()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 9


def test_exec_does_not_nest_silently(environ: dict[str, str], tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(environ.pop("CREDVEND_TOKEN"))
    token.chmod(0o600)
    environ["CREDVEND_TOKEN_FILE"] = str(token)  # which goes to the command, as the variable does not
    nested = ["exec", "reports", "--", sys.executable, "-m", "credvend", "exec", "other"]
    done = credvend(environ, *nested, "--", "true")
    assert done.returncode == 2 and "credvend exec reports" in done.stderr
    done = credvend(environ, *nested, "--nest", "--", "sh", "-c", "echo $CREDVEND_ROLE")
    assert (done.returncode, done.stdout) == (0, "other\n")


def test_exec_tells_a_command_that_is_not_there_from_one_that_cannot_run(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("")
    assert credvend(environ, "exec", "reports", "--", "no-such-command").returncode == 127
    assert credvend(environ, "exec", "reports", "--", str(tmp_path / "data")).returncode == 126


def test_exec_starts_nothing_without_credentials(service: FakeService, environ: dict[str, str]) -> None:
    service.planned = [Planned(403, {"Code": "AccessDenied", "Message": "No."})]
    done = credvend(environ, "exec", "reports", "--", "echo", "started")
    assert (done.returncode, done.stdout) == (4, "")


def test_ctrl_c_ends_a_loop_too(service: FakeService, environ: dict[str, str]) -> None:
    """A shell goes on after a command that exits, and stops after one that the signal has ended."""
    service.gate.clear()
    command = [sys.executable, "-m", "credvend", "whoami"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 20
        while not service.asked and time.monotonic() < deadline:
            os.sched_yield()
        process.send_signal(signals.SIGINT)
        assert process.wait(30) == -signals.SIGINT
        assert process.stderr is not None and process.stderr.read() == b""
    service.gate.set()


def test_what_the_locale_cannot_show_is_shown_by_number(service: FakeService, environ: dict[str, str]) -> None:
    service.roles = [{"Role": "reports", "Description": "Berichte f\u00fcr uns \u2713"}]
    done = credvend({**environ, "PYTHONIOENCODING": "ascii"}, "roles")
    assert done.returncode == 0 and "f\\xfcr uns \\u2713" in done.stdout


# roles, whoami


ROLES = [
    {
        "Role": "reports",
        "DefaultDurationSeconds": 3600,
        "MaxDurationSeconds": 5400,
        "Description": "Read \x1b[31mreports",
    },
    {"Role": "a-longer-name", "DefaultDurationSeconds": 900, "MaxDurationSeconds": 900, "ReasonRequired": True},
]


def test_roles_are_a_table_for_people(service: FakeService, environ: dict[str, str]) -> None:
    service.roles = ROLES
    assert credvend(environ, "roles").stdout.splitlines() == [
        "ROLE           DEFAULT  LONGEST  REASON    DESCRIPTION",
        "reports        1h       1h30m              Read ?[31mreports",
        "a-longer-name  15m      15m      required",
    ]


def test_parameters_are_listed_where_there_are_any(service: FakeService, environ: dict[str, str]) -> None:
    service.roles = [
        {"Role": "a", "Params": [{"Name": "bucket"}, {"Name": "prefix", "Required": False}]},
        {"Role": "b"},
    ]
    lines = credvend(environ, "roles").stdout.splitlines()
    assert "PARAMS" in lines[0] and "bucket, [prefix]" in lines[1] and lines[2].split() == ["b"]


def test_roles_and_whoami_are_json_for_scripts(service: FakeService, environ: dict[str, str]) -> None:
    service.roles = ROLES
    assert json.loads(credvend(environ, "roles", "--json").stdout) == ROLES
    assert json.loads(credvend(environ, "whoami", "--json").stdout)["Name"] == "nightly"


def test_no_roles_are_said_to_be_none(environ: dict[str, str]) -> None:
    done = credvend(environ, "roles")
    assert (done.returncode, done.stdout) == (0, "") and "whoami" in done.stderr


def test_whoami_is_a_table_for_people(environ: dict[str, str]) -> None:
    lines = credvend(environ, "whoami").stdout.splitlines()
    assert lines == ["WHAT  VALUE", "Type  ServiceToken", "Name  nightly", "Tags  team=data"]


# Progress


def on_terminal(environ: dict[str, str], service: FakeService, seconds: float) -> str:
    """What a person sees on a terminal while the service takes its time."""
    ours, theirs = pty.openpty()
    service.gate.clear()
    timer = threading.Timer(seconds, service.gate.set)
    command = [sys.executable, "-m", "credvend", "whoami"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        deadline = time.monotonic() + 20
        while not service.asked and time.monotonic() < deadline:
            os.sched_yield()
        timer.start()
        process.wait(30)
    seen = b""
    try:
        while part := os.read(ours, 1000):
            seen += part
    except OSError:  # the end, on Linux
        pass
    os.close(ours)
    return seen.decode()


def test_a_person_is_told_what_takes_long_and_left_in_peace_otherwise(
    service: FakeService, environ: dict[str, str]
) -> None:
    assert on_terminal(environ, service, 1.0) == "credvend: asking the service ...\r\x1b[K"
    service.asked.clear()
    assert on_terminal(environ, service, 0.0) == ""


def test_nobody_is_told_what_takes_long_where_there_is_no_terminal(
    service: FakeService, environ: dict[str, str]
) -> None:
    service.gate.clear()
    threading.Timer(1.2, service.gate.set).start()
    assert credvend(environ, "whoami").stderr == ""
