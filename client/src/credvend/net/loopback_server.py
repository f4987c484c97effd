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
from collections.abc import Iterator
from typing import Any

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
