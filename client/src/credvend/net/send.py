"""HTTP over the standard library: bounded in time, careful with what it sends where."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import http.client
import io
import ipaddress
import os
import random
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from credvend import __version__, lean
from credvend.disk.config_file import Config
from credvend.errors import ServiceError, UsageError
from credvend.text.messages import verbose

ATTEMPTS = 4
# Far above any valid answer.
MAXIMUM_ANSWER_BYTES = 4 * 1024 * 1024
MAXIMUM_REDIRECTS = 3
# Seconds after which nothing is tried again, however long each try took.
PATIENCE = 60.0
# A service that wants a longer pause is told of to the caller at once.
LONGEST_PAUSE = 20.0
_TRANSIENT = (429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Request:
    """A request; its headers may hold secrets, so they are not in its `repr`.

    Attributes:
        retries: whether it may be sent again after a connection error, a 429 or a 5xx.
        once: it holds something that is good for one use, so that only a connection that could not be made is tried
            again; what may have been sent is not.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    retries: bool = True
    once: bool = False


@dataclass(frozen=True)
class Response:
    """An answer, whatever its status; its body may hold secrets.

    Attributes:
        headers: by lower-case name.
        received: when, in seconds since 1970 by this computer's clock.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received: float = 0.0


def send(
    request: Request,
    config: Config,
    environ: Mapping[str, str],
    *,
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> Response:
    """Send a request, several times if need be. Any HTTP status is a response.

    Redirects are followed for a GET without credentials, to the same host; no header `Authorization` ever follows one.

    Args:
        sleep, jitter: for tests.

    Raises:
        UsageError: the URL is none that credvend sends anything to, or the CA bundle cannot be read.
        ServiceError: there was no answer.
    """
    url = check_url(request.url)
    attempts = ATTEMPTS if request.retries else 1
    deadline = time.monotonic() + PATIENCE
    for attempt in range(1, attempts + 1):
        failure: ServiceError | None = None
        response: Response | None = None
        sent = True
        try:
            response = _follow(request, url, config, environ)
        except _NoAnswer as error:
            failure, sent = ServiceError(str(error)), error.sent
        if response is not None and response.status not in _TRANSIENT:
            return response
        if request.once and sent:
            break
        # Full jitter keeps many clients that failed together from coming back together.
        pause = jitter() * min(8.0, 0.5 * 2**attempt)
        if response is not None:
            asked = _retry_after(response)
            pause = pause if asked is None else asked + pause / 4
        if attempt == attempts or pause > LONGEST_PAUSE or time.monotonic() + pause > deadline:
            break
        verbose(f"{failure or f'status {response.status if response else 0}'}; trying again in {pause:.1f} s")
        sleep(pause)
    if response is not None:
        return response
    assert failure is not None  # noqa: S101 one of both is always there
    raise failure


class _NoAnswer(Exception):
    """The message says why there is none.

    Args:
        sent: whether the request may have reached the server.
    """

    def __init__(self, message: str, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


def check_url(text: str, like: str = "https://EXAMPLE.execute-api.eu-west-1.amazonaws.com/api") -> SplitResult:
    """A URL that secrets may be sent to: https, or http on this computer alone.

    Args:
        like: an example of what it should be.

    Raises:
        UsageError: it is none.
    """
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    # Blanks and control characters could end the request line, and start another request.
    if host is None or re.search(r"[\x00-\x20\x7f]", text) or not text.isascii():
        raise UsageError(f"The URL is malformed; it must be like {like}.")
    if url.username is not None or url.password is not None:
        raise UsageError(f"The URL of {host} must hold no user and no password.")
    if url.scheme == "https" or (url.scheme == "http" and is_loopback(host)):
        return url
    raise UsageError(f"The URL of {host} must begin with https://, for secrets are sent there.")


def is_loopback(host: str) -> bool:
    """Whether a host is this computer, by its name alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _follow(request: Request, url: SplitResult, config: Config, environ: Mapping[str, str]) -> Response:
    named = {name.lower() for name in request.headers}
    may_follow = request.method == "GET" and "authorization" not in named and not request.body
    for _ in range(MAXIMUM_REDIRECTS + 1):
        response = _send_once(request, url, config, environ)
        if response.status not in _REDIRECTS:
            return response
        location, target = _target(url, response.headers.get("location", ""))
        if target is None or _origin(target) != _origin(url):
            raise ServiceError(
                f"{url.hostname} redirects to another host, which credvend refuses to follow; is its URL right?"
            )
        if not may_follow:
            raise ServiceError(
                f"{url.hostname} redirects a request with credentials, which is refused; is its URL right?"
            )
        url = check_url(location)
    raise ServiceError(f"{url.hostname} redirects again and again; is its URL right?")


def _target(base: SplitResult, location: str) -> tuple[str, SplitResult | None]:
    """Where a redirect leads, as text and in parts; None for what is no URL."""
    try:
        text = urljoin(base.geturl(), location)
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        return "", None
    return text, url


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or {"https": 443, "http": 80}.get(url.scheme)


