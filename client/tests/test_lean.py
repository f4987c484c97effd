"""What the fast path and the full one agree on: settings, caller, key, validity."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from credvend import lean
from credvend.auth.registry import load_checked_config
from credvend.disk.caller_markers import remove_marker, write_marker
from credvend.disk.config_file import Config, load_config, save_config
from credvend.disk.private_files import private_directory, write_private
from credvend.errors import UsageError

NOW = 1_800_000_000
ENTRY = lean.Entry("ab" * 32, NOW, NOW + 3600, '{"Version": 1}', '{"Credentials": {}}')


def home(tmp_path: Path, **variables: str) -> dict[str, str]:
    return {"HOME": str(tmp_path), **variables}


# Settings


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    environ = home(tmp_path, CREDVEND_REGION="eu-west-1")
    save_config(Config(url="https://a.example.com/api", region="us-east-1", scopes=("openid", "groups")), environ)
    config = load_config(environ)
    assert (config.url, config.region, config.scopes) == (
        "https://a.example.com/api",
        "eu-west-1",
        ("openid", "groups"),
    )


def test_what_is_saved_comes_back_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    config = Config(url="https://a.example.com/api", auth="login", issuer="https://id.example.com", read_timeout=7.5)
    path = save_config(config, home(tmp_path))
    assert load_config(home(tmp_path)) == config
    assert path == tmp_path / ".config/credvend/config" and path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["config"]


def test_saving_keeps_a_link_to_where_the_file_really_is(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles"
    real.write_text("")
    link = tmp_path / "link"
    link.symlink_to(real)
    save_config(Config(url="https://a.example.com"), {"CREDVEND_CONFIG": str(link)})
    assert link.is_symlink() and "a.example.com" in real.read_text()


@pytest.mark.parametrize("line", ["nonsense", "url", "colour = red", "= x"])
def test_a_malformed_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "config"
    path.write_text(f"# mine\n\n{line}\n")
    with pytest.raises(UsageError, match="line 3"):
        load_config({"CREDVEND_CONFIG": str(path)})


@pytest.mark.parametrize("value", ["two\nlines", " blank", "blank "])
def test_nothing_is_saved_that_would_not_come_back(tmp_path: Path, value: str) -> None:
    with pytest.raises(UsageError, match="one line"):
        save_config(Config(profile=value), home(tmp_path))


@pytest.mark.parametrize(
    ("name", "value"), [("AUTH", "magic"), ("READ_TIMEOUT", "0"), ("READ_TIMEOUT", "soon"), ("CONNECT_TIMEOUT", "nan")]
)
def test_a_value_that_cannot_be_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(UsageError):
        load_checked_config(home(tmp_path, **{f"CREDVEND_{name}": value}))


def test_a_relative_base_directory_is_ignored(tmp_path: Path) -> None:
    for name in ("XDG_CACHE_HOME", "CREDVEND_CACHE_DIR"):
        assert lean.cache_directory(home(tmp_path, **{name: "here"})) == str(tmp_path / ".cache/credvend")


def test_a_file_that_others_can_write_is_not_believed(tmp_path: Path) -> None:
    path = save_config(Config(url="https://a.example.com"), home(tmp_path))
    path.chmod(0o666)
    with pytest.raises(UsageError, match="chmod go-w"):
        load_config(home(tmp_path))
    path.chmod(0o644)
    assert load_config(home(tmp_path)).url == "https://a.example.com"


def test_a_group_may_write_a_file_that_is_believed_if_it_is_the_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_config(Config(url="https://a.example.com"), home(tmp_path))
    path.chmod(0o664)
    me = pwd.getpwuid(os.geteuid()).pw_name
    for name, members, fine in ((me, [], True), (me, [me], True), (me, ["mallory"], False), ("staff", [], False)):
        entry = grp.struct_group((name, "x", pwd.getpwuid(os.geteuid()).pw_gid, members))
        monkeypatch.setattr(grp, "getgrgid", lambda _, entry=entry: entry)
        if fine:
            assert load_config(home(tmp_path)).url == "https://a.example.com"
        else:
            with pytest.raises(UsageError, match="chmod go-w"):
                load_config(home(tmp_path))


def test_a_path_may_begin_at_home(tmp_path: Path) -> None:
    environ = home(tmp_path, CREDVEND_TOKEN_FILE="~/token", CREDVEND_CA_BUNDLE="/etc/ca.pem")
    config = load_config(environ)
    assert (config.token_file, config.ca_bundle) == (str(tmp_path / "token"), "/etc/ca.pem")


# The caller


def test_what_was_given_for_credvend_comes_first_and_aws_credentials_last(tmp_path: Path) -> None:
    environ = home(tmp_path, AWS_ACCESS_KEY_ID="AKIA")
    found = [lean.chosen_auth_method({"url": "u"}, environ)]
    write_marker(environ, "token", "u")
    found.append(lean.chosen_auth_method({"url": "u"}, environ))
    write_marker(environ, "login", "u")
    found.append(lean.chosen_auth_method({"url": "u"}, environ))
    for more in (
        {"GITLAB_CI": "true", "CREDVEND_ID_TOKEN": "t"},
        {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://example.com"},
        {"CREDVEND_TOKEN": "t"},
    ):
        environ.update(more)
        found.append(lean.chosen_auth_method({"url": "u"}, environ))
    assert found == ["sigv4", "token", "login", "gitlab", "github", "token"]
    assert lean.chosen_auth_method({"url": "u", "auth": "sigv4"}, environ) == "sigv4"


def test_a_sign_in_to_one_service_is_none_to_another(tmp_path: Path) -> None:
    environ = home(tmp_path)
    write_marker(environ, "login", "https://a.example.com")
    assert lean.chosen_auth_method({"url": "https://a.example.com"}, environ) == "login"
    assert lean.chosen_auth_method({"url": "https://b.example.com"}, environ) == "sigv4"
    remove_marker(environ, "login", "https://a.example.com")
    assert lean.chosen_auth_method({"url": "https://a.example.com"}, environ) == "sigv4"


def test_each_sign_in_is_another_caller(tmp_path: Path) -> None:
    environ = home(tmp_path)
    write_marker(environ, "login", "u")
    before = lean.identity("login", {"url": "u"}, environ)
    write_marker(environ, "login", "u")
    assert lean.identity("login", {"url": "u"}, environ) != before


def test_another_token_is_another_caller_and_is_not_told(tmp_path: Path) -> None:
    one = lean.identity("token", {}, home(tmp_path, CREDVEND_TOKEN="cvt_one"))
    assert one != lean.identity("token", {}, home(tmp_path, CREDVEND_TOKEN="cvt_two")) and "cvt" not in one
    file = tmp_path / "token"
    file.write_text("cvt_one\n")
    assert lean.identity("token-file", {"token_file": str(file)}, {}) == one


@pytest.mark.parametrize("name", lean.AWS_SOURCES)
def test_each_place_where_sdks_find_credentials_tells_callers_apart(tmp_path: Path, name: str) -> None:
    seen = [lean.identity("sigv4", {}, home(tmp_path, **more)) for more in ({}, {name: "/a"}, {name: "/b"})]
    assert len(set(seen)) == 3


def test_another_key_profile_or_file_is_another_caller(tmp_path: Path) -> None:
    seen = [
        lean.identity("sigv4", {}, home(tmp_path, AWS_ACCESS_KEY_ID="AKIA1")),
        lean.identity("sigv4", {}, home(tmp_path, AWS_ACCESS_KEY_ID="AKIA2")),
        lean.identity("sigv4", {"profile": "p"}, home(tmp_path, AWS_ACCESS_KEY_ID="AKIA2")),
        lean.identity("sigv4", {}, home(tmp_path)),
        lean.identity("sigv4", {}, home(tmp_path, AWS_PROFILE="p")),
        lean.identity("sigv4", {}, home(tmp_path, AWS_PROFILE="q")),
        lean.identity("sigv4", {}, home(tmp_path, AWS_CONTAINER_CREDENTIALS_FULL_URI="http://localhost/1")),
    ]
    for file in ("config", "credentials", "sso/cache/session.json"):
        path = tmp_path / ".aws" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        seen.append(lean.identity("sigv4", {}, home(tmp_path)))
        os.utime(path, ns=(1, 1))
        seen.append(lean.identity("sigv4", {}, home(tmp_path)))
    elsewhere = home(tmp_path, AWS_SHARED_CREDENTIALS_FILE="~/elsewhere")
    seen.append(lean.identity("sigv4", {}, elsewhere))
    (tmp_path / "elsewhere").write_text("x")
    seen.append(lean.identity("sigv4", {}, elsewhere))
    for name in ("AWS_CREDENTIAL_FILE", "BOTO_CONFIG", "AWS_LOGIN_CACHE_DIRECTORY"):
        path = tmp_path / name
        environ = home(tmp_path, **{name: str(path)})
        seen.append(lean.identity("sigv4", {}, environ))
        if name.endswith("DIRECTORY"):
            path.mkdir()
            path /= "session.json"
        path.write_text("x")
        seen.append(lean.identity("sigv4", {}, environ))
    (tmp_path / ".boto").write_text("x")
    seen.append(lean.identity("sigv4", {}, home(tmp_path)))
    seen.append(lean.identity("sigv4", {"profile": "p"}, home(tmp_path, AWS_ACCESS_KEY_ID="AKIA3")))
    assert len(set(seen)) == len(seen)


# The key


def test_each_option_makes_another_key() -> None:
    base = ("u", "token", "caller", "role")
    pair = (("a", "b"),)
    keys = [
        lean.cache_key(*base),
        lean.cache_key("v", *base[1:]),
        lean.cache_key("u", "login", "caller", "role"),
        lean.cache_key("u", "token", "other", "role"),
        lean.cache_key(*base[:3], "roles"),
        lean.cache_key(*base, duration="15m"),
        lean.cache_key(*base, duration=""),
        lean.cache_key(*base, reason="15m"),
        lean.cache_key(*base, policy="15m"),
        lean.cache_key(*base, params=pair),
        lean.cache_key(*base, tags=pair),
        lean.cache_key(*base, params=(("a=b", ""),)),
        lean.cache_key(*base, params=(("a", "b"), ("c", "d"))),
        lean.cache_key(*base, params=(("a", "b1:c1:d"),)),
    ]
    assert len(set(keys)) == len(keys)


def test_the_order_of_tags_makes_no_other_key() -> None:
    one, two = ("a", "b"), ("c", "d")
    assert lean.cache_key("u", "w", "c", "r", tags=(one, two)) == lean.cache_key("u", "w", "c", "r", tags=(two, one))


def test_the_hash_is_sha_256_in_every_python() -> None:
    assert lean.sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


# Entries


def test_an_entry_comes_back_as_it_was() -> None:
    back = lean.parse_entry(ENTRY.to_bytes(), ENTRY.key)
    assert back is not None and vars(back) == vars(ENTRY)


def test_half_an_entry_is_none_and_neither_is_a_changed_one() -> None:
    data = ENTRY.to_bytes()
    assert all(lean.parse_entry(data[:length], ENTRY.key) is None for length in range(len(data)))
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1
        assert lean.parse_entry(bytes(changed), ENTRY.key) is None
    assert lean.parse_entry(data, "cd" * 32) is None
    assert lean.parse_entry(data + b"x", ENTRY.key) is None
    assert lean.parse_entry(b"\xff" * 100, ENTRY.key) is None


@pytest.mark.parametrize(
    ("lifetime", "margin", "least"),
    [
        (1, 0, 0), (10, 2, 1), (60, 12, 6), (300, 60, 30), (600, 120, 60), (900, 180, 60), (1500, 300, 60),
        (3600, 300, 60), (43_200, 300, 60),
    ],
)  # fmt: skip
def test_refreshed_a_few_minutes_before_the_end_and_less_for_the_short_lived(
    lifetime: int, margin: int, least: int
) -> None:
    entry = lean.Entry("k", NOW, NOW + lifetime, "", "")
    end = NOW + lifetime
    assert entry.is_fresh(NOW) and entry.is_fresh(end - margin - 1) and not entry.is_fresh(end - margin)
    assert entry.is_usable(end - least - 1) and not entry.is_usable(end - least)


@pytest.mark.parametrize(("lifetime", "least"), [(3600, 60), (60, 6), (1, 0)])
def test_a_clock_that_was_set_back_makes_an_entry_worthless(lifetime: int, least: int) -> None:
    """Set back by less, what is handed out lives on all the same: for no longer than the least life beyond it."""
    entry = lean.Entry("k", NOW, NOW + lifetime, "", "")
    assert entry.is_fresh(NOW - least)
    assert not entry.is_fresh(NOW - least - 1) and not entry.is_usable(NOW - least - 1)


# Files


def test_a_private_file_and_directory_are_nobody_elses(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        directory = private_directory(str(tmp_path / "a/b"))
        write_private(f"{directory}/secret", b"x")
    finally:
        os.umask(before)
    assert Path(directory).stat().st_mode & 0o777 == 0o700
    assert Path(directory, "secret").stat().st_mode & 0o777 == 0o600
    assert lean.read_private(f"{directory}/secret") == b"x"
    assert [file.name for file in Path(directory).iterdir()] == ["secret"]


def test_a_relative_directory_is_made_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    private_directory("cache")
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_an_open_file_is_not_read(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(mode)
    with pytest.raises(lean.Unreadable, match="chmod 600"):
        lean.read_private(str(path))


def test_a_link_a_directory_and_a_pipe_are_not_read(tmp_path: Path) -> None:
    write_private(str(tmp_path / "secret"), b"x")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "directory").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("link", "directory", "pipe"):
        with pytest.raises(lean.Unreadable):
            lean.read_private(str(tmp_path / name))


def test_a_link_in_the_place_of_a_secret_is_replaced_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (tmp_path / "secret").symlink_to(elsewhere)
    write_private(str(tmp_path / "secret"), b"x")
    assert elsewhere.read_text() == "mine" and not (tmp_path / "secret").is_symlink()


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o770, 0o777])
def test_an_open_directory_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "open"
    path.mkdir()
    path.chmod(mode)
    with pytest.raises(UsageError, match="chmod 700"):
        private_directory(str(path))


def test_a_link_to_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for path in (str(tmp_path / "link"), "/dev/null"):
        with pytest.raises(UsageError, match="name another directory") as refused:
            private_directory(path)
        assert "remove" not in str(refused.value)


def test_what_belongs_to_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_private(str(tmp_path / "secret"), b"x")
    (tmp_path / "theirs").mkdir(mode=0o700)
    # Only root could give files away, but anybody can be somebody else.
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    with pytest.raises(lean.Unreadable, match="another user"):
        lean.read_private(str(tmp_path / "secret"))
    with pytest.raises(UsageError, match="another user; if sudo left it, chown it"):
        private_directory(str(tmp_path / "theirs"))


# The fast path


def cached(environ: dict[str, str], *arguments: str, entry: lean.Entry | None = None, **options: Any) -> str | None:
    """What the fast path says when the cache has one entry: that of these options, unless another is given."""
    settings = lean.read_settings(environ)
    method = lean.chosen_auth_method(settings, environ)
    caller = lean.identity(method, settings, environ)
    key = lean.cache_key(settings["url"], method, caller, "reports", **options)
    now = int(time.time())
    made = lean.Entry(key, now, now + 3600, '{"Version": 1}', "{}") if entry is None else entry
    private_directory(lean.cache_directory(environ))
    write_private(lean.cache_path(environ, f"{key}.entry"), made.to_bytes())
    return lean.cached_process(arguments, environ)


@pytest.fixture
def caller(tmp_path: Path) -> dict[str, str]:
    return home(tmp_path, CREDVEND_URL="https://a.example.com/api", CREDVEND_TOKEN="cvt_one")


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["reports"], {}),
        (["reports", "--duration", "15m"], {"duration": "15m"}),
        (["reports", "--duration=1h30m"], {"duration": "5400"}),
        (["--reason=a = b", "reports"], {"reason": "a = b"}),
        (["reports", "--tag", "b=2", "--tag=a=1=1"], {"tags": (("a", "1=1"), ("b", "2"))}),
        (["reports", "--param", "x=y"], {"params": (("x", "y"),)}),
    ],
)
def test_the_fast_path_answers_what_the_cache_has(
    caller: dict[str, str], arguments: list[str], options: dict[str, Any]
) -> None:
    assert cached(caller, *arguments, **options) == '{"Version": 1}'


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["reports", "more"],
        ["reports", "--duration", "15m"],
        ["reports", "--policy", "file"],
        ["reports", "--verbose"],
        ["reports", "--help"],
        ["reports", "--duration"],
        ["reports", "--reason", "--verbose"],
        ["reports", "--tag", "nonsense"],
        ["--", "reports"],
        ["other"],
    ],
)
def test_the_fast_path_leaves_everything_else_to_the_full_one(caller: dict[str, str], arguments: list[str]) -> None:
    assert cached(caller, *arguments) is None


def test_the_fast_path_leaves_what_is_not_fresh_to_the_full_one(caller: dict[str, str]) -> None:
    now = int(time.time())
    settings = lean.read_settings(caller)
    identity = lean.identity("token", settings, caller)
    key = lean.cache_key(settings["url"], "token", identity, "reports")
    for obtained, expires in ((now - 3400, now + 200), (now - 9000, now - 5400), (now + 600, now + 4200)):
        assert cached(caller, "reports", entry=lean.Entry(key, obtained, expires, "{}", "{}")) is None
    assert cached(caller, "reports", entry=lean.Entry("0" * 64, now, now + 3600, "{}", "{}")) is None


def test_the_fast_path_reads_no_file_and_no_directory_that_is_open(caller: dict[str, str]) -> None:
    assert cached(caller, "reports") is not None
    directory = Path(lean.cache_directory(caller))
    (entry,) = directory.iterdir()
    entry.chmod(0o644)
    assert lean.cached_process(["reports"], caller) is None
    entry.chmod(0o600)
    directory.chmod(0o755)
    assert lean.cached_process(["reports"], caller) is None


def test_the_fast_path_does_not_answer_the_credential_chain_it_was_called_from(caller: dict[str, str]) -> None:
    assert cached({**caller, lean.SIGNING: "1"}, "reports") is None


def test_the_fast_path_imports_next_to_nothing(caller: dict[str, str], environ: dict[str, str]) -> None:
    assert cached(caller, "reports") is not None
    code = (
        "import sys; bare = set(sys.modules)\n"
        "from credvend.cli import main\n"
        "assert main(['process', 'reports']) == 0\n"
        "print(*sorted(set(sys.modules) - bare))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={**caller, "PYTHONPATH": environ["PYTHONPATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    answer, modules = done.stdout.splitlines()
    assert answer == '{"Version": 1}'
    hashes = {"_sha2", "_sha256"}
    assert set(modules.split()) - hashes <= {"credvend", "credvend.cli", "credvend.lean", "os", "stat", "_stat"} | {
        "posixpath", "genericpath", "_collections_abc", "os.path", "abc", "_abc",
    }  # fmt: skip
