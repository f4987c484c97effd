"""Signing in and staying signed in: one renewal at a time, nothing lost in a crash, nothing left by a logout."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import types
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from browsing import address_on, has_browser
from fake_keyring import Ring
from fake_provider import CLIENT, FakeProvider, fake_provider
from fake_service import Planned, fake_service

from credvend import lean
from credvend.auth import sign_in as signing_in
from credvend.auth.methods.login import Login
from credvend.command_line import run
from credvend.commands import login as login_command
from credvend.disk import secret_store
from credvend.disk.config_file import Config
from credvend.errors import AuthenticationError, ServiceError
from credvend.oidc.client import Oidc

SOURCE = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with fake_provider() as started:
        yield started


@pytest.fixture
def config(provider: FakeProvider) -> Config:
    return Config(url="https://credvend.example.com/api", auth="login", issuer=provider.issuer, client_id=CLIENT)


@pytest.fixture
def environ(tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    has_browser(monkeypatch, lambda page: False)
    return {
        "HOME": str(tmp_path),
        "CREDVEND_KEYRING": "off",
        "CREDVEND_URL": config.url,
        "CREDVEND_AUTH": "login",
        "CREDVEND_ISSUER": str(config.issuer),
        "CREDVEND_CLIENT_ID": CLIENT,
    }


def state(environ: dict[str, str]) -> dict[str, Path]:
    return {
        path.name.partition("-")[2][16:] or path.name: path for path in Path(lean.state_directory(environ)).iterdir()
    }


def number(token: str) -> int:
    """Which one of the provider's tokens it is."""
    from credvend.oidc.tokens import jwt_claims

    claims = jwt_claims(token)
    assert claims is not None
    return int(claims["number"])


def sign_in(environ: dict[str, str]) -> None:
    assert run(["login"], environ) == 0


def test_a_login_tells_who_and_where_the_refresh_token_is_and_prints_no_secret(
    provider: FakeProvider, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    provider.token_answer = {"refresh_token": "the-refresh-token", "access_token": "the.access.token"}
    assert run(["--verbose", "login"], environ) == 0
    out, err = capsys.readouterr()
    assert f"open {provider.issuer}/activate and enter or compare the code: ABCD-EFGH" in err
    assert "Signed in as a@example.com." in out
    assert f"Your refresh token is in the file {state(environ)['.secret']}, which only you can read." in out
    for secret in ("the-refresh-token", "the.access.token", "the-device-code"):
        assert secret not in out + err


def test_what_is_kept_of_a_login_only_its_owner_can_read(environ: dict[str, str]) -> None:
    before = os.umask(0)
    try:
        sign_in(environ)
    finally:
        os.umask(before)
    directory = Path(lean.state_directory(environ))
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for path in directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_the_token_is_used_until_shortly_before_its_end_and_then_renewed(
    provider: FakeProvider, config: Config, environ: dict[str, str]
) -> None:
    sign_in(environ)
    assert [number(signing_in.current_token(config, environ)) for _ in range(3)] == [1, 1, 1]
    age(config, environ, 541)
    assert [number(signing_in.current_token(config, environ)) for _ in range(3)] == [2, 2, 2]
    age(config, environ, 541)
    assert number(signing_in.current_token(config, environ)) == 3
    assert [form["refresh_token"] for form in provider.forms("refresh_token")] == ["refresh-1", "refresh-2"]


def age(config: Config, environ: dict[str, str], seconds: float) -> None:
    """Make the session older, as waiting would."""
    path = state(environ)[".json"]
    session = json.loads(path.read_text())
    session["expires"] -= seconds
    session["obtained"] -= seconds
    path.write_text(json.dumps(session))


def test_a_clock_that_was_set_back_does_not_make_a_token_live_longer(config: Config, environ: dict[str, str]) -> None:
    sign_in(environ)
    age(config, environ, -3600)
    assert number(signing_in.current_token(config, environ)) == 2


def test_many_processes_that_need_a_new_token_at_once_renew_it_once(
    provider: FakeProvider, config: Config, environ: dict[str, str]
) -> None:
    sign_in(environ)
    age(config, environ, 600)
    program = "import os; from credvend.auth.sign_in import current_token\n"
    program += "from credvend.disk.config_file import load_config\n"
    program += "print(current_token(load_config(os.environ), os.environ))"
    child = {**environ, "PYTHONPATH": str(SOURCE)}
    started = [
        subprocess.Popen([sys.executable, "-c", program], env=child, stdout=subprocess.PIPE, text=True)
        for _ in range(12)
    ]
    tokens = {process.communicate()[0] for process in started}
    assert all(process.returncode == 0 for process in started)
    assert len(tokens) == 1 and len(provider.forms("refresh_token")) == 1


def test_threads_of_one_process_do_not_renew_at_once_either(
    provider: FakeProvider, config: Config, environ: dict[str, str]
) -> None:
    sign_in(environ)
    age(config, environ, 600)
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(lambda _: signing_in.current_token(config, environ), range(8)))
    assert len(tokens) == 1 and len(provider.forms("refresh_token")) == 1


