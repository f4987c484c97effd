"""Each shell itself completes commands, options and roles; and nothing that a service says is run by a shell."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from fake_service import FakeService, Planned
from running import with_command
from terminal import at_a_terminal

from credvend import lean
from credvend.command_line import run
from credvend.commands.known_roles import LONGEST_WAIT
from credvend.commands.names import COMMANDS


@pytest.fixture
def shell(service: FakeService, environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of a shell in which `credvend` is a command, for a caller with two roles."""
    service.roles = [{"Role": "reports"}, {"Role": "billing.read"}]
    return {**with_command(environ, tmp_path), "TERM": "dumb", "LC_ALL": "C.UTF-8"}


def bash(environ: dict[str, str], line: str) -> set[str]:
    """What bash's completion of a line offers."""
    script = 'eval "$(credvend completion bash)"; compopt() { :; }\n'
    script += 'COMP_WORDS=($1); [[ $1 == *" " ]] && COMP_WORDS+=(""); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))\n'
    script += '_credvend_completion credvend; printf "%s\\n" "${COMPREPLY[@]}"'
    command = ["bash", "--norc", "-uc", script, "bash", line]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return set(done.stdout.split())


def fish(environ: dict[str, str], line: str) -> set[str]:
    return {offered.partition("\t")[0] for offered in told_by_fish(environ, line)}


def told_by_fish(environ: dict[str, str], line: str) -> list[str]:
    """What its completion of a line offers, each with its description behind a tabulator."""
    script = "credvend completion fish | source; complete -C $argv[1]"
    command = ["fish", "--no-config", "-c", script, line]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.splitlines()


def zsh(environ: dict[str, str], line: str) -> set[str]:
    """What zsh shows when TAB is pressed at a terminal, as the words of the screen."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(shutil.which("zsh") or "zsh", ["zsh", "-f", "-i"], environ)  # noqa: S606
    try:
        setup = "PS1=; unsetopt zle_bracketed_paste; setopt auto_list no_auto_menu no_list_beep no_list_ambiguous\n"
        setup += "autoload -Uz compinit; compinit -u -D; LISTMAX=10000; bindkey -e; bindkey '^I' list-choices\n"
        setup += "finished() { print -r FINI''SHED }; zle -N finished; bindkey '^Xf' finished\n"
        setup += 'eval "$(credvend completion zsh)"; stty cols 300 rows 200; print -r READ""Y\n'
        os.write(terminal, setup.encode())
        _read_until(terminal, b"READY\r\n")
        # The second key is looked at when the first is done with.
        os.write(terminal, line.encode() + b"\t\x18f")
        seen = _read_until(terminal, b"FINISHED")
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    return set(seen.decode().replace("\x1b[J", " ").split())


def _read_until(terminal: int, wanted: bytes) -> bytes:
    seen = b""
    deadline = time.monotonic() + 60
    while wanted not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 65_536)
    return seen


# Those that are on this machine; bash is on every one that has `make test`.
FOUND = [bash, *(shell for shell in (fish, zsh) if shutil.which(shell.__name__))]
SHELLS = pytest.mark.parametrize("complete", FOUND, ids=lambda shell: shell.__name__)


@SHELLS
def test_commands_are_completed(shell: dict[str, str], complete: object) -> None:
    assert callable(complete)
    assert set(COMMANDS) <= complete(shell, "credvend ")


@SHELLS
def test_roles_are_completed_and_asked_for_once(shell: dict[str, str], service: FakeService, complete: object) -> None:
    assert callable(complete)
    for line in ("credvend get ", "credvend exec ", "credvend console --service ec2 "):
        assert {"reports", "billing.read"} <= complete(shell, line), line
    assert "billing.read" not in complete(shell, "credvend get reports ")
    assert len(service.asked) == 1


@SHELLS
def test_options_and_their_values_are_completed(shell: dict[str, str], complete: object) -> None:
    assert callable(complete)
    assert {"--format", "--duration", "--policy"} <= complete(shell, "credvend get reports --")
    assert {"json", "env", "powershell"} <= complete(shell, "credvend get reports --format ")
    assert {"bash", "zsh", "fish"} <= complete(shell, "credvend completion ")
    assert {"sigv4", "login"} <= complete(shell, "credvend configure --auth ")


@pytest.mark.skipif(fish not in FOUND, reason="there is no fish on this machine")
def test_fish_shows_whole_descriptions(shell: dict[str, str]) -> None:
    assert f"get\t{COMMANDS['get']}" in told_by_fish(shell, "credvend ")
    assert "--format\tdefault: json, as the service answers" in told_by_fish(shell, "credvend get reports --")


@SHELLS
def test_a_command_is_completed_after_the_dashes(shell: dict[str, str], complete: object, tmp_path: Path) -> None:
    assert callable(complete)
    (tmp_path / "bin" / "frobnicate-it").symlink_to("/bin/true")
    offered = complete(shell, "credvend exec reports -- frobnic")
    assert any("frobnicate-it" in word for word in offered)


def in_bash(environ: dict[str, str], *words: str) -> set[str]:
    """What bash's completion offers for the last of these words, split as bash does."""
    script = 'eval "$(credvend completion bash)"; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))\n'
    script += '_credvend_completion credvend; printf "%s\\n" "${COMPREPLY[@]}"'
    command = ["bash", "--norc", "-uc", script, "bash", *words]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("reado",), {"readonly@payments-prod", "readonly@payments-dev"}),
        (("readonly", "@"), {"payments-prod", "payments-dev"}),
        (("readonly", "@", "payments-p"), {"payments-prod"}),
        (("readonly", "@", "nowhere"), set()),
    ],
)
def test_bash_completes_a_role_of_an_account_behind_its_at_sign(
    shell: dict[str, str], service: FakeService, words: tuple[str, ...], offered: set[str]
) -> None:
    """Which it takes for the end of a word, so that only what comes behind is put there."""
    service.roles = [{"Role": name} for name in ("readonly@payments-prod", "readonly@payments-dev", "admin@data")]
    assert in_bash(shell, "credvend", "get", *words) == offered
    assert "--duration" in in_bash(shell, "credvend", "get", "readonly", "@", "payments-prod", "--")


