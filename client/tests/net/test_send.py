"""Bounded in time, careful with what is sent where."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fake_service import FakeService, Planned, fake_service

from credvend.disk.config_file import Config
from credvend.errors import ServiceError, UsageError
from credvend.net.proxies import proxy_for
from credvend.net.request import Request, Response
from credvend.net.send import ATTEMPTS, send
from credvend.net.urls import check_url
from credvend.text import messages

CONFIG = Config(connect_timeout=2, read_timeout=2)


class Pauses:
    """Takes the place of sleeping."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def get(url: str, pauses: Pauses | None = None, config: Config = CONFIG, **headers: str) -> Response:
    return send(Request("GET", url, headers), config, {}, sleep=pauses or Pauses(), jitter=lambda: 0.5)


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
        with pytest.raises(ServiceError, match="cannot be reached"):
            get(f"http://127.0.0.1:{unused.getsockname()[1]}", pauses)
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
        said = "cannot be reached|in time" if through_proxy else "in time"
        environ = {"HTTPS_PROXY": here} if through_proxy else {}
        url = "https://credvend.example.com" if through_proxy else here
        at_last = threading.Timer(5, done.set)
        at_last.start()
        with pytest.raises(ServiceError, match=said):
            send(Request("GET", url, retries=False), config, environ)
        took = time.monotonic() - started
        at_last.cancel()
        done.set()
        thread.join()
        assert took < 2


def test_an_endless_answer_is_not_read(service: FakeService) -> None:
    service.planned = [Planned(200, b"x" * (4 * 1024 * 1024 + 1))]
    with pytest.raises(ServiceError, match="larger"):
        get(service.url)


def test_what_speaks_no_http_is_an_error_of_the_service() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example.com ESMTP\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        with pytest.raises(ServiceError, match="BadStatusLine"):
            send(Request("GET", f"http://127.0.0.1:{server.getsockname()[1]}", retries=False), CONFIG, {})
        thread.join()


# Where to


@pytest.mark.parametrize(
    "url",
    [
        "http://credvend.example.com/api",
        "http://10.0.0.1/api",
        "http://127.0.0.1.example.com/api",
        "http://localhost.example.com/api",
        "ftp://127.0.0.1/api",
        "file:///etc/passwd",
        "credvend.example.com",
        "https://",
        "https://user:password@credvend.example.com",
        "https://credvend.example.com/a b",
        "https://credvend.example.com/a\r\nX: y",
        "https://credvend.example.com:port",
        "https://credvend.exämple.com",
        "",
    ],
)
def test_nothing_is_sent_in_the_clear_or_to_what_is_no_url(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_url(url)
    assert "password@" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://a.example.com", "http://127.0.0.1:8080/x", "http://[::1]/", "http://localhost"]
)
def test_https_and_this_computer_are_fine(url: str) -> None:
    check_url(url)


def test_a_redirect_to_another_host_is_refused(service: FakeService) -> None:
    with fake_service() as other:
        service.planned = [Planned(302, headers={"Location": other.url})]
        with pytest.raises(ServiceError, match="another host"):
            get(service.url)
        assert other.asked == []


def test_a_redirect_to_what_is_no_url_is_refused(service: FakeService) -> None:
    for location in ("http://[::1", "http://a:port/", "//[x"):
        service.planned = [Planned(302, headers={"Location": location})]
        with pytest.raises(ServiceError, match="redirects"):
            get(service.url)


def test_a_redirect_on_the_same_host_is_followed_by_what_holds_no_credentials(service: FakeService) -> None:
    service.planned = [Planned(307, headers={"Location": "/api/whoami?x=1"})]
    assert get(service.url).status == 200 and service.asked[-1].path == "/api/whoami?x=1"


def test_credentials_follow_no_redirect(service: FakeService) -> None:
    for request in (
        Request("GET", service.url, {"Authorization": "Bearer x"}),
        Request("GET", service.url, {"authorization": "Bearer x"}),
        Request("POST", service.url, {}, b"{}"),
    ):
        service.asked.clear()
        service.planned = [Planned(307, headers={"Location": "/api/whoami"})]
        with pytest.raises(ServiceError, match="redirects a request"):
            send(request, CONFIG, {})
        assert len(service.asked) == 1


def test_redirects_in_a_circle_end(service: FakeService) -> None:
    service.planned = [Planned(302, headers={"Location": service.url})] * 10
    with pytest.raises(ServiceError, match="again and again"):
        get(service.url)


