"""One request over one connection of urllib3, straight or through a proxy, with TLS unless it stays on this computer.

Timeouts begin anew with each drop that a server sends, and none holds for finding a host's addresses. So an exchange
runs in a thread of its own, which is left alone when its time is over.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from concurrent import futures
from urllib.parse import SplitResult

import truststore
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection

from credvend import lean
from credvend.disk.config_file import Config
from credvend.errors import ServiceError, UsageError
from credvend.net.proxies import Proxy, proxy_for
from credvend.net.request import Request, Response
from credvend.text.messages import verbose
from credvend.version import __version__

# Far above any valid answer.
MAXIMUM_ANSWER_BYTES = 4 * 1024 * 1024
_PART_BYTES = 65_536
# The name of the threads.
EXCHANGE = "credvend-exchange"
# What there is to do where nobody was reached.
_IS_IT_THERE = "is its URL right, and is there a network, and a VPN if it takes one?"
# What `http.client` says of a proxy's answer to CONNECT.
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (?P<answer>.*)", re.DOTALL)


class NoAnswer(Exception):
    """The message says why there is none.

    Args:
        sent: whether the request may have reached the server.
    """

    def __init__(self, message: str, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


def exchange(
    request: Request, url: SplitResult, config: Config, environ: Mapping[str, str], seconds: float
) -> Response:
    """Send a request once, and read its answer.

    Args:
        seconds: for all of it, however little comes at a time.

    Raises:
        NoAnswer: there is none.
        UsageError: the proxy or the CA bundle cannot be used.
        ServiceError: who answers is not to be believed, or says too much.
    """
    if seconds <= 0:
        raise NoAnswer(f"{url.hostname} was not asked: all that went before has taken too long.", sent=False)
    verbose(f"{request.method} {url.scheme}://{url.netloc}{url.path}")
    started = time.monotonic()
    # For this computer no proxy is asked.
    proxy = None if url.scheme == "http" else proxy_for(url, environ)
    connection = _connection(url, proxy, tls_context(config, environ) if url.scheme == "https" else None)
    connection.timeout = min(seconds, config.connect_timeout)
    talk = _Talk(request, url, connection, config.read_timeout)
    talk.start()
    host = f"{url.hostname} (through the proxy {proxy.name})" if proxy else url.hostname
    try:
        response = talk.outcome(seconds)
    except ssl.SSLCertVerificationError as error:
        # Trying again cannot help, and neither does the service's state.
        raise ServiceError(
            f"The certificate of {host} is not trusted ({error.verify_message}); set ca_bundle, or AWS_CA_BUNDLE, to "
            "your company's CA bundle if it has its own."
        ) from None
    except (exceptions.NameResolutionError, exceptions.LocationParseError):  # the latter: no host can have that name
        if proxy:
            raise NoAnswer(f"The proxy {proxy.name} is not known; is HTTPS_PROXY right?", talk.sent) from None
        raise NoAnswer(f"The host {host} is not known; {_IS_IT_THERE}", talk.sent) from None
    except exceptions.NewConnectionError as error:  # which is a TimeoutError of urllib3's, too
        if proxy:
            raise NoAnswer(
                f"The proxy {proxy.name} cannot be reached: {_reason(error)}; is HTTPS_PROXY right?", talk.sent
            ) from None
        raise NoAnswer(f"{url.netloc} cannot be reached: {_reason(error)}; {_IS_IT_THERE}", talk.sent) from None
    except (exceptions.TimeoutError, futures.TimeoutError, TimeoutError):  # of Python 3.10, too
        advice = "." if talk.sent else f"; {_IS_IT_THERE}"
        raise NoAnswer(f"{host} did not answer in time{advice}", talk.sent) from None
    except ssl.SSLError as error:
        reason = str(error.reason or "").replace("_", " ").lower() or "the connection broke"
        raise NoAnswer(f"{host} speaks no TLS that is understood ({reason}); {_IS_IT_THERE}", talk.sent) from None
    except (exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        if proxy and (refused := _TUNNEL_REFUSED.match(str(error))):
            raise _refusal_of(proxy, url.hostname, refused["answer"]) from None
        raise NoAnswer(f"{host} cannot be reached: {_reason(error)}.", talk.sent) from None
    verbose(f"status {response.status} after {time.monotonic() - started:.2f} s")
    return response


class _Talk(threading.Thread):
    """An exchange that somebody waits for, for a while."""

    def __init__(self, request: Request, url: SplitResult, connection: HTTPConnection, read_timeout: float) -> None:
        super().__init__(name=EXCHANGE, daemon=True)  # what hangs does not keep the program from ending
        self.sent = False
        self._read_timeout = read_timeout
        self._request = request
        self._target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self._connection = connection
        self._response: futures.Future[Response] = futures.Future()

    def run(self) -> None:
        with contextlib.closing(self._connection), contextlib.suppress(futures.InvalidStateError):  # of one given up
            try:
                self._response.set_result(self._talk())
            except Exception as error:
                self._response.set_exception(error)

    def _talk(self) -> Response:
        request, connection = self._request, self._connection
        headers = {"User-Agent": f"credvend/{__version__}", "Accept": "application/json", **request.headers}
        connection.connect()
        self.sent = self._response.set_running_or_notify_cancel()
        if not self.sent:  # nobody waits any more, and may be trying again
            raise TimeoutError
        connection.timeout = self._read_timeout
        connection.request(
            request.method, self._target, request.body or None, headers, preload_content=False, decode_content=False
        )
        answer = connection.getresponse()
        body = b""
        with contextlib.closing(answer):  # where the server ends the connection, the socket is the answer's alone
            # Not `answer.stream`: for a chunk of a negative length that reads, and keeps, all that ever comes.
            while part := answer.read1(_PART_BYTES):
                body += part
                if len(body) > MAXIMUM_ANSWER_BYTES:
                    raise ServiceError("The answer is larger than any of the service's; is the URL right?")
        named = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status, named, body, time.time())

    def outcome(self, seconds: float) -> Response:
        """What comes of it. What has not been sent by then is not sent any more.

        Raises:
            futures.TimeoutError: it is not over.
            Exception: it failed so.
        """
        try:
            return self._response.result(seconds)
        except futures.TimeoutError:
            if not self._response.done():  # else it is the exchange's own
                self.sent = not self._response.cancel()
                if self._connection.sock is not None:
                    with contextlib.suppress(OSError):
                        socket.socket.shutdown(self._connection.sock, socket.SHUT_RD)  # wakes the thread
            raise


def _refusal_of(proxy: Proxy, host: str | None, answer: str) -> Exception:
    """What a proxy means that gives no way to a host. With a 4xx it means it."""
    said = f"The proxy {proxy.name} gives no way to {host}: {answer[:100]}"
    if answer.startswith("407"):
        return ServiceError(f"{said}; HTTPS_PROXY must hold a user and a password: http://USER:PASSWORD@HOST:PORT.")
    if answer.startswith("4"):
        return ServiceError(f"{said}; have it allow that, or name {host} in NO_PROXY if there is a way without it.")
    return NoAnswer(f"{said}.", sent=False)


def _reason(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, exceptions.NewConnectionError) else error
    if isinstance(cause, OSError):
        return cause.strerror or str(cause)
    # The text of a protocol error may quote what was received.
    return type(error.__cause__ or error).__name__


def _connection(url: SplitResult, proxy: Proxy | None, tls: ssl.SSLContext | None) -> HTTPConnection:
    host, port = url.hostname or "", url.port
    if tls is None:
        return HTTPConnection(host, port or 80)
    if proxy is None:
        return HTTPSConnection(host, port or 443, ssl_context=tls)
    connection = HTTPSConnection(proxy.host, proxy.port, ssl_context=tls)
    connection.set_tunnel(host, port or 443, proxy.headers)
    return connection


def ca_bundle(config: Config, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The file of certificates to trust, and what names it; None for the operating system's."""
    bundle, name = config.ca_bundle, "ca_bundle"
    if not bundle:
        bundle, name = environ.get("AWS_CA_BUNDLE"), "AWS_CA_BUNDLE"  # as AWS's own tools have it
    return (bundle, name) if bundle else None


def tls_context(config: Config, environ: Mapping[str, str]) -> ssl.SSLContext:
    """What is trusted.

    Raises:
        UsageError: the CA bundle cannot be used.
    """
    found = ca_bundle(config, environ)
    if found is None:
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # TLS 1.2 at least, as ssl has it by default
    bundle, name = found
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # As Python has it from 3.13 on: the bundle may end with a company's intermediate certificate. Python's other new
    # rule, VERIFY_X509_STRICT, is not set: it refuses the certificates of many companies, for a form that proves
    # nothing ("Missing Authority Key Identifier").
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        # Whoever can change it can read what is sent.
        lean.refuse_changeable(bundle, os.stat(bundle))
        context.load_verify_locations(bundle)
    except lean.Unreadable as error:
        raise UsageError(f"The CA bundle {error}") from None
    except (OSError, ssl.SSLError):
        raise UsageError(f"The CA bundle {bundle} ({name}) cannot be read, or holds no certificate.") from None
    return context
