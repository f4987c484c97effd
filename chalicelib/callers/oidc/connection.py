"""A connection to an issuer that is over at one moment: looking up its name, connecting, TLS, headers and body.

A timeout of a socket begins anew with each drop that comes in, so each read has what is left. Nothing goes on
afterwards: a socket that is late is closed by whoever waited for it.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_Value = TypeVar("_Value")

_CONNECT_SECONDS: Final = 2
_READ_SECONDS: Final = 3


class Deadline:
    """A moment at which something must be over."""

    def __init__(self, seconds: float) -> None:
        """So many seconds from now."""
        self._over_at = time.monotonic() + seconds

    def left(self, at_most: float = float("inf")) -> float:
        """Seconds that are left, more than 0.

        Raises:
            TimeoutError: none are.
        """
        left = self._over_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("it took too long")
        return min(left, at_most)


class Connection(http.client.HTTPConnection):
    """HTTP, with TLS or without."""

    def __init__(self, host: str, port: int | None, tls: bool, deadline: Deadline) -> None:
        self.default_port = 443 if tls else 80  # which the header Host leaves out
        super().__init__(host, self.default_port if port is None else port)
        self._tls = tls
        self._deadline = deadline

    def connect(self) -> None:
        """Connect to the first of the host's addresses that answers.

        Raises:
            OSError: none does in time, or its certificate is not the host's.
        """
        addresses = in_time(lambda: socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM), self._deadline)
        failure: OSError | None = None
        for family, kind, protocol, _, address in addresses:
            plain = _Plain(family, kind, protocol)
            plain.deadline = self._deadline
            try:
                plain.settimeout(self._deadline.left(_CONNECT_SECONDS))
                plain.connect(address)
                self.sock = self._secured(plain) if self._tls else plain
                return
            except OSError as error:
                plain.close()
                failure = error
            except BaseException:
                plain.close()
                raise
        raise failure or OSError("its name has no address")

    def _secured(self, plain: socket.socket) -> ssl.SSLSocket:
        context = ssl.create_default_context()
        context.sslsocket_class = _Tls
        context.set_alpn_protocols(["http/1.1"])
        secured = cast(_Tls, context.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False))
        secured.deadline = self._deadline
        try:
            secured.settimeout(self._deadline.left())
            secured.do_handshake()  # for all of which the timeout is one
        except BaseException:
            secured.close()
            raise
        return secured


class _Plain(socket.socket):
    deadline: Deadline

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(self.deadline.left(_READ_SECONDS))
        return super().recv_into(buffer, nbytes, flags)


class _Tls(ssl.SSLSocket):
    deadline: Deadline

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(self.deadline.left(_READ_SECONDS))
        return super().recv_into(buffer, nbytes, flags)


def in_time(work: Callable[[], _Value], deadline: Deadline) -> _Value:
    """What work returns or raises, in a thread: looking up a name knows of no timeout.

    Raises:
        TimeoutError: it is not done in time. Its thread ends with it, and what becomes of it is thrown away.
    """
    answers: SimpleQueue[Callable[[], _Value]] = SimpleQueue()

    def run() -> None:
        try:
            value = work()
        except BaseException as error:  # whatever it is, it is no time-out
            answers.put(partial(_raise, error))
        else:
            answers.put(lambda: value)

    Thread(target=run, daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except Empty:
        raise TimeoutError("it took too long") from None
    return answer()


def _raise(error: BaseException) -> NoReturn:
    raise error
