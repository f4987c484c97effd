"""A request is sent, again if need be, and its redirects followed where that is safe."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, urljoin, urlsplit

from credvend.disk.config_file import Config
from credvend.errors import ServiceError
from credvend.net.exchange import NoAnswer, exchange
from credvend.net.request import Request, Response, date_of
from credvend.net.urls import check_url
from credvend.text.messages import verbose

ATTEMPTS = 4
MAXIMUM_REDIRECTS = 3
# Seconds after which nothing is tried again, however long each try took.
PATIENCE = 60.0
# A service that wants a longer pause is told of to the caller at once.
LONGEST_PAUSE = 20.0
_TRANSIENT = (429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)


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
        except NoAnswer as error:
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


def _follow(request: Request, url: SplitResult, config: Config, environ: Mapping[str, str]) -> Response:
    named = {name.lower() for name in request.headers}
    may_follow = request.method == "GET" and "authorization" not in named and not request.body
    for _ in range(MAXIMUM_REDIRECTS + 1):
        response = exchange(request, url, config, environ)
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


def _retry_after(response: Response) -> float | None:
    """Seconds that the header `Retry-After` asks to wait, which is a number or a moment (RFC 9110, 10.2.3)."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment = date_of(text)
    return None if moment is None else max(0.0, moment - response.received)
