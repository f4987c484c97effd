"""Setting up: what is asked and kept."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from fake_service import FakeService
from terminal import at_a_terminal

from credvend.command_line import run
from credvend.disk.config_file import load_config

URL = "https://example.execute-api.eu-west-1.amazonaws.com/api"


def config_text(environ: dict[str, str]) -> str:
    return Path(environ["HOME"], ".config/credvend/config").read_text()


@pytest.fixture
def nobody(environ: dict[str, str]) -> dict[str, str]:
    """Nothing is configured, neither in the file nor in variables."""
    return {name: value for name, value in environ.items() if not name.startswith("CREDVEND_")} | {
        "CREDVEND_KEYRING": "off"
    }


def test_options_are_written_and_those_of_before_stay(
    nobody: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(["configure", "--url", URL + "/", "--auth", "login", "--issuer", "https://i", "--client-id", "c"], nobody)
        == 0
    )
    assert run(["configure", "--scopes", "openid  groups", "--audience", "urn:credvend"], nobody) == 0
    config = load_config(nobody)
    assert (config.url, config.auth, config.issuer, config.client_id) == (URL, "login", "https://i", "c")
    assert (config.scopes, config.audience) == (("openid", "groups"), "urn:credvend")
    assert run(["configure", "--audience", ""], nobody) == 0
    assert load_config(nobody).audience is None
    assert "next: `credvend login`" in capsys.readouterr().err


def test_variables_are_not_kept_and_are_warned_of(nobody: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    variables = {
        "CREDVEND_URL": "https://another.example.com",
        "CREDVEND_REGION": "eu-west-1",
        "CREDVEND_TOKEN": "cvt_x",
    }
    assert run(["configure", "--url", URL], {**nobody, **variables}) == 0
    assert load_config(nobody).url == URL and load_config(nobody).region is None
    err = capsys.readouterr().err
    assert "CREDVEND_REGION, CREDVEND_URL in the environment is stronger" in err and "cvt_x" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--url URL"),
        (["--url", "http://credvend.example.com"], "https://"),
        (["--url", "nonsense"], "malformed"),
        (["--url", URL + "?x=1"], "query"),
        (["--url", URL + "/#x"], "fragment"),
        (["--url", URL, "--auth", "login", "--issuer", "http://issuer.example.com", "--client-id", "c"], "https://"),
        (["--url", URL, "--auth", "login", "--issuer", "nonsense", "--client-id", "c"], "https://login.example.com"),
        (["--url", URL, "--auth", "login"], "--issuer"),
        (["--url", URL, "--auth", "login", "--issuer", "https://i"], "--client-id"),
        (["--url", URL, "--auth", "token-file"], "--token-file"),
        (["--url", URL, "--auth", "guess"], "--auth"),
        (["--url", URL, "--dry-run"], "are for --profiles"),
        (["--remove"], "are for --profiles"),
    ],
)
def test_what_cannot_work_is_not_written(
    nobody: dict[str, str], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(["configure", *arguments], nobody) == 2
    assert said in capsys.readouterr().err
    assert not Path(nobody["HOME"], ".config").exists()


def test_an_api_token_comes_by_a_pipe_and_is_used_afterwards(
    service: FakeService,
    nobody: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("cvt_kept\n"))
    assert run(["configure", "--url", service.url, "--auth", "token", "--token-stdin"], nobody) == 0
    out, err = capsys.readouterr()
    assert "The API token is in the file" in out and "cvt_kept" not in out + err
    assert "cvt_kept" not in config_text(nobody)
    assert run(["whoami"], nobody) == 0
    assert service.asked[-1].headers["authorization"] == "Bearer cvt_kept"


@pytest.mark.parametrize("text", ["", "\n", "two words\n", "snow\N{SNOWMAN}\n"])
def test_what_is_no_token_is_not_kept(
    nobody: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert run(["configure", "--url", URL, "--auth", "token", "--token-stdin"], nobody) == 2
    assert not Path(nobody["HOME"], ".local").exists()
    assert "two" not in capsys.readouterr().err


def test_a_person_is_asked_what_no_option_says_and_again_until_it_fits(nobody: dict[str, str]) -> None:
    typed = f"ftp://x\n{URL}\nnonsense\nlogin\n\nhttp://issuer.example.com\nhttps://issuer.example.com\n"
    typed += "\nthe-client\n\n"
    code, seen = at_a_terminal(nobody, typed, "configure")
    assert code == 0, seen
    config = load_config(nobody)
    assert (config.url, config.auth, config.issuer, config.client_id) == (
        URL,
        "login",
        "https://issuer.example.com",
        "the-client",
    )
    assert seen.count("URL of the service") == 2 and seen.count("Issuer") == 3
    for why in ("must begin with https://", "called nonsense", "is malformed", "An answer is needed"):
        assert why in seen


def test_a_person_sees_what_there_is_and_keeps_it_with_an_empty_line(nobody: dict[str, str]) -> None:
    run(["configure", "--url", URL, "--auth", "sigv4", "--profile", "mine"], nobody)
    code, seen = at_a_terminal(nobody, "\n\n\n", "configure")
    assert code == 0 and f"[{URL}]" in seen and "[sigv4]" in seen and "[mine]" in seen
    config = load_config(nobody)
    assert (config.url, config.auth, config.profile) == (URL, "sigv4", "mine")


def test_a_token_that_is_typed_is_not_shown(nobody: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "credvend", "configure", "--url", URL, "--auth", "token"]
    with subprocess.Popen(
        command, env=nobody, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        seen = b""
        while b"API token" not in seen:
            seen += os.read(ours, 4096)
        os.write(ours, b"cvt_typed\n")
        while True:
            try:
                seen += os.read(ours, 4096)
            except OSError:
                break
        os.close(ours)
        assert process.wait(30) == 0
    assert b"cvt_typed" not in seen and b"The API token is in the file" in seen
