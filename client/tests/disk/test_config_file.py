"""The configuration file: what is believed of it, and what of it stays when it is written."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from fake_service import FakeService

from credvend import lean
from credvend.command_line import run
from credvend.disk.config_file import Config, load_config, save_config
from credvend.disk.private_files import CannotWrite, private_directory
from credvend.errors import UsageError

URL = "https://a.example.com/api"
TEXT = """\
# The platform team's.

# Asks for MFA.
auth = login
url = https://a.example.com/api
issuer=https://id.example.com

# For the old proxy:
ca_bundle = ~/ca.pem
read_timeout = 35

# Production
[service prod]
# Be careful.
url = https://prod.example.com
auth = token
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / ".config/credvend/config"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path)}


# Reading


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_of_windows_is_read(path: Path, environ: dict[str, str], encoding: str) -> None:
    path.write_bytes(f"url = {URL}\r\nprofile = caf\N{LATIN SMALL LETTER E WITH ACUTE}\r\n".encode(encoding))
    assert load_config(environ) == Config(url=URL, profile="caf\N{LATIN SMALL LETTER E WITH ACUTE}")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"url = \xff\xff", "url = x".encode("utf-16-le")])
def test_what_is_no_text_is_said_with_its_path(path: Path, environ: dict[str, str], content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UsageError, match=str(path)) as refused:
        load_config(environ)
    assert ("UTF-16" in refused.value.message) is (b"l\x00" in content)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"url = {URL}\nurl = https://b.example.com\n", "line 2: url is there twice"),
        ("[service prod]\nauth = token\n# x\nauth = login\n", "line 4: auth is there twice"),
        ("[service a]\n[service b]\n[service a]\n", "line 3: there is a service a above"),
        ("[prod]\n", "line 1: write \\[service NAME\\]"),
        ("[service ]\n", "line 1: write \\[service NAME\\]"),
        ("[service a b]\n", "line 1: write \\[service NAME\\]"),
        ("[service -x]\n", "line 1: write \\[service NAME\\]"),
        ("[service prod] # x\n", "line 1: write \\[service NAME\\]"),
        ("token_file = token\n", "absolute"),
        ("ca_bundle = ./ca.pem\n", "absolute"),
        ("cache = memory\n", "file, keyring, off"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(path: Path, environ: dict[str, str], text: str, said: str) -> None:
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        load_config(environ)


@pytest.mark.parametrize("home", [None, "", ".", "~", "home"])
def test_nothing_of_the_working_directory_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as where the user is in no list
    monkeypatch.chdir(tmp_path)
    for planted in (".config", "~/.config", "home/.config", "credvend", "."):
        (tmp_path / planted / "credvend").mkdir(parents=True, exist_ok=True)
        (tmp_path / planted / "credvend" / "config").write_text("url = https://thief.example.com\n")
    environ = {} if home is None else {"HOME": home}
    assert load_config(environ) == Config()
    assert load_config({**environ, "XDG_CONFIG_HOME": "."}) == Config()
    assert lean.config_path(environ) == lean.cache_directory(environ) == lean.state_directory(environ) == ""
    assert lean.marker_path(environ, "login", URL) == lean.cache_path(environ, "key.entry") == ""
    with pytest.raises(UsageError, match="HOME"):
        save_config(Config(url=URL), environ)
    with pytest.raises(UsageError, match="HOME"):
        load_config({**environ, "CREDVEND_CA_BUNDLE": "~/ca.pem"})
    with pytest.raises(UsageError, match="absolute"):
        load_config({"HOME": str(tmp_path), "CREDVEND_CONFIG": "credvend/config"})


def test_who_names_dev_null_has_no_configuration(environ: dict[str, str], path: Path) -> None:
    path.write_text(f"url = {URL}\n")
    assert load_config({**environ, "CREDVEND_CONFIG": "/dev/null"}) == Config()


@pytest.mark.parametrize("other", ["pipe", "directory", "device"])
def test_what_is_no_file_is_neither_waited_for_nor_replaced_nor_to_be_made_readable(
    tmp_path: Path, environ: dict[str, str], other: str
) -> None:
    path = Path("/dev/zero") if other == "device" else tmp_path / other
    if other == "pipe":
        os.mkfifo(path)
    elif other == "directory":
        path.mkdir()
    environ["CREDVEND_CONFIG"] = str(path)
    before = path.stat()
    with pytest.raises(UsageError, match="not a regular file") as refused:
        load_config(environ)
    assert "chmod" not in refused.value.message
    with pytest.raises(UsageError, match="not a regular file"):
        save_config(Config(url=URL), environ)
    assert (path.stat().st_ino, path.stat().st_mode) == (before.st_ino, before.st_mode)


def test_dev_null_is_not_replaced_by_root_either(environ: dict[str, str]) -> None:
    before = Path("/dev/null").stat()
    with pytest.raises(UsageError, match="not a regular file"):
        save_config(Config(url=URL), {**environ, "CREDVEND_CONFIG": "/dev/null"})
    assert os.path.samestat(before, Path("/dev/null").stat())


@pytest.mark.parametrize(("variable", "believed"), [(None, False), ("12346", False), ("12345", True)])
def test_root_believes_who_came_by_sudo_and_nobody_else(
    path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, variable: str | None, believed: bool
) -> None:
    path.write_text(f"url = {URL}\n")
    path.chmod(0o600)
    real = os.fstat

    def theirs(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        return os.stat_result((*status[:4], 12_345, *status[5:]))

    monkeypatch.setattr(os, "fstat", theirs)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.delenv("SUDO_UID", raising=False)
    if variable:
        monkeypatch.setenv("SUDO_UID", variable)
    if believed:
        assert load_config(environ).url == URL
    else:
        with pytest.raises(UsageError, match="another user"):
            load_config(environ)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UsageError, match="another user"):
        load_config(environ)


def test_root_leaves_nothing_of_its_own_in_the_home_of_who_ran_sudo(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lean, "came_by_sudo_from", lambda status: True)
    for make in (lambda: save_config(Config(url=URL), environ), lambda: private_directory(f"{tmp_path}/a/b")):
        with pytest.raises(CannotWrite, match="without it, or with sudo -H"):
            make()
    assert not list(tmp_path.iterdir())
    path = tmp_path / ".config/credvend/config"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT)
    with pytest.raises(UsageError, match="run this without it"):
        save_config(Config(url=URL), environ)
    assert path.read_text() == TEXT


