"""What is wrong, and what to do about it: each check, whatever the others find; nothing asked, nothing secret shown."""

from __future__ import annotations

import inspect
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_provider import unsigned
from fake_service import FakeService, Planned
from terminal import at_a_terminal

from credvend import lean
from credvend.checks import checkup as checking
from credvend.checks.finding import Finding
from credvend.checks.way_in import FOUND_BY
from credvend.command_line import run
from credvend.net.send import send

NAMES = ["configuration", "url", "clock", "proxy", "certificates", "way in", "token", "you", "cache", "profiles"]


class Healthy(FakeService):
    """Answers where one asks how it is, too."""

    def answer(self, asked: Any) -> Planned:
        if asked.path.endswith("/v1/health") and not self.planned:
            return Planned(body={"Status": "ok"})
        return super().answer(asked)


@pytest.fixture(autouse=True)
def healthy(service: FakeService) -> None:
    service.__class__ = Healthy


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {**environ, "AWS_EC2_METADATA_DISABLED": "true", "CREDVEND_KEYRING": "off"}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are sent again without a pause: how long that is, is for the tests of sending."""
    monkeypatch.setitem(inspect.unwrap(send).__kwdefaults__, "jitter", lambda: 0.0)


class Doctor:
    """Runs it, and keeps what it said."""

    def __init__(self, environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
        self.code = run(["doctor", "--json"], environ)
        said = capsys.readouterr()
        self.text = said.out + said.err
        self.findings: list[dict[str, str]] = json.loads(said.out)

    def of(self, check: str) -> tuple[str, str, str]:
        """State, result and advice of the only finding of a check."""
        (found,) = [each for each in self.findings if each["Check"] == check]
        return found["State"], found["Result"], found["Advice"]


def configure(environ: dict[str, str], text: str) -> str:
    path = Path(environ["HOME"], "credvend-config")
    path.write_text(text)
    path.chmod(0o600)
    environ["CREDVEND_CONFIG"] = str(path)
    return str(path)


def aws_files(environ: dict[str, str], config: str, credentials: str = "") -> None:
    directory = Path(environ["HOME"], ".aws")
    directory.mkdir()
    (directory / "config").write_text(config)
    (directory / "credentials").write_text(credentials)


def test_who_is_well_is_told_so(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    doctor = Doctor(environ, capsys)
    assert [each["Check"] for each in doctor.findings] == NAMES == list(checking.CHECKS)
    assert {(each["State"], each["Advice"]) for each in doctor.findings} == {("ok", "")} and doctor.code == 0
    assert doctor.of("you")[1] == "ServiceToken nightly"
    assert doctor.of("way in")[1] == "token (CREDVEND_TOKEN is set)"


def test_people_read_a_table(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    del environ["CREDVEND_URL"]
    assert run(["doctor"], environ) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split(maxsplit=3) == ["CHECK", "STATE", "RESULT", "WHAT TO DO"] and len(lines) == 1 + len(NAMES)
    assert "`credvend configure`" in lines[2]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_table_fits_the_terminal(environ: dict[str, str], columns: int) -> None:
    del environ["CREDVEND_URL"]
    environ["CREDVEND_CACHE"] = "off"  # the path of its directory is one long word
    _, seen = at_a_terminal({**environ, "COLUMNS": str(columns)}, "", "doctor")
    lines = seen.splitlines()
    assert max(len(line) for line in lines) <= columns
    # Each check begins a line, and its advice, under its result, is whole.
    assert [line[:13].strip() for line in lines[1:] if not line.startswith(" ")] == NAMES
    begin = lines[0].index("RESULT")
    assert lines[0].endswith("RESULT, AND WHAT TO DO") and all(not line[begin - 1].strip() for line in lines[1:])
    told = [line[begin:] for line in lines]
    assert " ".join(told[told.index("none that can be used") + 1 :]).startswith(
        "-> Where is the service? Run `credvend configure`, or set CREDVEND_URL."
    )
    assert any("`credvend configure`" in line for line in lines)


def test_a_wide_terminal_has_advice_in_a_column_of_its_own(environ: dict[str, str]) -> None:
    _, seen = at_a_terminal({**environ, "COLUMNS": "400"}, "", "doctor")
    lines = seen.splitlines()
    assert lines[0].split(maxsplit=3) == ["CHECK", "STATE", "RESULT", "WHAT TO DO"] and len(lines) == 1 + len(NAMES)


# The configuration, and the service


def test_a_configuration_that_cannot_be_read_hides_no_other_fault(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure(environ, "nonsense")
    doctor = Doctor({**environ, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_PROFILE": "x"}, capsys)
    state, result, advice = doctor.of("configuration")
    assert state == "error" and path in result and "line 1" in advice and doctor.code == 1
    assert doctor.of("profiles")[0] == "warning"
    others = {doctor.of(name)[0] for name in NAMES if name not in ("configuration", "profiles")}
    assert others == {"skipped"}


def test_it_says_where_the_url_is_from(
    environ: dict[str, str], service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor_url(environ, capsys).startswith(f"{service.url} (CREDVEND_URL) answers in ")
    del environ["CREDVEND_URL"]
    path = configure(environ, f"url = {service.url}\n[service prod]\nurl = {service.url}/prod\n")
    assert doctor_url(environ, capsys).startswith(f"{service.url} ({path}) answers")
    environ[lean.SERVICE] = "prod"
    assert doctor_url(environ, capsys).startswith(f"{service.url}/prod ({path}, [service prod]) answers")


def doctor_url(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> str:
    return Doctor(environ, capsys).of("url")[1]


def test_a_service_that_is_not_there_is_no_way_in_s_fault(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        environ["CREDVEND_URL"] = f"http://127.0.0.1:{free.getsockname()[1]}"
        doctor = Doctor(environ, capsys)
    state, result, advice = doctor.of("url")
    assert state == "error" and "does not answer" in result and "refused" in advice and "is its URL right" in advice
    assert doctor.of("clock")[0] == "skipped" and doctor.of("way in")[0] == "ok" and doctor.of("you")[0] == "error"


@pytest.mark.parametrize(
    ("planned", "told"),
    [(Planned(404, b"<html>"), "status 404"), (Planned(200, b"<html>"), "something else"), (Planned(200, {}), "else")],
)
def test_what_answers_must_be_credvend(
    environ: dict[str, str], service: FakeService, planned: Planned, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service.planned = [planned]
    state, result, advice = Doctor(environ, capsys).of("url")
    assert state == "error" and told in result and "is url right" in advice


@pytest.mark.parametrize(
    ("ahead", "state", "told"),
    [(0, "ok", "as the"), (60, "ok", "behind"), (400, "error", "s behind"), (-400, "error", "s ahead of")],
)
def test_the_clock_is_compared(
    environ: dict[str, str],
    service: FakeService,
    ahead: int,
    state: str,
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service.ahead = ahead
    found = Doctor(environ, capsys).of("clock")
    assert found[0] == state and told in found[1] and ("Set it" in found[2]) == (state == "error")


def test_a_service_that_hangs_takes_seconds(
    environ: dict[str, str], service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.gate.clear()
    assert checking._TOGETHER < 20
    monkeypatch.setattr(checking, "_TOGETHER", 1.0)
    started = time.monotonic()
    findings = checking.checkup(environ)
    assert time.monotonic() - started < 4
    assert [each.check for each in findings] == NAMES
    assert [each.check for each in findings if each.state == "error"] == ["url", "you"]


def test_who_is_refused_is_told_why(
    environ: dict[str, str], service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = {"Code": "InvalidToken", "Message": "It was revoked."}
    service.planned = [Planned(200, {"Status": "ok"}), Planned(401, refusal)]
    state, _, advice = Doctor(environ, capsys).of("you")
    assert state == "error" and "It was revoked." in advice


# The way in


def test_each_way_that_is_found_has_a_reason() -> None:
    assert set(FOUND_BY) == set(lean.AUTH_METHODS)


@pytest.mark.parametrize(
    ("given", "said", "advice"),
    [
        ({}, "sigv4 (nothing else was found)", "nothing to prove"),
        ({"CREDVEND_AUTH": "login"}, "login (CREDVEND_AUTH says so)", "credvend login"),
        ({"CREDVEND_TOKEN_FILE": "/nowhere"}, "token-file (token_file is set)", "cannot be read"),
        ({"CREDVEND_AUTH": "token"}, "token (CREDVEND_AUTH says so)", "credvend configure"),
        ({"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x"}, "github (ACTIONS_ID", "id-token: write"),
        ({"CREDVEND_AUTH": "gitlab"}, "gitlab (", "id_tokens"),
        ({"CREDVEND_AUTH": "kubernetes", "CREDVEND_TOKEN_FILE": "/nowhere"}, "kubernetes (", "mount"),
        ({"AWS_PROFILE": "nobody"}, "sigv4 (", "AWS_PROFILE"),
    ],
)
def test_a_way_in_without_what_it_takes_is_named_and_why_it_was_taken(
    environ: dict[str, str], given: dict[str, str], said: str, advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    del environ["CREDVEND_TOKEN"]
    doctor = Doctor({**environ, **given}, capsys)
    found = doctor.of("way in")
    assert found[0] == "error" and found[1].startswith(said) and advice in found[2]
    assert doctor.of("token")[0] == doctor.of("you")[0] == "skipped" and doctor.code == 1


def test_a_way_that_the_configuration_names_is_said_to_be(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    configure(environ, "auth = token\n")
    assert Doctor(environ, capsys).of("way in")[1] == "token (auth in the configuration says so)"


def test_nobody_is_asked_for_a_code(environ: dict[str, str]) -> None:
    pytest.importorskip("botocore")
    del environ["CREDVEND_TOKEN"]
    aws_files(
        environ,
        "[profile work]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = keys\n"
        "mfa_serial = arn:aws:iam::111122223333:mfa/me\nregion = eu-west-1\n",
        "[keys]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n",
    )
    environ.update(AWS_PROFILE="work", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    code, seen = at_a_terminal(environ, "123456\n", "doctor", asked="Enter MFA")
    assert code == 1 and "Enter MFA" not in seen and "run `credvend whoami`" in " ".join(seen.split())


def test_nobody_is_asked_to_sign_in(environ: dict[str, str]) -> None:
    del environ["CREDVEND_TOKEN"]
    code, seen = at_a_terminal({**environ, "CREDVEND_AUTH": "login"}, "y\n", "doctor")
    assert code == 1 and "[Y/n]" not in seen


@pytest.mark.parametrize(
    ("claims", "state", "told"),
    [
        ({"exp": 4_102_444_800}, "ok", "to live"),
        ({"exp": 1}, "error", "ended"),
        ({}, "warning", "does not say"),
        ({"exp": "soon"}, "warning", "does not say"),
        ({"exp": True}, "warning", "does not say"),
        ({"exp": float("inf")}, "warning", "does not say"),
        ({"exp": 1e300}, "warning", "does not say"),
    ],
)
def test_it_says_when_a_jwt_ends_and_nothing_else_of_it(
    environ: dict[str, str], claims: dict[str, object], state: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    token = environ["CREDVEND_TOKEN"] = unsigned({"sub": "a-private-subject", **claims})
    doctor = Doctor(environ, capsys)
    assert doctor.of("token")[0] == state and told in doctor.of("token")[1]
    assert token not in doctor.text and "a-private-subject" not in doctor.text


@pytest.mark.parametrize("token", ["cvt_a-secret-token", "a.secret.token", "a.ÿ.b", "x.W10.y"])
def test_what_is_no_jwt_is_called_so(environ: dict[str, str], token: str, capsys: pytest.CaptureFixture[str]) -> None:
    environ["CREDVEND_TOKEN"] = token
    doctor = Doctor(environ, capsys)
    assert token not in doctor.text and doctor.of("token")[0] in ("ok", "skipped")


# This computer


def test_a_cache_that_others_can_get_into_is_an_error(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    directory = Path(environ["HOME"], ".cache", "credvend")
    directory.mkdir(parents=True)
    directory.chmod(0o755)
    state, result, advice = Doctor(environ, capsys).of("cache")
    assert state == "error" and str(directory) in result and "chmod 700" in advice
    directory.chmod(0o700)
    assert Doctor(environ, capsys).of("cache") == ("ok", f"{directory}, yours alone", "")
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize(("place", "state"), [("off", "ok"), ("keyring", "error")])
def test_a_cache_may_be_elsewhere(
    environ: dict[str, str], place: str, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Doctor({**environ, "CREDVEND_CACHE": place}, capsys).of("cache")
    assert found[0] == state and place in found[1]


def test_a_cache_that_cannot_be_written_is_an_error(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    state, _, advice = Doctor(environ, capsys).of("cache")
    assert state == "error" and "No space left" in advice


def test_the_proxy_is_named_without_its_password(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    environ.update(CREDVEND_URL="https://credvend.example.invalid", HTTPS_PROXY="http://me:hush@127.0.0.1:1")
    doctor = Doctor(environ, capsys)
    assert doctor.of("proxy") == ("ok", "127.0.0.1:1 (HTTPS_PROXY)", "") and "hush" not in doctor.text
    environ["HTTPS_PROXY"] = "socks5://me:hush@127.0.0.1"
    doctor = Doctor(environ, capsys)
    assert doctor.of("proxy")[0] == "error" and "http://HOST:PORT" in doctor.of("proxy")[2]
    assert "hush" not in doctor.text


def test_it_says_why_there_is_no_proxy(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    environ["ALL_PROXY"] = "http://127.0.0.1:1"
    assert "on this computer" in Doctor(environ, capsys).of("proxy")[1]
    environ.update(CREDVEND_URL="https://127.0.0.1.invalid", NO_PROXY="invalid")
    assert Doctor(environ, capsys).of("proxy")[1] == "none, for NO_PROXY names 127.0.0.1.invalid"


@pytest.mark.parametrize("variable", ["CREDVEND_CA_BUNDLE", "AWS_CA_BUNDLE"])
def test_the_certificates_that_are_trusted_are_named(
    environ: dict[str, str], variable: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Doctor(environ, capsys).of("certificates") == ("ok", "the operating system's", "")
    state, result, advice = Doctor({**environ, variable: "/nowhere.pem"}, capsys).of("certificates")
    assert state == "error" and "/nowhere.pem" in result and variable.lower()[-9:] in result.lower()
    assert "cannot be read" in advice


# What AWS's tools take instead


def test_keys_hide_a_profile(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    doctor = Doctor({**environ, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_PROFILE": "work"}, capsys)
    state, result, _ = doctor.of("profiles")
    assert state == "warning" and "AWS_PROFILE=work" in result and doctor.code == 0


def test_what_was_vended_and_has_ended_is_to_be_unset(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    own = {"AWS_ACCESS_KEY_ID": "ASIAOLD", "CREDVEND_SESSION": "reports ASIAOLD"}
    ended = {**environ, **own, "AWS_CREDENTIAL_EXPIRATION": "2024-01-01T00:00:00Z"}
    doctor = Doctor(ended, capsys)
    state, result, advice = doctor.of("profiles")
    assert state == "error" and "reports" in result and 'eval "$(credvend unset)"' in advice and doctor.code == 1
    ended["AWS_CREDENTIAL_EXPIRATION"] = "2099-01-01T00:00:00Z"
    assert Doctor(ended, capsys).of("profiles")[0] == "ok"


def test_profiles_whose_program_is_gone_are_told(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    there = Path(environ["HOME"], "credvend")
    there.write_text("#!/bin/sh\n")
    there.chmod(0o700)
    aws_files(
        environ,
        f"[profile a]\ncredential_process = /gone/credvend process a\n[profile b]\n"
        f"credential_process = '{there}' process b\n[profile c]\ncredential_process = other\n",
    )
    state, result, advice = Doctor(environ, capsys).of("profiles")
    assert state == "error" and result.startswith("a: /gone/credvend") and "configure --profiles" in advice


def test_a_variable_that_a_profile_sets_for_a_shell_is_told_without_its_value(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    aws_files(environ, "[profile a]\ncredential_process = CREDVEND_TOKEN=hush credvend process a\n")
    doctor = Doctor(environ, capsys)
    assert doctor.of("profiles")[1].startswith("a: CREDVEND_TOKEN=... is not there") and "hush" not in doctor.text


def test_a_profile_that_has_keys_elsewhere_is_told(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    aws_files(environ, "[profile a]\ncredential_process = sh credvend\n", "[a]\naws_secret_access_key = hush\n")
    doctor = Doctor(environ, capsys)
    state, result, _ = doctor.of("profiles")
    assert state == "error" and result == f"a: also in {environ['HOME']}/.aws/credentials" and "hush" not in doctor.text


def test_a_file_that_no_aws_command_reads_is_told(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    aws_files(environ, "[profile a]\n[profile a]\n")
    state, result, advice = Doctor(environ, capsys).of("profiles")
    assert state == "error" and ".aws/config" in result and "line 2" in advice


# All of them


def test_a_fault_of_one_check_hides_no_other(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(subject: object) -> Iterator[Finding]:
        raise RuntimeError("hush")

    monkeypatch.setattr(checking, "CHECKS", {**checking.CHECKS, "token": fail})
    doctor = Doctor(environ, capsys)
    assert [each["Check"] for each in doctor.findings] == NAMES and doctor.code == 1
    assert doctor.of("token")[0] == "error" and "RuntimeError" in doctor.of("token")[2] and "hush" not in doctor.text
