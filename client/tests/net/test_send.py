"""Bounded in time, careful with what is sent where."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
import time
import tracemalloc
from dataclasses import replace
from email.utils import formatdate

import pytest
from fake_service import FakeService, Planned, fake_service
from getting import CONFIG, Pauses, get

from credvend.disk.config_file import Config
from credvend.errors import ServiceError
from credvend.net.exchange import EXCHANGE, MAXIMUM_ANSWER_BYTES
from credvend.net.request import Request
from credvend.net.send import ATTEMPTS, send
from credvend.text import messages
from credvend.time_limit import not_counting, seconds_left, within

# Trying again


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(service: FakeService, status: int) -> None:
    service.planned = [Planned(status), Planned(status), Planned(200, {"a": 1})]
    pauses = Pauses()
    assert get(service.url, pauses).body == b'{"a": 1}'
    assert len(service.asked) == 3 and pauses.taken == [0.5, 1.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415])
def test_a_refusal_is_not_asked_for_again(service: FakeService, status: int) -> None:
    service.planned = [Planned(status), Planned(200)]
    assert get(service.url).status == status and len(service.asked) == 1


def test_a_service_that_stays_down_is_left_alone_in_the_end(service: FakeService) -> None:
    service.planned = [Planned(503)] * 10
    assert get(service.url).status == 503 and len(service.asked) == ATTEMPTS


def test_whoever_says_so_is_not_retried(service: FakeService) -> None:
    service.planned = [Planned(503), Planned(200)]
    assert send(Request("GET", service.url, retries=False), CONFIG, {}).status == 503
    assert len(service.asked) == 1


def test_what_is_good_for_one_use_is_sent_once(service: FakeService) -> None:
    request = Request("POST", service.url, body=b"code", once=True)
    service.planned = [Planned(503), Planned(200, b"half", {"Content-Length": "100"})]
    assert send(request, CONFIG, {}).status == 503
    with pytest.raises(ServiceError, match="cannot be reached"):
        send(request, CONFIG, {})
    assert len(service.asked) == 2


def test_what_is_good_for_one_use_is_tried_again_while_it_cannot_have_been_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        pauses = Pauses()
        request = Request("POST", f"http://127.0.0.1:{unused.getsockname()[1]}", body=b"code", once=True)
        with pytest.raises(ServiceError, match="cannot be reached"):
            send(request, CONFIG, {}, sleep=pauses, jitter=lambda: 0.5)
    assert len(pauses.taken) == ATTEMPTS - 1


def test_retry_after_is_honoured_as_seconds_and_as_a_moment(service: FakeService) -> None:
    date = formatdate(time.time() + 5, usegmt=True)
    service.planned = [Planned(503, headers={"Retry-After": "3"}), Planned(429, headers={"Retry-After": date})]
    pauses = Pauses()
    assert get(f"{service.url}/whoami", pauses).status == 200
    assert 3 <= pauses.taken[0] < 3.5 and 3.5 <= pauses.taken[1] < 6


@pytest.mark.parametrize("text", ["²", "-1", "soon", "1e3", "9" * 5000, "Thu, 99 Foo 99999 99:99:99 GMT"])
def test_a_retry_after_that_is_none_is_no_fault(service: FakeService, text: str) -> None:
    service.planned = [Planned(503, headers={"Retry-After": text}), Planned(200)]
    assert get(service.url).status in (200, 503)


def test_a_pause_longer_than_people_wait_is_not_taken(service: FakeService) -> None:
    service.planned = [Planned(503, headers={"Retry-After": "3600"}), Planned(200)]
    pauses = Pauses()
    assert get(service.url, pauses).status == 503 and not pauses.taken


def test_a_connection_that_breaks_is_tried_again(service: FakeService) -> None:
    service.planned = [Planned(200, b"half", {"Content-Length": "100"}), Planned(200, {}, cut=True)]
    assert get(f"{service.url}/whoami").status == 200 and len(service.asked) == 3


def test_nobody_there_is_an_error_of_the_service(service: FakeService) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        pauses = Pauses()
        place = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ServiceError, match=f"^{place} cannot be reached: .*; is its URL right.*VPN"):
            get(f"http://{place}", pauses)
    assert len(pauses.taken) == ATTEMPTS - 1


def test_a_name_that_no_host_can_have_is_not_known() -> None:
    with pytest.raises(ServiceError, match="not known"):
        get(f"https://{'a' * 64}.example.com")


def test_an_answer_that_does_not_come_is_not_waited_for(service: FakeService) -> None:
    service.gate.clear()
    with pytest.raises(ServiceError, match="did not answer in time"):
        get(service.url, config=replace(CONFIG, read_timeout=0.1))


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["status", "headers", "body", "chunks", "continue"],
)
@pytest.mark.parametrize("through_proxy", [False, True])
# Python 3.11 leaves a socket to the garbage collector whose peer is gone between the proxy's answer and the handshake.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_an_answer_that_comes_in_drops_is_not_waited_for(first: bytes, drop: bytes, through_proxy: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:
        done = threading.Event()

        def drip() -> None:
            with contextlib.suppress(OSError):
                connection = stack.enter_context(server.accept()[0])
                connection.sendall(first)
                while not done.wait(0.02):
                    connection.sendall(drop)

        thread = threading.Thread(target=drip)
        thread.start()
        started = time.monotonic()
        config = Config(connect_timeout=0.1, read_timeout=0.2)
        here = f"http://127.0.0.1:{server.getsockname()[1]}"
        # A proxy that has answered 200 is in TLS, which has its own say on what comes then.
        said = "cannot be reached|in time|gives no way|speaks no TLS" if through_proxy else "in time"
        environ = {"HTTPS_PROXY": here} if through_proxy else {}
        url = "https://credvend.example.com" if through_proxy else here
        at_last = threading.Timer(5, done.set)
        at_last.start()
        with pytest.raises(ServiceError, match=said):
            send(Request("GET", url, retries=False), config, environ)
        took = time.monotonic() - started
        for left in [thread for thread in threading.enumerate() if thread.name == EXCHANGE]:
            left.join(5)
            assert not left.is_alive(), "what nobody waits for any more goes on"
        gc.collect()
        at_last.cancel()
        done.set()
        server.shutdown(
            socket.SHUT_RDWR
        )  # wakes it if nobody came, as on a machine that is too busy to connect in time
        thread.join()
        assert took < 2


def test_an_endless_answer_is_not_read(service: FakeService) -> None:
    service.planned = [Planned(200, b"x" * (4 * 1024 * 1024 + 1))]
    with pytest.raises(ServiceError, match="larger"):
        get(service.url)


@pytest.mark.parametrize("start", [b"-1\r\n", b"-fffffff\r\n", b"fffffff\r\n", b"1;", b"0\r\n"])
def test_an_endless_answer_in_chunks_is_not_kept(service: FakeService, start: bytes) -> None:
    """Whatever its chunk claims: of a negative length, Python reads to the end."""
    body = start + b"x" * (16 * MAXIMUM_ANSWER_BYTES)
    service.planned = [Planned(200, body, {"Transfer-Encoding": "chunked"})]
    tracemalloc.start()
    try:
        with pytest.raises(ServiceError):
            send(Request("GET", service.url, retries=False), CONFIG, {})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * MAXIMUM_ANSWER_BYTES


def test_what_speaks_no_http_is_an_error_of_the_service() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example.com ESMTP\r\n")

        thread = threading.Thread(target=speak, daemon=True)
        thread.start()
        with pytest.raises(ServiceError, match="BadStatusLine"):
            send(Request("GET", f"http://127.0.0.1:{server.getsockname()[1]}", retries=False), CONFIG, {})
        thread.join()


# All that a command does together


def test_what_is_left_of_the_time_is_all_that_there_is(service: FakeService) -> None:
    service.planned = [Planned(503)] * 10
    with within(0.9):
        assert get(service.url).status == 503 and len(service.asked) == 2, "the second pause would take too long"
    with within(0), pytest.raises(ServiceError, match="was not asked"):
        get(service.url)
    assert len(service.asked) == 2


def test_what_is_good_for_one_use_is_not_broken_off_by_a_short_try(service: FakeService) -> None:
    def ask(once: bool) -> int:
        service.gate.clear()
        answered = threading.Timer(0.3, service.gate.set)
        answered.start()
        try:
            return send(Request("POST", service.url, body=b"refresh", retries=False, once=once), CONFIG, {}).status
        finally:
            answered.join()

    with within(5), within(0.1):
        assert ask(once=True) == 200
    with within(5), within(0.1), pytest.raises(ServiceError, match="in time"):
        ask(once=False)
    with within(0.1), within(5), pytest.raises(ServiceError, match="in time"):
        ask(once=True)


def test_the_time_that_a_person_takes_does_not_count() -> None:
    with within(10), within(5):
        with not_counting():
            started = time.monotonic()
            while time.monotonic() - started < 0.1:
                pass
        assert 4.95 < seconds_left() <= 5 and 9.95 < seconds_left(unbroken=True) <= 10
    assert seconds_left() == float("inf")


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_with_credentials_or_without(service: FakeService, status: int) -> None:
    with fake_service() as other:
        for location in (other.url, "/api/whoami", "http://[::1", "//[x", ""):
            for request in (
                Request("GET", service.url),
                Request("GET", service.url, {"Authorization": "Bearer x"}),
                Request("POST", service.url, {}, b"{}"),
            ):
                service.asked.clear()
                service.planned = [Planned(status, headers={"Location": location})]
                with pytest.raises(ServiceError, match="redirects"):
                    send(request, CONFIG, {})
                assert len(service.asked) == 1
        assert other.asked == []


# Telling


def test_no_secret_is_in_a_repr_or_in_what_verbose_says(
    service: FakeService, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "_verbose", True)
    request = Request("POST", f"{service.url}/whoami?code=secret1", {"Authorization": "Bearer secret2"}, b"secret3")
    service.planned = [Planned(200, {"answer": "secret4"}, {"Set-Cookie": "secret5"})]
    response = send(request, CONFIG, {})
    said = capsys.readouterr().err
    assert "POST" in said and "status 200" in said
    assert "secret" not in said + repr(response)
    assert "secret2" not in repr(request) and "secret3" not in repr(request)
