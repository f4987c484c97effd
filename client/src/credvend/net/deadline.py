"""One moment for a whole exchange: timeouts alone begin anew with each drop that a server sends."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any


def bound(connection: http.client.HTTPConnection, deadline: float, connect_timeout: float) -> None:
    """Hold all of an exchange to one moment.

    That is so for finding a connection, for what a proxy says, for headers and for the body. (The handshake of TLS has
    one timeout for all of it already.)

    Args:
        deadline: by the monotonic clock.
        connect_timeout: seconds for each of the host's addresses.
    """

    def create(address: tuple[str, int], *_: object) -> socket.socket:
        failure: OSError = TimeoutError()
        for family, kind, protocol, _name, where in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            made = socket.socket(family, kind, protocol)
            try:
                made.settimeout(min(connect_timeout, left))
                made.connect(where)
            except OSError as error:
                made.close()
                failure = error
            else:
                return made
        raise failure

    def respond(sock: socket.socket, *arguments: Any, **named: Any) -> http.client.HTTPResponse:
        bounded: Any = _BoundedSocket(sock, deadline)
        return http.client.HTTPResponse(bounded, *arguments, **named)

    # Both are how http.client lets its own tests and others get in between.
    connection._create_connection = create  # type: ignore[attr-defined]
    connection.response_class = respond  # type: ignore[assignment]


class _BoundedSocket:
    """What `http.client.HTTPResponse` takes of a socket."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket = sock
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_BoundedReader(self._socket, self._deadline))


class _BoundedReader(io.RawIOBase):
    """Reads from a socket until a moment, however little comes at a time.

    Raises:
        socket.timeout: from then on.
    """

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        super().__init__()
        self._socket = sock
        self._raw = sock.makefile("rb", buffering=0)  # which keeps the socket open for as long as it is open itself
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        timeout = self._socket.gettimeout()
        if timeout is None or left < timeout:
            self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
