"""Whoever is signed out and sits at a terminal is offered to sign in, and the command goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_provider import CLIENT, FakeProvider, fake_provider
from fake_service import FakeService
from terminal import at_a_terminal

from credvend.auth.sign_in_file import path_of
from credvend.command_line import run
from credvend.disk.config_file import Config
from credvend.text import messages

OFFER = "You are not signed in. Sign in now? [Y/n]"


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with fake_provider() as started:
        yield started


@pytest.fixture
def signed_out(environ: dict[str, str], provider: FakeProvider) -> dict[str, str]:
    """Somebody whose service wants a sign-in."""
    del environ["CREDVEND_TOKEN"]
    return {
        **environ,
        "CREDVEND_AUTH": "login",
        "CREDVEND_ISSUER": provider.issuer,
        "CREDVEND_CLIENT_ID": CLIENT,
        "CREDVEND_KEYRING": "off",
        "BROWSER": "/bin/false",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.mark.parametrize("yes", ["\n", "y\n", "YES\n"])
def test_a_command_goes_on_once_its_user_has_signed_in(
    signed_out: dict[str, str], service: FakeService, yes: str
) -> None:
    code, seen = at_a_terminal(signed_out, yes, "whoami")
    assert code == 0 and OFFER in seen and "ABCD-EFGH" in seen and "nightly" in seen
    assert len(service.asked) == 1 and service.asked[0].headers["authorization"].startswith("Bearer ey")
    assert OFFER not in at_a_terminal(signed_out, "", "whoami")[1]


@pytest.mark.parametrize(
    ("words", "done"),
    [
        (["get", "reports", "--format", "env"], "export AWS_ACCESS_KEY_ID"),
        (["exec", "reports", "--", "printenv", "CREDVEND_ROLE"], "\nreports"),
        (["console", "reports", "--print"], "AWS"),
        (["roles"], "no role"),
    ],
)
def test_each_command_that_a_person_runs_offers_it(signed_out: dict[str, str], words: list[str], done: str) -> None:
    signed_out["CREDVEND_CONSOLE_URL"] = signed_out["CREDVEND_URL"]
    _, seen = at_a_terminal(signed_out, "y\n", *words)
    assert OFFER in seen and done in seen.replace("\r", "")


def test_serve_offers_it_before_anything_is_served(signed_out: dict[str, str]) -> None:
    code, seen = at_a_terminal(signed_out, "n\n", "serve", "reports")
    assert code == 3 and OFFER in seen and "false" in seen and "AWS_CONTAINER" not in seen


def test_a_mistake_is_told_before_anybody_signs_in(signed_out: dict[str, str]) -> None:
    code, seen = at_a_terminal(signed_out, "y\n", "get", "reports", "--format", "xml")
    assert code == 2 and OFFER not in seen


def test_it_is_offered_in_the_foreground_of_a_shell_s_terminal(signed_out: dict[str, str]) -> None:
    code, seen = at_a_terminal(signed_out, "y\n", "whoami", asked=OFFER)
    assert code == 0 and "nightly" in seen


def test_no_is_an_answer(signed_out: dict[str, str], service: FakeService, provider: FakeProvider) -> None:
    code, seen = at_a_terminal(signed_out, "n\n", "roles")
    assert code == 3 and "run `credvend login`" in seen and (service.asked, provider.asked) == ([], [])


def test_it_is_offered_once(signed_out: dict[str, str], provider: FakeProvider) -> None:
    provider.lifetime = 0  # so that it has ended as soon as it has begun
    provider.token_answer = {"refresh_token": None}
    code, seen = at_a_terminal(signed_out, "y\ny\n", "roles")
    assert code == 3 and seen.count(OFFER) == 1


def test_what_a_script_evaluates_is_the_command_s_output_alone(signed_out: dict[str, str], tmp_path: Path) -> None:
    output = tmp_path / "output"
    code, seen = at_a_terminal(signed_out, "y\n", "get", "reports", output=output)
    assert code == 0 and OFFER in seen and "Signed in as" in seen
    assert json.loads(output.read_text())["Role"] == "reports"


def test_who_says_no_evaluates_a_failure(signed_out: dict[str, str], tmp_path: Path) -> None:
    output = tmp_path / "output"
    assert at_a_terminal(signed_out, "n\n", "get", "reports", "--format", "env", output=output)[0] == 3
    assert output.read_text() == "false\n"


def test_what_programs_run_never_asks(signed_out: dict[str, str], provider: FakeProvider) -> None:
    for words in (["process", "reports"], ["status"], ["cache", "clear"], ["login", "--nonsense"]):
        assert OFFER not in at_a_terminal(signed_out, "y\n", *words)[1]
    assert provider.asked == []


def test_without_a_terminal_nobody_is_asked(signed_out: dict[str, str], provider: FakeProvider) -> None:
    command = [sys.executable, "-m", "credvend", "roles"]
    done = subprocess.run(command, env=signed_out, input="y\n", capture_output=True, text=True, check=False)
    assert done.returncode == 3 and OFFER not in done.stderr and provider.asked == []


def test_in_the_background_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell would stop whoever reads from the terminal there."""
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdin, "fileno", lambda: 0, raising=False)
    monkeypatch.setattr(os, "tcgetpgrp", lambda descriptor: os.getpgrp())
    assert messages.may_ask()
    monkeypatch.setattr(os, "tcgetpgrp", lambda descriptor: os.getpgrp() + 1)
    assert not messages.may_ask()


