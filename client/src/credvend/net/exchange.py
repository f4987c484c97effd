"""One request over one connection, straight or through a proxy, with TLS unless it stays on this computer."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import ssl
import time
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote

from credvend import lean
from credvend.disk.config_file import Config
from credvend.errors import ServiceError, UsageError
from credvend.net.deadline import bound
from credvend.net.proxies import proxy_for
from credvend.net.request import Request, Response
from credvend.text.messages import verbose
from credvend.version import __version__

# Far above any valid answer.
MAXIMUM_ANSWER_BYTES = 4 * 1024 * 1024


class NoAnswer(Exception):
    """The message says why there is none.

    Args:
        sent: whether the request may have reached the server.
    """

    def __init__(self, message: str, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


def exchange(request: Request, url: SplitResult, config: Config, environ: Mapping[str, str]) -> Response:
    host = url.hostname or ""
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    headers = {"User-Agent": f"credvend/{__version__}", "Accept": "application/json", **request.headers}
    verbose(f"{request.method} {url.scheme}://{url.netloc}{url.path}")
    started = time.monotonic()
    connection = _connection(url, config, environ)
    bound(connection, started + config.connect_timeout + config.read_timeout, config.connect_timeout)
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
        raise NoAnswer(f"The host {host} is not known; is its URL right, and is there a network?", sent) from None
    except TimeoutError:
        raise NoAnswer(f"{host} did not answer in time.", sent) from None
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"{host} cannot be reached: {_reason(error)}.", sent) from None
    finally:
        connection.close()
    verbose(f"status {answer.status} after {time.monotonic() - started:.2f} s")
    return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body, time.time())


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # The text of a protocol error may quote what was received.
    return str(error) if isinstance(error, OSError) else type(error).__name__


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