@contextmanager
def renewing(
    provider: FakeProvider, environ: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], threading.Event]]:
    """A process that renews a token, and has asked the provider, which answers once the event is set."""
    asked, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        asked.set()
        assert go_on.wait(30)

    provider.on_refresh = hold
    program = "import os; from credvend.auth.sign_in import current_token\n"
    program += "from credvend.disk.config_file import load_config\n"
    program += "current_token(load_config(os.environ), os.environ)"
    child = {**environ, "PYTHONPATH": str(SOURCE)}
    with subprocess.Popen([sys.executable, "-c", program], env=child, stderr=subprocess.DEVNULL) as process:
        assert asked.wait(30)
        yield process, go_on
    provider.on_refresh = lambda: None


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_is_ended_while_it_renews_loses_no_refresh_token(
    provider: FakeProvider, config: Config, environ: dict[str, str], ending: signal.Signals
) -> None:
    sign_in(environ)
    age(config, environ, 600)
    with renewing(provider, environ) as (process, go_on):
        process.send_signal(ending)
        go_on.set()
        assert process.wait(30) != 0
    assert secret_store.read(f"login {config.url}", environ) == "refresh-2"
    age(config, environ, 600)
    assert number(signing_in.current_token(config, environ)) == 3


def test_a_token_that_is_refused_before_its_end_is_renewed_once(
    provider: FakeProvider, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    no = Planned(401, {"Code": "InvalidToken", "Message": "No.", "RequestId": "r"})
    with fake_service() as service:
        environ["CREDVEND_URL"] = service.url
        sign_in(environ)
        service.planned = [no]
        assert run(["whoami"], environ) == 0
        sent = [asked.headers["authorization"] for asked in service.asked]
        assert [number(each.partition(" ")[2]) for each in sent] == [1, 2]
        service.planned = [no, no, no]
        assert run(["whoami"], environ) == 3 and len(service.asked) == 4
        provider.token_answer = {"refresh_token": None}
        sign_in(environ)
        service.planned = [no]
        assert run(["whoami"], environ) == 3 and len(service.asked) == 5
    assert len(provider.forms("refresh_token")) == 2


def test_a_client_secret_is_kept_with_the_sign_in_for_its_renewal_and_revocation(
    provider: FakeProvider, config: Config, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--verbose", "login"], {**environ, "CREDVEND_CLIENT_SECRET": "the-client-secret"}) == 0
    age(config, environ, 600)
    assert number(signing_in.current_token(config, environ)) == 2
    assert run(["logout"], environ) == 0
    assert [path for path, form in provider.asked if form.get("client_secret") == "the-client-secret"] == [
        "/device",
        "/token",
        "/token",
        "/revoke",
    ]
    said = capsys.readouterr()
    assert "the-client-secret" not in said.out + said.err
    left = [path for path in Path(lean.state_directory(environ)).iterdir() if b"the-client-secret" in path.read_bytes()]
    assert left == []


def test_a_provider_that_does_not_rotate_keeps_its_token_in_use(
    provider: FakeProvider, config: Config, environ: dict[str, str]
) -> None:
    sign_in(environ)
    age(config, environ, 600)
    provider.token_answer = {"refresh_token": None}
    signing_in.current_token(config, environ)
    assert secret_store.read(f"login {config.url}", environ) == "refresh-1"


def test_a_sign_in_that_the_provider_ended_is_told_once_and_not_asked_for_again(
    provider: FakeProvider, config: Config, environ: dict[str, str]
) -> None:
    sign_in(environ)
    age(config, environ, 600)
    provider.valid = None
    with pytest.raises(AuthenticationError, match="has ended your sign-in: run `credvend login`") as raised:
        signing_in.current_token(config, environ)
    assert "refresh-1" not in str(raised.value)
    for _ in range(3):
        with pytest.raises(AuthenticationError, match="run `credvend login`"):
            signing_in.current_token(config, environ)
    assert len(provider.forms("refresh_token")) == 1


def test_a_provider_that_is_away_does_not_cost_the_sign_in(
    provider: FakeProvider, config: Config, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(environ)
    age(config, environ, 600)
    path = state(environ)[".json"]
    there = path.read_text()
    path.write_text(json.dumps({**json.loads(there), "token_endpoint": "http://127.0.0.1:1/token"}))
    monkeypatch.setattr("credvend.net.send.ATTEMPTS", 1)
    with pytest.raises(ServiceError):
        signing_in.current_token(config, environ)
    path.write_text(there)
    assert number(signing_in.current_token(config, environ)) == 2


def test_without_a_refresh_token_people_are_told_how_long_it_lasts(
    provider: FakeProvider, config: Config, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    sign_in(environ)
    provider.token_answer = {"refresh_token": None}
    sign_in(environ)
    assert "no refresh token: sign in again in 10 minutes" in capsys.readouterr().out
    age(config, environ, 600)
    with pytest.raises(AuthenticationError, match="cannot be renewed: run `credvend login`"):
        signing_in.current_token(config, environ)
    assert provider.forms("refresh_token") == []  # not the one of the sign-in before, either


def test_each_login_is_another_caller_and_a_renewal_is_the_same(config: Config, environ: dict[str, str]) -> None:
    sign_in(environ)
    first = Login(config, environ).cache_identity()
    age(config, environ, 600)
    signing_in.current_token(config, environ)
    assert Login(config, environ).cache_identity() == first
    sign_in(environ)
    assert Login(config, environ).cache_identity() != first


def test_a_login_is_for_one_service_and_one_provider(config: Config, environ: dict[str, str]) -> None:
    sign_in(environ)
    for other in (replace(config, url="https://another.example.com"), replace(config, issuer="https://other.example")):
        with pytest.raises(AuthenticationError, match="run `credvend login`"):
            signing_in.current_token(other, environ)


def test_a_session_that_is_damaged_or_open_is_not_used(config: Config, environ: dict[str, str]) -> None:
    sign_in(environ)
    path = state(environ)[".json"]
    whole = path.read_text()
    for text in ("", "{", "[]", "{}", whole[:-20]):
        path.write_text(text)
        with pytest.raises(AuthenticationError, match="not signed in"):
            signing_in.current_token(config, environ)
    path.write_text(whole)
    path.chmod(0o640)
    with pytest.raises(AuthenticationError, match="chmod 600"):
        signing_in.current_token(config, environ)


def test_a_logout_forgets_everything_here_and_at_the_provider(
    provider: FakeProvider, config: Config, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    sign_in(environ)
    assert run(["logout"], environ) == 0
    assert "Signed out a@example.com.\nThe OpenID provider has revoked the refresh token." in capsys.readouterr().out
    assert provider.asked[-1] == (
        "/revoke",
        {"token": "refresh-1", "token_type_hint": "refresh_token", "client_id": CLIENT},
    )
    assert set(state(environ)) == {".json.lock"}
    with pytest.raises(AuthenticationError, match="not signed in"):
        signing_in.current_token(config, environ)
    assert run(["logout"], environ) == 0
    assert "Nobody was signed in." in capsys.readouterr().out


@pytest.mark.parametrize("words", [["login"], ["logout"]])
def test_what_a_killed_process_has_left_is_swept(environ: dict[str, str], words: list[str]) -> None:
    sign_in(environ)
    left = [path.with_name(f".{path.name}.{'ab' * 8}") for path in state(environ).values() if path.suffix != ".lock"]
    other = Path(lean.state_directory(environ), f".login-{'0' * 16}.json.{'ab' * 8}")  # of another service
    for path in (*left, other):
        path.write_text("a token")
    assert run(words, environ) == 0
    assert len(left) == 3 and not any(path.exists() for path in left) and other.exists()


def test_a_logout_forgets_here_even_if_the_provider_is_away(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(environ)
    path = state(environ)[".json"]
    path.write_text(json.dumps({**json.loads(path.read_text()), "revocation_endpoint": "http://127.0.0.1:1/revoke"}))
    monkeypatch.setattr("credvend.net.send.ATTEMPTS", 1)
    assert run(["logout"], environ) == 0
    out, err = capsys.readouterr()
    assert "Signed out" in out and "was not told" in err
    assert set(state(environ)) == {".json.lock"}


def test_a_logout_with_a_locked_keyring_says_so_and_can_be_finished(
    provider: FakeProvider,
    config: Config,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ring = Ring()
    package = types.ModuleType("keyring")
    package.get_keyring = lambda: ring  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", package)
    del environ["CREDVEND_KEYRING"]
    sign_in(environ)
    cached = Path(lean.cache_directory(environ), "ab.entry")
    cached.parent.mkdir(parents=True, mode=0o700)
    cached.touch()
    ring.locked = True
    capsys.readouterr()
    for _ in range(2):
        assert run(["logout"], environ) == 3
        said = capsys.readouterr()
        assert said.out == "" and "still in the keyring: unlock it and run `credvend logout` again" in said.err
    assert ring.kept and not cached.exists() and lean.chosen_auth_method({"url": config.url}, environ) == "sigv4"
    ring.locked = False
    with pytest.raises(AuthenticationError, match="not signed in"):
        signing_in.current_token(config, environ)
    assert run(["logout"], environ) == 0
    assert "Signed out a@example.com.\nThe OpenID provider has revoked" in capsys.readouterr().out
    assert not ring.kept and provider.valid is None and set(state(environ)) == {".json.lock"}


def test_a_locked_keyring_keeps_nobody_signed_in_who_never_was(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ring = Ring()
    ring.locked = True
    package = types.ModuleType("keyring")
    package.get_keyring = lambda: ring  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", package)
    del environ["CREDVEND_KEYRING"]
    assert run(["logout"], environ) == 0
    assert "Nobody was signed in." in capsys.readouterr().out


@pytest.mark.parametrize("command", ["login", "logout"])
@pytest.mark.parametrize(
    ("function", "number"), [("fcntl.flock", errno.ENOLCK), ("os.open", errno.EROFS), ("os.unlink", errno.EACCES)]
)
def test_a_state_directory_that_cannot_be_used_is_told_in_one_line(
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    function: str,
    number: int,
) -> None:
    sign_in(environ)
    capsys.readouterr()
    module = {"fcntl": fcntl, "os": os}[function.partition(".")[0]]
    whole = getattr(module, function.partition(".")[2])

    def refuse(what: object, *more: object, **named: object) -> object:
        if isinstance(what, str) and lean.state_directory(environ) not in what:
            return whole(what, *more, **named)
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(module, function.partition(".")[2], refuse)
        code = run([command], environ)
    err = capsys.readouterr().err
    if function == "os.unlink" and command == "login":
        assert code == 0  # which removes nothing
    else:
        assert code == 2 and os.strerror(number) in err.splitlines()[-1] and "fault" not in err


def fetch(url: str) -> tuple[int, str]:
    """What a browser gets, without following."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay).open(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location", "")


class Browser:
    """Does what a browser does after it was opened, in a thread, and lets a test get in between."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, provider: FakeProvider) -> None:
        self.opened: list[str] = []
        self.seen: list[tuple[int, str]] = []
        self.provider = provider
        self.before: list[dict[str, str]] = []
        self.answer: dict[str, str] = {"code": "the-code"}
        self._thread: threading.Thread | None = None
        has_browser(monkeypatch, self.open)

    def open(self, page: str) -> bool:
        self.opened.append(page)
        self._thread = threading.Thread(target=self._go, args=(address_on(page),))
        self._thread.start()
        return True

    def _go(self, url: str) -> None:
        _, location = fetch(url)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        self.provider.nonce = asked["nonce"]
        self.seen.append(fetch(url))
        for each in ({"code": "theirs"}, {"code": "theirs", "state": "guessed"}, {"error": "x", "state": "y"}):
            self.seen.append(fetch(f"{asked['redirect_uri']}?{urlencode(each)}"))
        self.seen.append(fetch(f"{asked['redirect_uri']}?{urlencode({**self.answer, 'state': asked['state']})}"))

    def join(self) -> None:
        assert self._thread is not None
        self._thread.join()


def test_a_login_with_the_browser_has_nothing_secret_on_a_command_line_and_takes_one_answer(
    provider: FakeProvider, config: Config, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(monkeypatch, provider)
    assert run(["login", "--browser"], environ) == 0
    browser.join()
    (opened,) = browser.opened
    assert opened.startswith("file://") and not Path(urlsplit(opened).path).parent.exists()
    # The address is good for once, and what is not the answer to our request does not count.
    assert [status for status, _ in browser.seen] == [410, 404, 404, 404, 200]
    (form,) = provider.forms("authorization_code")
    assert form["code"] == "the-code"
    assert number(signing_in.current_token(config, environ)) == 1


def test_a_no_in_the_browser_ends_the_login(
    provider: FakeProvider,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    browser = Browser(monkeypatch, provider)
    browser.answer = {"error": "access_denied", "error_description": "No."}
    assert run(["login", "--browser"], environ) == 3
    browser.join()
    assert "credvend: The OpenID provider said no: No. (access_denied).\n" in capsys.readouterr().err


def test_nobody_in_the_browser_ends_the_login_after_a_while(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(login_command, "BROWSER_SECONDS", 0.05)
    assert run(["login", "--browser"], environ) == 3
    assert "open this address in a browser of this computer: http://127.0.0.1:" in capsys.readouterr().err


def test_another_name_for_the_loopback_address_gets_nothing(config: Config, environ: dict[str, str]) -> None:
    """DNS rebinding: a page of the attacker's whose name has become 127.0.0.1."""
    from credvend.net.browser import Answer, browser_server

    with browser_server(lambda path, query: Answer(200, "secret", "secret")) as port:
        for host, status in ((f"127.0.0.1:{port}", 200), (f"localhost:{port}", 200), ("evil.example.com", 404)):
            request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": host})
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            try:
                with opener.open(request, timeout=10) as answer:
                    assert answer.status == status
            except urllib.error.HTTPError as error:
                with error:
                    assert error.code == status


def test_a_provider_without_a_device_flow_is_signed_in_to_with_the_browser(
    provider: FakeProvider, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.metadata = {"device_authorization_endpoint": None}
    browser = Browser(monkeypatch, provider)
    assert run(["login"], environ) == 0
    browser.join()


def test_a_login_that_is_not_used_warns(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["login"], {**environ, "CREDVEND_AUTH": "auto", "CREDVEND_TOKEN": "cvt_x"}) == 0
    assert "the way to authenticate is token" in capsys.readouterr().err


def test_oidc_is_not_discovered_again_to_renew(provider: FakeProvider, config: Config, environ: dict[str, str]) -> None:
    sign_in(environ)
    age(config, environ, 600)
    provider.metadata = {"issuer": "another"}
    assert number(signing_in.current_token(config, environ)) == 2
    with pytest.raises(ServiceError):
        Oidc(config, environ)


def test_the_clock_of_a_session_is_this_computers(config: Config, environ: dict[str, str]) -> None:
    sign_in(environ)
    session = json.loads(state(environ)[".json"].read_text())
    assert session["expires"] == pytest.approx(time.time() + 600, abs=20)


def test_a_code_that_is_in_the_address_is_on_no_command_line(
    provider: FakeProvider, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever enters it first at the provider would sign this command in as somebody else."""
    seen: list[str] = []
    led: list[str] = []

    def browse(page: str) -> bool:
        seen.append(page)
        led.append(address_on(page))
        return True

    has_browser(monkeypatch, browse)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    answered = provider.post
    complete = f"{provider.issuer}/activate?user_code=ABCD-EFGH&x='"
    provider.post = lambda path, form: (  # type: ignore[method-assign]
        200,
        {**(answered(path, form)[1] or {}), "verification_uri_complete": complete},
    )
    sign_in(environ)
    assert led == [complete] and "ABCD" not in seen[0] and not Path(urlsplit(seen[0]).path).exists()


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/proc/net/tcp").exists(), reason="takes two users")
@pytest.mark.parametrize(
    ("user", "connect", "status"),
    [
        (0, "socket.create_connection(('127.0.0.1', port))", "200"),
        (0, "mapped(port)", "200"),
        (65534, "socket.create_connection(('127.0.0.1', port))", "404"),
        (65534, "mapped(port)", "404"),
    ],
)
def test_another_user_of_the_computer_gets_nothing_whatever_socket_it_has(user: int, connect: str, status: str) -> None:
    from credvend.net.browser import Answer, browser_server

    program = f"""
import socket, sys
def mapped(port):
    made = socket.socket(socket.AF_INET6)
    made.connect(("::ffff:127.0.0.1", port))
    return made
port = int(sys.argv[1])
with {connect} as made:
    made.sendall(b"GET / HTTP/1.1\\r\\nHost: 127.0.0.1:%d\\r\\n\\r\\n" % port)
    print(made.recv(1000).split()[1].decode())
"""
    with browser_server(lambda path, query: Answer(200, "secret", "secret")) as port:
        command = ["/usr/bin/env", "python3", "-c", program, str(port)]
        done = subprocess.run(command, user=user, capture_output=True, text=True, check=False, cwd="/")
        if "Permission denied" in done.stderr:
            pytest.skip("the other user has no Python")
        assert done.stdout.strip() == status, done.stderr


LISTED = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.mark.parametrize(
    ("line", "is_another"),
    [
        ("0100007F:1000 0100007F:2000 01 0 0 0 {me} 0 0", False),
        ("0100007F:1000 0100007F:2000 06 0 0 0 {me} 0 0", False),
        ("0100007F:1000 0100007F:2000 01 0 0 0 0 0 0", False),  # root
        ("0100007F:1000 0100007F:2000 05 0 0 0 0 0 0", True),  # whoever it was, it has closed it
        ("0100007F:1000 0100007F:2000 01 0 0 0 4242 0 0", True),
        ("0100007F:1000 0100007F:2001 01 0 0 0 {me} 0 0", True),  # another connection from the same port
        ("", True),
    ],
)
@pytest.mark.parametrize("table", ["tcp", "tcp6"])
def test_a_connection_that_is_not_known_to_be_this_users_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, table: str, line: str, is_another: bool
) -> None:
    from credvend.net import loopback_server

    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    monkeypatch.setattr(os, "getuid", lambda: 1234)
    if table == "tcp6":
        line = line.replace("0100007F", "0000000000000000FFFF00000100007F")
    for name in ("tcp", "tcp6"):
        (tmp_path / name).write_text(LISTED + (f"   0: {line.format(me=1234)}\n" if line and name == table else ""))
    # As a CPU prints it that begins a number with its least byte.
    monkeypatch.setattr(sys, "byteorder", "little")
    where = {f"/proc/net/{name}": tmp_path / name for name in ("tcp", "tcp6")}
    monkeypatch.setattr(loopback_server, "open", lambda name, **how: where[name].open(**how), raising=False)
    assert loopback_server.is_another_user(("127.0.0.1", 0x1000), ("127.0.0.1", 0x2000)) is is_another
    where = dict.fromkeys(where, tmp_path / "none")
    assert not loopback_server.is_another_user(("127.0.0.1", 0x1000), ("127.0.0.1", 0x2000)), "there is no /proc"


def test_a_process_that_is_killed_while_it_renews_costs_a_new_login_at_most(
    provider: FakeProvider, config: Config, environ: dict[str, str]
) -> None:
    sign_in(environ)
    age(config, environ, 600)
    with renewing(provider, environ) as (process, go_on):
        process.kill()
        process.wait(30)
        go_on.set()
    with pytest.raises(AuthenticationError, match="run `credvend login`"):
        signing_in.current_token(config, environ)
    sign_in(environ)
    signing_in.current_token(config, environ)


def test_a_crash_after_the_new_refresh_token_was_kept_costs_nothing(config: Config, environ: dict[str, str]) -> None:
    sign_in(environ)
    age(config, environ, 600)
    path = state(environ)[".json"]
    before = path.read_bytes()
    signing_in.current_token(config, environ)
    path.write_bytes(before)  # as if it had ended just before it wrote this
    assert number(signing_in.current_token(config, environ)) == 3
