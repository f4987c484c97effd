"""How keys are fetched: from a server on loopback that does what it should not."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from chalicelib.callers.oidc import issuer_keys
from chalicelib.callers.oidc.connection import Deadline
from chalicelib.callers.oidc.fetch import TROUBLE, BadAnswer, fetch_json
from chalicelib.callers.oidc.issuer_keys import RETRY_SECONDS, FetchedKeys
from chalicelib.configuration.issuers_file import load_issuers
from chalicelib.errors import IssuerUnavailable
from testing.certificate import make_certificate
from testing.loopback import LoopbackServer, RawResponse, Request, Response, serve

TEXTS: Final = {
    "good": b'{"keys": []}',
    "huge": b'{"a": "' + b"x" * 1_000_000 + b'"}',
    "twice": b'{"keys": [], "keys": []}',
}
STATUSES: Final = {"redirect": 302, "missing": 404, "broken": 500}
HEAD: Final = b"HTTP/1.1 200 OK\r\n"
# What an answer begins with, and what comes of it again and again without end.
ENDLESS: Final = {
    "in its status": (b"", b"H"),
    "in its headers": (HEAD, b"X-More: 1\r\n"),
    "in one header": (HEAD + b"X-More: ", b"x"),
    "with interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "in its body": (HEAD + b"\r\n", b" "),
    "in its chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "in silence": (HEAD, b""),
}
PATIENCE: Final = 0.4
# Far below what it takes where it is not given up, and far above what a loaded machine may add.
SOON: Final = PATIENCE + 2


@contextmanager
def server(kind: str) -> Iterator[str]:
    """A server whose every answer is of that kind, and its URL."""

    def answer(_: Request) -> Response:
        headers = {"Location": "/elsewhere"} if kind == "redirect" else {}
        return Response(STATUSES.get(kind, 200), iter([TEXTS.get(kind, b"")]), headers)

    with serve(answer) as running:
        yield f"{running.url}/keys"


@contextmanager
def endless(kind: str, private: Path | None = None) -> Iterator[LoopbackServer]:
    """A server whose every answer goes on until the client hangs up, or has waited so long that its test fails."""
    start, again = ENDLESS[kind]

    def parts(stopping: Event) -> Iterator[bytes]:
        ends = time.monotonic() + SOON + 1
        yield start
        while not stopping.wait(0.02) and time.monotonic() < ends:
            yield again

    with serve(lambda request: RawResponse(parts(request.stopping)), private) as running:
        yield running


def own_threads() -> set[threading.Thread]:
    """All but the server's."""
    return {one for one in threading.enumerate() if "process_request_thread" not in one.name}


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def comes_true(condition: Callable[[], bool], seconds: float = 5) -> bool:
    ends = time.monotonic() + seconds
    while not condition() and time.monotonic() < ends:
        time.sleep(0.01)
    return condition()


def test_a_json_object_is_fetched() -> None:
    with server("good") as url:
        assert fetch_json(url, Deadline(5)) == {"keys": []}


@pytest.mark.parametrize("answer", ["redirect", "missing", "broken", "huge", "twice", "empty"])
def test_anything_else_is_refused(answer: str) -> None:
    with server(answer) as url, pytest.raises(ValueError) as raised:
        fetch_json(url, Deadline(5))
    if answer in STATUSES:
        assert isinstance(raised.value, BadAnswer) and raised.value.status == STATUSES[answer]