# Services


def test_a_named_service_is_what_its_section_says(path: Path, environ: dict[str, str]) -> None:
    path.write_text(TEXT)
    assert load_config(environ).url == URL
    prod = load_config({**environ, "CREDVEND_SERVICE": "prod"})
    assert prod == Config(url="https://prod.example.com", auth="token")


def test_what_was_set_for_another_service_does_not_go_to_a_named_one(path: Path, environ: dict[str, str]) -> None:
    path.write_text(TEXT)
    others = {
        "CREDVEND_URL": "https://thief.example.com",
        "CREDVEND_AUTH": "token-file",
        "CREDVEND_TOKEN_FILE": "/token-of-another",
        "CREDVEND_CACHE": "off",
        "CREDVEND_READ_TIMEOUT": "7",
    }
    prod = load_config({**environ, **others, "CREDVEND_SERVICE": "prod"})
    expected = Config(url="https://prod.example.com", auth="token", cache="off", read_timeout=7.0)
    assert prod == expected, "but what holds for this computer does"
    assert load_config({**environ, **others}).url == "https://thief.example.com"


def test_a_service_that_is_not_there_is_said_with_those_that_are(
    path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(TEXT)
    for words in (["--service", "prd", "whoami"], ["whoami", "--service", "prd"], ["process", "--service=prd", "x"]):
        assert run(words, {**environ, "CREDVEND_TOKEN": "cvt_x", "CREDVEND_URL": "http://127.0.0.1:1"}) == 2
        said = capsys.readouterr().err
        assert "no service prd" in said and "it has prod" in said and "configure --service prd" in said
    assert run(["whoami", "--service", "a b"], environ) == 2 and "--service" in capsys.readouterr().err


def test_each_service_is_asked_by_its_name(
    service: FakeService, path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(f"url = http://127.0.0.1:1\n[service prod]\nurl = {service.url}\n")
    environ["CREDVEND_TOKEN"] = "cvt_x"
    assert run(["whoami", "--service", "prod"], environ) == 0
    assert run(["--service", "prod", "whoami"], environ) == 0
    assert run(["whoami"], {**environ, "CREDVEND_SERVICE": "prod"}) == 0
    assert run(["get", "reports", "--service", "prod"], environ) == 0
    assert len(service.asked) == 4
    capsys.readouterr()
    assert lean.cached_process(["--service", "prod", "reports"], environ) is not None
    assert lean.cached_process(["--service=prod", "reports"], environ) is not None
    assert lean.cached_process(["reports"], environ) is None


def test_completion_knows_the_services(
    path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text(TEXT)
    monkeypatch.setenv("COMP_WORDS", "credvend whoami --service p")
    monkeypatch.setenv("COMP_CWORD", "3")
    run([], {**environ, "_CREDVEND_COMPLETE": "bash_complete"})
    assert "prod" in capsys.readouterr().out


# Writing


def test_only_what_changes_is_written_anew(path: Path, environ: dict[str, str]) -> None:
    path.write_text(TEXT)
    config = load_config(environ)
    save_config(config, environ)
    assert path.read_text() == TEXT
    save_config(replace(config, url="https://b.example.com", issuer=None, audience="x"), environ)
    expected = TEXT.replace(f"url = {URL}", "url = https://b.example.com").replace(
        "issuer=https://id.example.com\n", ""
    )
    assert path.read_text() == expected.replace("read_timeout = 35\n", "read_timeout = 35\naudience = x\n")


def test_other_services_stay_and_a_new_one_gets_a_section(path: Path, environ: dict[str, str]) -> None:
    path.write_text(TEXT)
    prod = {**environ, "CREDVEND_SERVICE": "prod"}
    save_config(replace(load_config(prod), auth="login", client_id="c"), prod)
    assert path.read_text() == TEXT.replace("auth = token\n", "auth = login\nclient_id = c\n")
    dev = {**environ, "CREDVEND_SERVICE": "dev"}
    save_config(Config(url="https://dev.example.com"), dev)
    assert path.read_text().endswith("client_id = c\n\n[service dev]\nurl = https://dev.example.com\n")
    assert load_config(dev) == Config(url="https://dev.example.com")
    assert load_config(environ).url == URL and load_config(prod).client_id == "c"


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["--service", "prod", "roles"], "run `credvend --service prod login`"),
        (["get", "reports", "--service", "prod"], "run `credvend --service prod login`"),
        (["doctor", "--service", "prod"], "run `credvend --service prod login`"),
        (["roles", "--service", "dev"], "dev has no url: run `credvend configure --service dev`"),
        (["roles", "--service", "gone"], "`credvend configure --service gone` adds one"),
        (["roles"], "run `credvend configure`"),
    ],
)
def test_advice_is_for_the_service_that_is_meant(
    path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str], words: list[str], advice: str
) -> None:
    """To sign in at the one without a name would be of no use."""
    path.write_text("[service prod]\nurl = http://127.0.0.1:1\nauth = login\n[service dev]\nauth = login\n")
    assert run(words, environ) != 0
    said = capsys.readouterr()
    assert advice in (said.out + said.err).replace("Run", "run")