def _send_once(request: Request, url: SplitResult, config: Config, environ: Mapping[str, str]) -> Response:
    host = url.hostname or ""
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    headers = {"User-Agent": f"credvend/{__version__}", "Accept": "application/json", **request.headers}
    verbose(f"{request.method} {url.scheme}://{url.netloc}{url.path}")
    started = time.monotonic()
    connection = _connection(url, config, environ)
    _bound(connection, started + config.connect_timeout + config.read_timeout, config.connect_timeout)
    sent = False
    try:
        connection.connect()
        sent = True
        connection.sock.settimeout(config.read_timeout)
        connection.request(request.method, target, body=request.body or None, headers=headers)
        answer = connection.getresponse()
        body = _read_body(answer)
    except ssl.SSLCertVerificationError as error:
        # Trying again cannot help, and neither does the service's state.
        hint = "set ca_bundle to your company's CA bundle if it has its own"
        raise ServiceError(f"The certificate of {host} is not trusted ({error.verify_message}); {hint}.") from None
    except (socket.gaierror, UnicodeError):  # the latter for a name that no host can have
        raise _NoAnswer(f"The host {host} is not known; is its URL right, and is there a network?", sent) from None
    except socket.timeout:
        raise _NoAnswer(f"{host} did not answer in time.", sent) from None
    except (OSError, http.client.HTTPException) as error:
        raise _NoAnswer(f"{host} cannot be reached: {_reason(error)}.", sent) from None
    finally:
        connection.close()
    verbose(f"status {answer.status} after {time.monotonic() - started:.2f} s")
    return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body, time.time())


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # The text of a protocol error may quote what was received.
    return str(error) if isinstance(error, OSError) else type(error).__name__


def _bound(connection: http.client.HTTPConnection, deadline: float, connect_timeout: float) -> None:
    """Hold all of an exchange to one moment: timeouts alone begin anew with each drop that a server sends.

    That is so for finding a connection, for what a proxy says, for headers and for the body. (The handshake of TLS has
    one timeout for all of it already.)

    Args:
        deadline: by the monotonic clock.
        connect_timeout: seconds for each of the host's addresses.
    """

    def create(address: tuple[str, int], *_: object) -> socket.socket:
        failure: OSError = socket.timeout()
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
            raise socket.timeout
        timeout = self._socket.gettimeout()
        if timeout is None or left < timeout:
            self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _read_body(answer: http.client.HTTPResponse) -> bytes:
    parts = []
    size = 0
    while True:
        part = answer.read1(65_536)
        if not part:
            break
        size += len(part)
        parts.append(part)
        if size > MAXIMUM_ANSWER_BYTES:
            raise ServiceError("The answer is larger than any of the service's; is the URL right?")
    body = b"".join(parts)
    if answer.length:
        raise http.client.IncompleteRead(b"")
    return body


def _connection(url: SplitResult, config: Config, environ: Mapping[str, str]) -> http.client.HTTPConnection:
    host, port = url.hostname or "", url.port
    if url.scheme == "http":  # on this computer, for which no proxy is asked
        return http.client.HTTPConnection(host, port, timeout=config.connect_timeout)
    context = _tls(config)
    proxy = proxy_for(url, environ)
    if proxy is None:
        return http.client.HTTPSConnection(host, port, timeout=config.connect_timeout, context=context)
    if proxy.scheme != "http":
        raise UsageError(f"The proxy {proxy.hostname} must be given as http://HOST:PORT; TLS goes through it.")
    connection = http.client.HTTPSConnection(
        proxy.hostname or "", proxy.port or 80, timeout=config.connect_timeout, context=context
    )
    headers: dict[str, str] = {}
    if proxy.username is not None:
        user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(user.encode()).decode("ascii")
    connection.set_tunnel(host, port or 443, headers)
    return connection


def _tls(config: Config) -> ssl.SSLContext:
    try:
        if config.ca_bundle is not None:
            # Whoever can change it can read what is sent.
            lean.refuse_changeable(config.ca_bundle, os.stat(config.ca_bundle))
        context = ssl.create_default_context(cafile=config.ca_bundle)
    except lean.Unreadable as error:
        raise UsageError(f"The CA bundle {error}") from None
    except (OSError, ssl.SSLError):
        raise UsageError(f"The CA bundle {config.ca_bundle} cannot be read, or holds no certificate.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def proxy_for(url: SplitResult, environ: Mapping[str, str]) -> SplitResult | None:
    """The proxy for a URL: `HTTPS_PROXY`, else `ALL_PROXY`, in lower or upper case, unless `NO_PROXY` names the host.

    Raises:
        UsageError: the variable holds no URL.
    """
    host = url.hostname or ""
    if is_loopback(host) or _bypasses_proxy(host, url.port or 443, _either(environ, "no_proxy")):
        return None
    text = _either(environ, "https_proxy") or _either(environ, "all_proxy")
    if not text:
        return None
    with contextlib.suppress(ValueError):
        proxy = urlsplit(text if "://" in text else f"http://{text}")
        _ = proxy.port  # which is checked here
        if proxy.hostname and text.isascii() and not re.search(r"[\x00-\x20\x7f]", text):
            return proxy
    raise UsageError("The variable HTTPS_PROXY holds no URL like http://proxy.example.com:3128.")


def _either(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.upper()) or ""


def _bypasses_proxy(host: str, port: int, no_proxy: str) -> bool:
    """Whether `NO_PROXY` names a host: `*`, a name for itself and all below it, an address, or a network; with a port,
    for that port."""
    for entry in no_proxy.lower().replace(",", " ").split():
        if entry == "*":
            return True
        with contextlib.suppress(ValueError):
            if ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False):
                return True
        name, colon, only = entry.rpartition(":")
        if colon and only.isdigit():
            if int(only) != port:
                continue
            entry = name
        name = entry.strip("[]").lstrip("*").lstrip(".")
        if name and (host.lower() == name or host.lower().endswith("." + name)):
            return True
    return False


def _retry_after(response: Response) -> float | None:
    """Seconds that the header `Retry-After` asks to wait, which is a number or a moment (RFC 9110, 10.2.3)."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment = date_of(text)
    return None if moment is None else max(0.0, moment - response.received)


def date_of(text: str | None) -> float | None:
    """A moment of an HTTP header, in seconds since 1970; None if there is none."""
    try:
        return email.utils.parsedate_to_datetime(text or "").timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
