"""What tests rely on in a server on loopback: nothing of it runs after its block, and no failure is passed over."""

import socket
import threading
from pathlib import Path

import pytest
import urllib3

from testing.certificate import make_certificate
from testing.loopback import Request, Response, json_response, serve


def nothing(_: Request) -> Response:
    return json_response({})


def fail(request: Request) -> Response:
    raise LookupError(request.path)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_connection_that_a_client_keeps_ends_with_the_server(tmp_path: Path, tls: bool) -> None:
    authority = make_certificate(tmp_path, "127.0.0.1")
    before = set(threading.enumerate())
    with urllib3.PoolManager(ca_certs=str(authority)) as clients:
        with serve(nothing, tmp_path / "private.pem" if tls else None) as server:
            for _ in range(2):
                clients.request("GET", server.url, timeout=10, retries=False)
            assert server.connections == 1
        assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        connect(server.port)


def test_an_answer_that_waits_ends_with_the_server_though_the_test_fails() -> None:
    before = set(threading.enumerate())
    waits = threading.Event()

    def wait(request: Request) -> None:
        waits.set()
        request.stopping.wait()

    with pytest.raises(KeyError), serve(wait) as server:
        client = connect(server.port)
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert waits.wait(10)
        raise KeyError
    with client:
        assert client.recv(1) == b""
    assert set(threading.enumerate()) == before


def test_an_answer_that_fails_fails_its_test() -> None:
    with pytest.raises(LookupError, match="/here"), serve(fail) as server, pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", f"{server.url}/here", retries=False)


def test_one_client_that_shakes_no_hands_keeps_no_other_waiting(tmp_path: Path) -> None:
    authority = make_certificate(tmp_path, "127.0.0.1")
    with (
        serve(nothing, tmp_path / "private.pem") as server,
        connect(server.port),
        urllib3.PoolManager(ca_certs=str(authority)) as clients,
    ):
        assert clients.request("GET", server.url, timeout=10, retries=False).json() == {}
        assert server.connections == 2