def test_whoever_has_an_issuer_and_nothing_else_is_signed_out(
    signed_out: dict[str, str], service: FakeService, tmp_path: Path
) -> None:
    del signed_out["CREDVEND_AUTH"]
    code, seen = at_a_terminal(signed_out, "y\n", "whoami")
    assert code == 0 and OFFER in seen and "nightly" in seen


def test_what_was_vended_is_no_hindrance(signed_out: dict[str, str]) -> None:
    del signed_out["CREDVEND_AUTH"]
    own = {"AWS_ACCESS_KEY_ID": "ASIAOLD", "AWS_SECRET_ACCESS_KEY": "x", "CREDVEND_SESSION": "reports ASIAOLD"}
    code, seen = at_a_terminal({**signed_out, **own}, "y\n", "whoami")
    assert code == 0 and OFFER in seen


def test_who_has_no_provider_is_told_what_there_is(signed_out: dict[str, str]) -> None:
    for name in ("CREDVEND_AUTH", "CREDVEND_ISSUER"):
        del signed_out[name]
    code, seen = at_a_terminal(signed_out, "y\n", "whoami")
    assert code == 3 and OFFER not in seen and "nothing to prove" in seen


def test_the_service_that_is_named_is_signed_in_to(
    signed_out: dict[str, str], service: FakeService, provider: FakeProvider
) -> None:
    config = Path(signed_out["HOME"]) / "config"
    config.write_text(
        f"[service prod]\nurl = {service.url}/prod\nauth = login\nissuer = {provider.issuer}\nclient_id = {CLIENT}\n"
    )
    config.chmod(0o600)
    signed_out["CREDVEND_CONFIG"] = str(config)
    code, seen = at_a_terminal(signed_out, "y\n", "whoami", "--service", "prod")
    assert code == 0 and OFFER in seen and service.asked[0].path == "/api/prod/v1/whoami"


def test_a_failure_that_was_shared_is_one_to_sign_in_for(signed_out: dict[str, str]) -> None:
    """An SDK has just been told the same, and what it was told is used again for a moment."""
    del signed_out["CREDVEND_AUTH"]
    assert run(["process", "reports"], signed_out) == 3
    code, seen = at_a_terminal(signed_out, "y\n", "get", "reports")
    assert code == 0 and OFFER in seen


def test_a_sign_in_that_has_ended_is_one_to_begin_anew(signed_out: dict[str, str]) -> None:
    assert at_a_terminal(signed_out, "y\n", "get", "reports")[0] == 0
    file = Path(path_of(Config(url=signed_out["CREDVEND_URL"]), signed_out))
    session = json.loads(file.read_text())
    file.write_text(json.dumps({**session, "expires": session["obtained"] - 1}))
    for secret in file.parent.glob("*.secret"):
        secret.unlink()
    code, seen = at_a_terminal(signed_out, "y\n", "get", "reports", "--fresh")
    assert code == 0 and OFFER in seen
