"""A web server of credvend's own on the loopback address, for programs and browsers of this user alone."""

from __future__ import annotations

import contextlib
import errno
import http.server
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from credvend.errors import UsageError

HOST = "127.0.0.1"  # as a number: what `localhost` is, is up to others (RFC 8252, 8.3)
# Seconds that a connection may say nothing.
CONNECTION_SECONDS = 10
MOST_CONNECTIONS = 64
# Seconds to wait when this process has no file descriptor left for a connection.
_BREATH = 0.1


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


class Reply(NamedTuple):
    """What a client gets."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers a GET, and keeps no record of it: its path or headers may be secret."""

    timeout = CONNECTION_SECONDS  # browsers open connections that they then do not use

    def reply(self) -> Reply:
        """The answer to this request."""
        raise NotImplementedError

    def do_GET(self) -> None:
        reply = self.reply()
        self.send_response_only(reply.status)
        always = {"Content-Length": str(len(reply.body)), "Cache-Control": "no-store", "Connection": "close"}
        for name, value in {**reply.headers, **always, "X-Content-Type-Options": "nosniff"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


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


def is_our_name(handler: http.server.BaseHTTPRequestHandler) -> bool:
    """Whether a request was meant for us, and not for a name that somebody has made lead here (DNS rebinding)."""
    port = handler.connection.getsockname()[1]
    return handler.headers.get_all("Host") in ([f"{HOST}:{port}"], [f"localhost:{port}"])


def is_another_user(peer: tuple[str, int], own: tuple[str, int]) -> bool:
    """Whether a loopback connection is not this user's (or root's), as far as the system tells: Linux does.

    Args:
        peer, own: its two ends, as IPv4 addresses.
    """
    if not hasattr(os, "geteuid"):
        return False
    tables = 0
    for name, is_wide in (("tcp", False), ("tcp6", True)):  # a socket of IPv6 reaches us as well
        wanted = [_as_in_proc(peer, is_wide), _as_in_proc(own, is_wide)]
        with contextlib.suppress(OSError), open(f"/proc/net/{name}", encoding="ascii") as file:
            tables += 1
            for columns in map(str.split, file):
                if columns[1:3] == wanted:
                    # One whose program has closed it is told to be root's; but then it is not established (01).
                    ours = (os.geteuid(), os.getuid(), *([0] if columns[3] == "01" else []))
                    return int(columns[7]) not in ours
    return tables > 0  # what is not there has gone, or is in no reach of ours


def _as_in_proc(end: tuple[str, int], is_wide: bool) -> str:
    """An IPv4 address and a port as `/proc/net` prints them: words of 32 bits, each as a number in this CPU's order."""
    words = [b"\0\0\0\0", b"\0\0\0\0", b"\0\0\xff\xff"] if is_wide else []
    numbers = [int.from_bytes(word, sys.byteorder) for word in (*words, socket.inet_aton(end[0]))]
    return "".join(f"{number:08X}" for number in numbers) + f":{end[1]:04X}"
