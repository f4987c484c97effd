"""A request is sent, again if need be."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

from credvend.disk.config_file import Config
from credvend.errors import ServiceError
from credvend.net.exchange import NoAnswer, exchange
from credvend.net.request import Request, Response, date_of
from credvend.net.urls import check_url
from credvend.text.messages import verbose
from credvend.time_limit import LONGEST, seconds_left, within

ATTEMPTS = 4
# A service that wants a longer pause is told of to the caller at once.
LONGEST_PAUSE = 20.0
_TRANSIENT = (429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)


@within(LONGEST)
def send(
    request: Request,
    config: Config,
    environ: Mapping[str, str],
    *,
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> Response:
    """Send a request, several times if need be and while there is time. Any HTTP status is a response.

    No redirect is followed: neither the service nor a provider has any, and credentials must not go where one leads.

    Args:
        sleep, jitter: for tests.

    Raises:
        UsageError: the URL is none that credvend sends anything to, or the CA bundle cannot be read.
        ServiceError: there was no answer, or a redirect.
    """
    url = check_url(request.url)
    attempts = ATTEMPTS if request.retries else 1
    answer: Response | NoAnswer
    for attempt in range(1, attempts + 1):
        try:
            seconds = min(config.connect_timeout + config.read_timeout, seconds_left(unbroken=request.once))
            answer = exchange(request, url, config, environ, seconds)
        except NoAnswer as error:
            answer = error
        if isinstance(answer, Response) and answer.status in _REDIRECTS:
            raise ServiceError(f"{url.hostname} redirects, which credvend does not follow; is its URL right?")
        if isinstance(answer, Response) and answer.status not in _TRANSIENT:
            return answer
        if request.once and (isinstance(answer, Response) or answer.sent):
            break
        # Full jitter keeps many clients that failed together from coming back together.
        pause = jitter() * min(8.0, 0.5 * 2**attempt)
        asked = _retry_after(answer) if isinstance(answer, Response) else None
        if asked is not None:
            pause = asked + pause / 4
        if attempt == attempts or pause > LONGEST_PAUSE or pause >= seconds_left():
            break
        what = f"status {answer.status}" if isinstance(answer, Response) else answer
        verbose(f"{what}; trying again in {pause:.1f} s")
        sleep(pause)
    if isinstance(answer, NoAnswer):
        raise ServiceError(str(answer))
    return answer


def _retry_after(response: Response) -> float | None:
    """Seconds that the header `Retry-After` asks to wait, which is a number or a moment (RFC 9110, 10.2.3)."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment = date_of(text)
    return None if moment is None else max(0.0, moment - response.received)