@SHELLS
def test_a_role_of_an_account_is_completed(shell: dict[str, str], service: FakeService, complete: object) -> None:
    assert callable(complete)
    service.roles = [{"Role": "readonly@payments-prod"}, {"Role": "admin@data"}]
    assert "readonly@payments-prod" in complete(shell, "credvend get read")


def test_bash_completes_a_value_after_an_equals_sign(shell: dict[str, str]) -> None:
    assert {"env", "json"} <= in_bash(shell, "credvend", "get", "--format", "=")
    assert in_bash(shell, "credvend", "get", "--format", "=", "po") == {"powershell"}
    assert "login" in in_bash(shell, "credvend", "configure", "--auth", "=", "l")
    assert in_bash(shell, "credvend", "get", "--format", "=", "env", "rep") == {"reports"}
    assert in_bash(shell, "credvend", "get", "reports", "--format", "=", "env", "") == set()


def test_a_wrong_configuration_does_not_disturb_a_shell_that_starts(
    environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config"
    path.write_text("nonsense\n")
    environ["CREDVEND_CONFIG"] = str(path)
    for name in ("bash", "zsh", "fish"):
        assert run(["completion", name], environ) == 0
    assert capsys.readouterr().err == ""


def test_nothing_that_a_service_says_is_run(shell: dict[str, str], service: FakeService, tmp_path: Path) -> None:
    hostile = ["$(touch pwned)", "`touch pwned`", "a;touch pwned", "a\nb", "-x y", "*", "é", "-x", "--yes"]
    service.roles = [{"Role": name} for name in [*hostile, "reports"]]
    assert bash({**shell, "PWD": str(tmp_path)}, "credvend get ") == {"reports"}
    assert not Path("pwned").exists()


def entered_in_bash(environ: dict[str, str], directory: Path, *lines: str) -> None:
    """Type lines in bash at a terminal, each with TAB and ENTER behind it."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(directory)
        os.execve(shutil.which("bash") or "bash", ["bash", "--norc", "--noprofile", "-i"], environ)  # noqa: S606
    try:
        os.write(terminal, b'PS1=; eval "$(credvend completion bash)"; echo READY""NOW\n')
        _read_until(terminal, b"READYNOW\r\n")
        for line in lines:
            os.write(terminal, line.encode() + b"\t\n" + b'echo FINI""SHED\n')
            _read_until(terminal, b"FINISHED\r\n")
    finally:
        os.close(terminal)
        os.waitpid(child, 0)


def test_bash_runs_nothing_that_a_file_is_called(shell: dict[str, str], tmp_path: Path) -> None:
    """Not where bash-completion, which would quote it, is not installed either: as on many a macOS."""
    directory = tmp_path / "repository"
    directory.mkdir()
    for name in ("a$(touch ran)", "b;touch ran;", "c`touch ran`"):
        (directory / name).write_text("")
        (directory / name).chmod(0o755)
    lines = [f"credvend exec reports -- {typed}" for typed in ("echo a", "echo b", "echo c", "./a", "./b", "./c")]
    entered_in_bash(shell, directory, *lines, "credvend exec reports -- rm a")
    assert not (directory / "ran").exists()
    assert {file.name for file in directory.iterdir()} == {"b;touch ran;", "c`touch ran`"}, "it was completed"


def test_tab_runs_nothing_of_the_working_directory(
    service: FakeService,
    environ: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It may be anybody's repository, and Python looks for modules there first, unless it is kept from it."""
    service.roles = [{"Role": "reports"}]
    repository = tmp_path / "repository"
    repository.mkdir()
    for name in ("credvend", "click", "json", "os", "sys", "sitecustomize"):
        (repository / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.chdir(repository)
    assert asked(environ, monkeypatch) == 0
    assert not (tmp_path / "ran").exists()
    assert capsys.readouterr().out == "plain,reports\n"


def asked(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, line: str = "credvend get ") -> int:
    """What a shell runs when TAB is pressed behind this line."""
    asking = {"_CREDVEND_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()))}
    for name, value in asking.items():
        monkeypatch.setenv(name, value)
    return run([], {**environ, **asking})


def test_a_service_that_is_away_costs_one_try_and_no_word(
    service: FakeService,
    environ: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service.planned = [Planned(401, {"Code": "InvalidToken", "Message": "No.", "RequestId": "r"})]
    for _ in range(3):
        assert asked(environ, monkeypatch) == 0
    assert capsys.readouterr() == ("\n" * 3, "") and len(service.asked) == 1


def test_the_list_of_roles_is_one_callers(
    service: FakeService, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    service.roles = [{"Role": "reports"}]
    for token in ("cvt_a", "cvt_b", "cvt_a"):
        assert asked({**environ, "CREDVEND_TOKEN": token}, monkeypatch) == 0
    assert [each.headers["authorization"] for each in service.asked] == ["Bearer cvt_a", "Bearer cvt_b"]


def test_without_a_configuration_there_is_nothing_to_complete(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del environ["CREDVEND_URL"]
    assert asked(environ, monkeypatch) == 0
    assert capsys.readouterr() == ("\n", "")


@pytest.mark.parametrize("words", [["completion"], ["completion", "tcsh"]])
def test_an_unknown_shell_is_a_usage_error(environ: dict[str, str], words: list[str]) -> None:
    assert run(words, environ) == 2


def test_a_service_that_hangs_costs_tab_two_seconds_and_the_last_list_is_offered(
    shell: dict[str, str], service: FakeService
) -> None:
    assert bash(shell, "credvend get ") == {"reports", "billing.read"}
    for path in Path(lean.cache_directory(shell)).glob("*.roles"):
        path.write_text(path.read_text().replace('"until": ', '"until": -'))  # it is too old now
    service.gate.clear()
    started = time.monotonic()
    assert bash(shell, "credvend get ") == {"reports", "billing.read"}
    assert time.monotonic() - started < LONGEST_WAIT + 3  # and two starts of Python
    service.gate.set()  # whoever asks goes on, for the next TAB
    (path,) = Path(lean.cache_directory(shell)).glob("*.roles")
    deadline = time.monotonic() + 30
    while '"until": -' in path.read_text():
        assert time.monotonic() < deadline
        os.sched_yield()


def test_a_failure_keeps_the_last_list(shell: dict[str, str], service: FakeService) -> None:
    assert bash(shell, "credvend get ") == {"reports", "billing.read"}
    for path in Path(lean.cache_directory(shell)).glob("*.roles"):
        path.write_text(path.read_text().replace('"until": ', '"until": -'))
    service.planned = [Planned(503, {"Code": "StsUnavailable", "Message": "Later."})] * 9
    assert bash(shell, "credvend get ") == {"reports", "billing.read"}


def test_tab_asks_nobody_for_anything(environ: dict[str, str], tmp_path: Path) -> None:
    """Not for an MFA code either: whoever asks has no terminal."""
    config = tmp_path / "aws-config"
    config.write_text(
        "[profile base]\nregion = eu-west-1\n[profile mfa]\nrole_arn = arn:aws:iam::111122223333:role/x\n"
        "source_profile = base\nmfa_serial = arn:aws:iam::111122223333:mfa/me\n"
    )
    keys = tmp_path / "aws-keys"
    keys.write_text("[base]\naws_access_key_id = AKIA\naws_secret_access_key = s\n")
    asking = {name: value for name, value in environ.items() if name != "CREDVEND_TOKEN"} | {
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(keys),
        "CREDVEND_PROFILE": "mfa",
        "CREDVEND_REGION": "eu-west-1",
        "_CREDVEND_COMPLETE": "bash_complete",
        "COMP_WORDS": "credvend get ",
        "COMP_CWORD": "2",
    }
    assert at_a_terminal(asking, "") == (0, "\r\n")
