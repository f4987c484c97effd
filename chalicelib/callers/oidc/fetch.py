"""How JSON documents of an issuer are fetched: its discovery document and its keys."""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final, TypeVar

import urllib3

from chalicelib.text.strict_json import json_object

Fetch = Callable[[str], dict[str, object]]
_Value = TypeVar("_Value")

# What tells that a document could not be had.
TROUBLE: Final = (OSError, ValueError, urllib3.exceptions.HTTPError)
_CONNECT_SECONDS: Final = 2
_READ_SECONDS: Final = 3
_WHOLE_SECONDS: Final = 5
_MAXIMUM_BYTES: Final = 262_144
_CHUNK_BYTES: Final = 16_384
_ACCEPT: Final = {"Accept": "application/json"}


def fetch_json(url: str) -> dict[str, object]:
    """GET a JSON object: no redirects, no retries, at most 256 KiB and 5 seconds.

    Raises:
        OSError, ValueError, urllib3.exceptions.HTTPError: it could not be had.
    """
    deadline = time.monotonic() + _WHOLE_SECONDS
    timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
    with (
        urllib3.PoolManager(retries=False, timeout=timeout) as pool,
        pool.request("GET", url, redirect=False, preload_content=False, headers=_ACCEPT) as answer,
    ):
        if answer.status != 200:
            raise ValueError(f"answered {answer.status}")
        body = b""
        while chunk := answer.read1(_CHUNK_BYTES):  # what has come so far, so that a slow answer is noticed
            body += chunk
            if len(body) > _MAXIMUM_BYTES or time.monotonic() > deadline:
                raise ValueError("answered too much, or too slowly")
    return json_object(body)


def in_time(work: Callable[[], _Value], seconds: float) -> _Value:
    """What work returns, if it is done in time. No timeout of a connection bounds slow look-ups, addresses and headers.

    Raises:
        TimeoutError: it is not; it goes on by itself, and what becomes of it is thrown away.
    """
    answers: SimpleQueue[_Value | Exception] = SimpleQueue()

    def run() -> None:
        try:
            answers.put(work())
        except TROUBLE as error:
            answers.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError("it took too long") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