# Proxies


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://a.example.com", {}, None),
        ("https://a.example.com", {"HTTPS_PROXY": "http://p:3128"}, "p"),
        ("https://a.example.com", {"https_proxy": "p:3128", "HTTPS_PROXY": "http://q"}, "p"),
        ("https://a.example.com", {"all_proxy": "http://p:3128"}, "p"),
        ("https://a.example.com", {"HTTP_PROXY": "http://p:3128"}, None),
        ("https://a.example.com", {"HTTPS_PROXY": "p", "NO_PROXY": "*"}, None),
        ("https://a.example.com", {"HTTPS_PROXY": "p", "NO_PROXY": "b.example.com, example.com"}, None),
        ("https://a.example.com", {"HTTPS_PROXY": "p", "no_proxy": ".example.com"}, None),
        ("https://a.example.com", {"HTTPS_PROXY": "p", "no_proxy": "*.example.com"}, None),
        ("https://a.example.com", {"HTTPS_PROXY": "p", "no_proxy": "ple.com"}, "p"),
        ("https://a.example.com", {"HTTPS_PROXY": "p", "no_proxy": "a.example.com:8443"}, "p"),
        ("https://a.example.com:8443", {"HTTPS_PROXY": "p", "no_proxy": "a.example.com:8443"}, None),
        ("https://10.1.2.3", {"HTTPS_PROXY": "p", "no_proxy": "10.0.0.0/8"}, None),
        ("https://11.1.2.3", {"HTTPS_PROXY": "p", "no_proxy": "10.0.0.0/8"}, "p"),
        ("https://[2001:db8::1]", {"HTTPS_PROXY": "p", "no_proxy": "2001:db8::1"}, None),
        ("https://127.0.0.1", {"HTTPS_PROXY": "p"}, None),
        ("https://localhost", {"HTTPS_PROXY": "p"}, None),
    ],
)
def test_the_proxy_is_the_one_of_the_environment(url: str, environ: dict[str, str], proxy: str | None) -> None:
    found = proxy_for(urlsplit(url), environ)
    assert (found and found.hostname) == proxy


def test_the_proxy_is_asked_for_a_tunnel_with_its_password_and_nothing_else(service: FakeService) -> None:
    service.planned = [Planned(403)]
    environ = {"HTTPS_PROXY": service.url.replace("http://", "http://us%40er:pass@")}
    request = Request("GET", "https://credvend.example.com/v1/roles", {"Authorization": "Bearer secret"}, retries=False)
    with pytest.raises(ServiceError, match="403"):
        send(request, CONFIG, environ)
    (asked,) = service.asked
    assert (asked.method, asked.path) == ("CONNECT", "credvend.example.com:443")
    assert asked.headers["proxy-authorization"] == "Basic dXNAZXI6cGFzcw==" and "authorization" not in asked.headers


def test_a_proxy_that_is_no_url_is_a_mistake_of_usage() -> None:
    with pytest.raises(UsageError, match="HTTPS_PROXY"):
        send(Request("GET", "https://a.example.com"), CONFIG, {"HTTPS_PROXY": "http://"})
    for text in ("http://a b:3128", "http://\x7f:1", "http://é:1"):
        with pytest.raises(UsageError, match="HTTPS_PROXY"):
            send(Request("GET", "https://a.example.com"), CONFIG, {"HTTPS_PROXY": text})
    with pytest.raises(UsageError, match="http://HOST:PORT"):
        send(Request("GET", "https://a.example.com"), CONFIG, {"HTTPS_PROXY": "socks5://p:1080"})


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / "key.pem").write_bytes(secret)
    (directory / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return directory


@contextlib.contextmanager
def tls_server(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
                        secure.recv(65_536)
                        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://localhost:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_ca_bundle_makes_a_company_s_certificates_trusted(certificate: Path) -> None:
    with tls_server(certificate) as url:
        assert get(url, config=replace(CONFIG, ca_bundle=str(certificate / "cert.pem"))).status == 200


def test_a_certificate_that_is_not_trusted_is_told_at_once(certificate: Path) -> None:
    with tls_server(certificate) as url:
        pauses = Pauses()
        with pytest.raises(ServiceError, match="ca_bundle"):
            get(url, pauses)
        assert not pauses.taken


def test_a_certificate_of_another_name_is_not_trusted(certificate: Path) -> None:
    with tls_server(certificate) as url, pytest.raises(ServiceError, match="not trusted"):
        get(url.replace("localhost", "127.0.0.1"), config=replace(CONFIG, ca_bundle=str(certificate / "cert.pem")))


@pytest.mark.parametrize("content", [None, "nothing of the kind"])
def test_a_ca_bundle_that_is_none_is_a_mistake_of_usage(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match="CA bundle"):
        get("https://localhost:1", config=replace(CONFIG, ca_bundle=str(path)))


def test_a_ca_bundle_that_others_can_change_is_not_believed(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes((certificate / "cert.pem").read_bytes())
    bundle.chmod(0o666)
    with pytest.raises(UsageError, match="chmod go-w"):
        get("https://localhost:1", config=replace(CONFIG, ca_bundle=str(bundle)))
    status = os.stat_result((0o100644, 0, 0, 1, 12_345, 0, 0, 0, 0, 0))
    monkeypatch.setattr(os, "stat", lambda *_, **__: status)
    with pytest.raises(UsageError, match="another user"):
        get("https://localhost:1", config=replace(CONFIG, ca_bundle=str(bundle)))


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