def test_what_is_no_http_at_all_is_trouble_and_no_crash() -> None:
    for line in (b"hello\r\n", b"HTTP/1.1 2000 OK\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200):
        with serve(lambda _, line=line: RawResponse([line])) as running, pytest.raises(TROUBLE):  # type: ignore[misc]
            fetch_json(running.url, Deadline(5))


@pytest.mark.parametrize("answer", ENDLESS)
def test_an_answer_that_does_not_end_is_given_up_at_the_deadline_and_leaves_nothing(answer: str) -> None:
    with endless(answer) as running:
        files, threads, started = open_files(), own_threads(), time.monotonic()
        with pytest.raises(TROUBLE):
            fetch_json(running.url, Deadline(PATIENCE))
        assert time.monotonic() - started < SOON
        assert own_threads() <= threads
        kept = 1 if answer == "in silence" else 0  # the server's own: whoever sends nothing learns of nothing
        assert comes_true(lambda: open_files() <= files + kept)


@pytest.mark.parametrize("answer", ["in one header", "in its body"])
def test_the_same_holds_with_tls(answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(make_certificate(tmp_path, "127.0.0.1")))
    with endless(answer, tmp_path / "private.pem") as running:
        files, started = open_files(), time.monotonic()
        with pytest.raises(TROUBLE):
            fetch_json(running.url, Deadline(PATIENCE))
        assert time.monotonic() - started < SOON
        assert comes_true(lambda: open_files() <= files)


def test_a_handshake_that_is_never_answered_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        files, started = open_files(), time.monotonic()
        with pytest.raises(TimeoutError):
            fetch_json(f"https://127.0.0.1:{silent.getsockname()[1]}/", Deadline(PATIENCE))
        assert time.monotonic() - started < SOON and open_files() == files


def test_only_a_trusted_certificate_of_the_very_host_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path, "127.0.0.1")
    with serve(lambda _: Response(200, b"{}"), tmp_path / "private.pem") as running:
        with pytest.raises(OSError, match=r"self.signed"):
            fetch_json(running.url, Deadline(5))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert fetch_json(running.url, Deadline(5)) == {}
        with pytest.raises(OSError, match="localhost"):
            fetch_json(running.url.replace("127.0.0.1", "localhost"), Deadline(5))


def test_a_name_whose_look_up_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    released = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait() and [])
    threads, started = own_threads(), time.monotonic()
    with pytest.raises(TimeoutError):
        fetch_json("https://id.example.com/keys", Deadline(PATIENCE))
    assert time.monotonic() - started < SOON
    released.set()
    assert comes_true(lambda: own_threads() <= threads)


def test_an_error_that_nobody_foresaw_does_not_look_like_slowness(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("unforeseen")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    started = time.monotonic()
    with pytest.raises(ZeroDivisionError, match="unforeseen"):
        fetch_json("https://id.example.com/keys", Deadline(60))
    assert time.monotonic() - started < SOON


def test_an_address_that_refuses_does_not_keep_from_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with server("good") as url, socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()
        closed.close()
        right = socket.getaddrinfo("127.0.0.1", int(url.split(":")[2].split("/")[0]), type=socket.SOCK_STREAM)
        wrong = [(*right[0][:4], nobody)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: wrong + right)
        assert fetch_json(url, Deadline(5)) == {"keys": []}


def test_requests_that_wait_for_a_trickling_issuer_leave_no_socket_and_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One connection a request, closed when its time is over, and none until the issuer may be asked again."""
    monkeypatch.setattr(issuer_keys, "PATIENCE_SECONDS", PATIENCE)
    with endless("in one header") as running:
        (tmp_path / "issuers.yaml").write_text(
            f"issuers: [{{name: slow, issuer: '{running.url}', audiences: [credvend]}}]"
        )
        (issuer,) = load_issuers(tmp_path / "issuers.yaml", allow_loopback_http=True)
        ahead = 0.0
        keys = FetchedKeys(issuer, fetch_json, True, lambda: time.time() + ahead)
        files, threads = open_files(), own_threads()
        for number in range(1, 4):
            started = time.monotonic()
            for _ in range(20):
                with pytest.raises(IssuerUnavailable):
                    keys.key_for("any", "ES256")
            assert time.monotonic() - started < SOON
            assert running.connections == number
            ahead += RETRY_SECONDS
        assert own_threads() <= threads
        assert comes_true(lambda: open_files() <= files)
