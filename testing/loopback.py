"""HTTP on loopback: a server, on a free port and in a thread of its own, whose answers a function makes."""

import json
import socket
import socketserver
import ssl
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final

_WAIT_SECONDS: Final = 10


@dataclass(frozen=True)
class Request:
    """What a client sent.

    Attributes:
        path: with its query, as it was sent.
        headers: found by their names in any case.
        stopping: set when the server stops: what an answer that keeps its client waiting has to wait for.
    """

    method: str
    path: str
    headers: Message
    body: bytes
    stopping: Event


@dataclass(frozen=True)
class Response:
    """What the client gets.

    Attributes:
        body: bytes, which are sent with their length; or parts, each sent at once, which end with the connection.
    """

    status: int
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RawResponse:
    """What the client gets, head and all: parts, each sent at once, which end with the connection."""

    parts: Iterable[bytes]


Answer = Callable[[Request], Response | RawResponse | None]
"""Makes the answer to a request; None hangs up without one. It is called in a thread of each connection."""


def json_response(value: object, status: int = 200, media_type: str = "application/json") -> Response:
    """An answer in JSON."""
    return Response(status, json.dumps(value).encode(), {"Content-Type": media_type})


class LoopbackServer(socketserver.ThreadingTCPServer):
    """A server that runs; made by `serve`.

    Attributes:
        url: of its root, without a slash at the end.
        connections: how many were opened so far.
    """

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, answer: Answer, private: Path | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        if private is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(private)
            # The first read shakes hands, in the connection's own thread: a slow client keeps no other waiting.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.port: int = self.server_address[1]
        self.url = f"{'http' if private is None else 'https'}://127.0.0.1:{self.port}"
        self.answer = answer
        self.connections = 0
        self.stopping = Event()
        self.failures: list[BaseException] = []
        self._open: set[socket.socket] = set()
        self._answering: list[Thread] = []
        self._lock = Lock()

    def hang_up(self) -> None:
        """Close all connections, as servers do with those that were idle for long."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):  # the client was faster
                    # The plain socket's own: that of TLS would take from a thread what it reads with.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def stop(self) -> None:
        """Close everything, and wait until no thread runs. One that does not end is a failure, and left behind."""
        self.stopping.set()
        self.shutdown()
        self.hang_up()
        self.server_close()
        ends = time.monotonic() + _WAIT_SECONDS
        for thread in self._answering:
            thread.join(max(0.0, ends - time.monotonic()))
            if thread.is_alive():
                self.failures.append(TimeoutError("an answer of the server on loopback does not end"))

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        assert isinstance(request, socket.socket)
        with self._lock:
            self.connections += 1
            self._open.add(request)
        thread = Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        self._answering = [*(one for one in self._answering if one.is_alive()), thread]
        thread.start()

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        assert isinstance(request, socket.socket)
        with self._lock:
            self._open.discard(request)
            super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError | ssl.SSLError):  # clients may hang up
            self.failures.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet if they fit; if not, the second must not wait for a receipt of the first.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: LoopbackServer

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the client hung up in the middle of a request")
        stopping = self.server.stopping
        response = self.server.answer(Request(self.command, self.path, self.headers, body, stopping))
        if response is None:
            self.close_connection = True
            return
        if isinstance(response, RawResponse):
            self.close_connection = True
            self._send(response.parts)
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if isinstance(response.body, bytes):
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)
            return
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.flush()
        self._send(response.body)

    def _send(self, parts: Iterable[bytes]) -> None:
        for part in parts:
            self.wfile.write(part)
            self.wfile.flush()

    do_GET = do_POST = _answer  # noqa: N815 the base class's own naming

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve(answer: Answer, private: Path | None = None) -> Iterator[LoopbackServer]:
    """A server for as long as the block runs; after it, no connection is open and no thread of it runs.

    Args:
        private: a PEM file with a key and its certificate, as `make_certificate` writes it, to speak TLS with.

    Raises:
        BaseException: what `answer` raised, once the block has ended well: a test must not pass over it. Where the
            block has failed, it is a note on that failure.
    """
    server = LoopbackServer(answer, private)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    except BaseException as error:
        for failure in server.failures:
            error.add_note(f"The server on loopback failed, too: {failure!r}")
        raise
    finally:
        server.stop()
        thread.join()
    if server.failures:
        raise server.failures[0]
