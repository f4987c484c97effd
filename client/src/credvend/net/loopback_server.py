"""Sending a person's browser somewhere, and hearing from it, on this computer alone.

An address that a browser is started with stands on its command line, where every user of the computer can read it. So
that address is one of ours, used once, which leads to the one that holds something secret.
"""

from __future__ import annotations

import contextlib
import errno
import http.server
import os
import secrets
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator, Mapping
from typing import Any, Callable, NamedTuple
from urllib.parse import parse_qs, urlsplit

from credvend.errors import ServiceError, UsageError

HOST = "127.0.0.1"  # as a number: what `localhost` is, is up to others (RFC 8252, 8.3)
_CONNECTION_SECONDS = 10
MOST_CONNECTIONS = 64
# Seconds to wait when this process has no file descriptor left for a connection.
_BREATH = 0.1
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>credvend</title>
<style>body{{font:18px/1.5 system-ui,sans-serif;margin:15vh auto;max-width:32em;padding:0 1em}}</style></head>
<body><h1>{title}</h1><p>{text}</p></body></html>
"""


class Answer(NamedTuple):
    """What a browser gets: a page, or with `location` to be sent on."""

    status: int
    title: str = ""
    text: str = ""
    location: str | None = None


Handle = Callable[[str, Mapping[str, list[str]]], Answer]
NOTHING_HERE = Answer(404, "Nothing is here", "This address is used once, by the command that made it.")


@contextlib.contextmanager
def browser_server(handle: Handle, port: int = 0) -> Iterator[int]:
    """Answer this user's browser on a loopback port, a free one for 0, for as long as the block runs.

    Args:
        handle: path and query of a GET to its answer. It is called by one thread at a time.

    Raises:
        UsageError: the port is taken.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = _CONNECTION_SECONDS  # browsers open connections that they then do not use

        def do_GET(self) -> None:
            self._send(self._answer())

        def _answer(self) -> Answer:
            if not is_our_name(self):
                return NOTHING_HERE
            if is_another_user(self.client_address):
                return NOTHING_HERE
            parts = urlsplit(self.path)
            try:
                query = parse_qs(parts.query, keep_blank_values=True, errors="strict", max_num_fields=30)
            except ValueError:
                return NOTHING_HERE
            with lock:
                return handle(parts.path, query)

        def _send(self, answer: Answer) -> None:
            body = _PAGE.format(title=answer.title, text=answer.text).encode() if answer.location is None else b""
            self.send_response_only(answer.status)
            if answer.location is not None:
                self.send_header("Location", answer.location)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the path holds the code."""

    lock = threading.Lock()
    with listen(Handler, port) as server:
        yield int(server.server_address[1])


class Server(http.server.ThreadingHTTPServer):
    """A loopback server whose connections end with the program, and whose failures do not print what they handled."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name != "nt"
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, *arguments: Any) -> None:
        self._open: dict[int, socket.socket] = {}
        self._open_lock = threading.Lock()
        super().__init__(*arguments)

    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                time.sleep(_BREATH)  # what waits to be taken would call us again at once
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Let nobody hold us up with many connections: the oldest one goes. An honest one takes a moment."""
        with self._open_lock:
            self._open[id(request)] = request
            full = len(self._open) > MOST_CONNECTIONS
            oldest = self._open.pop(next(iter(self._open))) if full else None
        if oldest is not None:
            with contextlib.suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.pop(id(request), None)
        super().shutdown_request(request)

    def server_bind(self) -> None:
        # HTTPServer's own asks for the name of the address, which may take seconds.
        socket_server_bind = super(http.server.HTTPServer, self).server_bind
        socket_server_bind()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: the caller is gone, or sent what nobody should; a traceback could hold what it sent."""


@contextlib.contextmanager
def listen(handler: type[http.server.BaseHTTPRequestHandler], port: int) -> Iterator[Server]:
    """Serve in the background, on a port of the loopback address.

    Raises:
        UsageError: the port is taken.
    """
    try:
        server = Server((HOST, port), handler)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise UsageError(f"Port {port} cannot be used: {reason}; choose another with --port.") from None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class OneTime:
    """An address that leads to another one, once."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.path = f"/go/{secrets.token_urlsafe(32)}"
        self.used = threading.Event()

    def answer(self, path: str) -> Answer | None:
        """The answer for this path; None if it is another."""
        if not secrets.compare_digest(path.encode(), self.path.encode()):
            return None
        if self.used.is_set():
            return Answer(
                410, "This address was used already", "If that was not you, stop the command in the terminal."
            )
        self.used.set()
        return Answer(303, location=self._target)


def open_browser(url: str) -> bool:
    """Start the browser; false if there is none. What it prints does not get between ours."""
    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False


def show_privately(url: str, seconds: float = 60.0) -> None:
    """Open an address that holds a secret in the browser, and wait until the browser has come for it.

    Raises:
        ServiceError: there is no browser, or it did not come.
    """
    once = OneTime(url)
    with browser_server(lambda path, query: once.answer(path) or NOTHING_HERE) as port:
        started = open_browser(f"http://{HOST}:{port}{once.path}")
        if not started or not once.used.wait(seconds):
            raise ServiceError("No browser could be opened; --print prints the address instead.")


def is_our_name(handler: http.server.BaseHTTPRequestHandler) -> bool:
    """Whether a request was meant for us, and not for a name that somebody has made lead here (DNS rebinding)."""
    port = handler.connection.getsockname()[1]
    return handler.headers.get_all("Host") in ([f"{HOST}:{port}"], [f"localhost:{port}"])


def is_another_user(peer: tuple[str, int]) -> bool:
    """Whether a loopback connection is known to come from another user of this computer. Linux alone tells."""
    if not hasattr(os, "geteuid"):
        return False
    # The kernel prints the address as a number, in its own byte order.
    address = int.from_bytes(socket.inet_aton(peer[0]), sys.byteorder)
    wanted = f"{address:08X}:{peer[1]:04X}"
    try:
        with open("/proc/net/tcp", encoding="ascii") as file:
            for line in file:
                columns = line.split()
                if len(columns) > 7 and columns[1] == wanted:
                    return int(columns[7]) not in (0, os.geteuid(), os.getuid())  # 0: root, or a peer that hung up
    except (OSError, ValueError):
        return False
    return False
