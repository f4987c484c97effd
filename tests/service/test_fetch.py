"""How keys are fetched: from a server on loopback that does what it should not."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3

from chalicelib.callers.oidc.fetch import fetch_json


@contextmanager
def server(answer: str) -> Iterator[str]:
    """A server whose every answer is of that kind, and its URL."""
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response({"redirect": 302, "missing": 404, "broken": 500}.get(answer, 200))
            if answer == "redirect":
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            if answer == "good":
                self.wfile.write(b'{"keys": []}')
            elif answer == "huge":
                self.wfile.write(b'{"a": "' + b"x" * 1_000_000 + b'"}')
            elif answer == "twice":
                self.wfile.write(b'{"keys": [], "keys": []}')
            elif answer == "drip":
                while not stopping.wait(0.2):
                    self.wfile.write(b" ")
            elif answer == "silent":
                stopping.wait()

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """The client hung up, as it should."""

    running = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_address[1]}/keys"
    finally:
        stopping.set()
        running.shutdown()
        running.server_close()
        thread.join()


def test_a_json_object_is_fetched() -> None:
    with server("good") as url:
        assert fetch_json(url) == {"keys": []}


@pytest.mark.parametrize("answer", ["redirect", "missing", "broken", "huge", "twice", "empty"])
def test_anything_else_is_refused(answer: str) -> None:
    with server(answer) as url, pytest.raises((ValueError, urllib3.exceptions.HTTPError)):
        fetch_json(url)


@pytest.mark.parametrize("answer", ["drip", "silent"])
def test_a_slow_answer_is_given_up(answer: str) -> None:
    started = time.monotonic()
    with server(answer) as url, pytest.raises((ValueError, urllib3.exceptions.HTTPError)):
        fetch_json(url)
    assert time.monotonic() - started < 7
