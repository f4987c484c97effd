"""How keys are fetched: from a server on loopback that does what it should not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Final

import pytest
import urllib3

from chalicelib.callers.oidc.fetch import fetch_json
from testing.loopback import Request, Response, serve

TEXTS: Final = {
    "good": b'{"keys": []}',
    "huge": b'{"a": "' + b"x" * 1_000_000 + b'"}',
    "twice": b'{"keys": [], "keys": []}',
}
STATUSES: Final = {"redirect": 302, "missing": 404, "broken": 500}


@contextmanager
def server(kind: str) -> Iterator[str]:
    """A server whose every answer is of that kind, and its URL."""

    def body(stopping: Event) -> Iterator[bytes]:
        if kind in TEXTS:
            yield TEXTS[kind]
        while kind == "drip" and not stopping.wait(0.2):
            yield b" "
        if kind == "silent":
            stopping.wait()

    def answer(request: Request) -> Response:
        headers = {"Location": "/elsewhere"} if kind == "redirect" else {}
        return Response(STATUSES.get(kind, 200), body(request.stopping), headers)

    with serve(answer) as running:
        yield f"{running.url}/keys"


def test_a_json_object_is_fetched() -> None:
    with server("good") as url:
        assert fetch_json(url) == {"keys": []}


@pytest.mark.parametrize("answer", ["redirect", "missing", "broken", "huge", "twice", "empty"])
def test_anything_else_is_refused(answer: str) -> None:
    with server(answer) as url, pytest.raises((ValueError, urllib3.exceptions.HTTPError)):
        fetch_json(url)


@pytest.mark.parametrize("answer", ["drip", "silent"])
def test_a_slow_answer_is_given_up(answer: str) -> None:
    started = time.monotonic()
    with server(answer) as url, pytest.raises((ValueError, urllib3.exceptions.HTTPError)):
        fetch_json(url)
    assert time.monotonic() - started < 7