@pytest.mark.parametrize("text", ["", "# mine", "\n\n", "# a\n\n# b\n[service x]\nurl = y\n", "url = x", "\r\n# a\r\n"])
def test_what_is_saved_comes_back_whatever_was_there(path: Path, environ: dict[str, str], text: str) -> None:
    path.write_bytes(text.encode())
    config = Config(url=URL, auth="login", scopes=("a", "b"), cache="off")
    for service in ("", "x", "y"):
        save_config(config, {**environ, "CREDVEND_SERVICE": service})
        assert load_config({**environ, "CREDVEND_SERVICE": service}) == config
    assert all(line in path.read_text().splitlines() for line in text.splitlines() if line.startswith("#"))


def test_a_path_is_saved_as_what_it_is_from_everywhere(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_config(Config(url=URL, token_file="token", ca_bundle="~/ca.pem"), environ)
    assert load_config(environ).token_file == str(tmp_path / "token")
    assert load_config(environ).ca_bundle == str(tmp_path / "ca.pem")


def test_configure_sets_up_a_service_beside_another(
    path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(TEXT)
    words = ["configure", "--service", "dev", "--url", "https://dev.example.com", "--auth", "login"]
    assert run([*words, "--issuer", "https://i", "--client-id", "c"], {**environ, "CREDVEND_URL": "https://x"}) == 0
    said = capsys.readouterr().err
    assert "`credvend --service dev login`" in said and "stronger" not in said
    assert path.read_text().startswith(TEXT)
    assert load_config({**environ, "CREDVEND_SERVICE": "dev"}).client_id == "c"


def test_nothing_is_open_to_others_whatever_the_umask(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path / "home"), "CREDVEND_CONFIG": str(tmp_path / "a/b/config")}
    before = os.umask(0)
    try:
        save_config(Config(url=URL), environ)
    finally:
        os.umask(before)
    modes = {str(each.relative_to(tmp_path)): each.stat().st_mode & 0o777 for each in tmp_path.rglob("*")}
    assert modes == {"a": 0o700, "a/b": 0o700, "a/b/config": 0o600}
