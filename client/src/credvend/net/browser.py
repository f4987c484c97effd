"""Sending a person's browser somewhere, and hearing from it, on this computer alone.

Whoever asks proves that it is this user, or sent by it: each path or query holds a secret that others cannot read.
Where the system tells whose a connection is, others are refused besides.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from credvend.errors import ServiceError
from credvend.net.loopback_server import HOST, Handler, Reply, is_another_user, is_our_name, listen
from credvend.net.private_page import Start, opened, start_default

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>credvend</title>
<style>body{{font:18px/1.5 system-ui,sans-serif;margin:15vh auto;max-width:32em;padding:0 1em}}</style></head>
<body><h1>{title}</h1><p>{text}</p></body></html>
"""
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
}


class Answer(NamedTuple):
    """What a browser gets: a page, or with `location` to be sent on."""

    status: int
    title: str = ""
    text: str = ""
    location: str | None = None


Handle = Callable[[str, Mapping[str, list[str]]], Answer]
NOTHING_HERE = Answer(404, "Nothing is here", "This address is used once, by the command that made it.")


@contextlib.contextmanager
def browser_server(handle: Handle, port: int = 0) -> Iterator[int]:
    """Answer this user's browser on a loopback port, a free one for 0, for as long as the block runs.

    Args:
        handle: path and query of a GET to its answer. It is called by one thread at a time.

    Raises:
        UsageError: the port is taken.
    """

    class Browser(Handler):
        def reply(self) -> Reply:
            answer = self._answer()
            headers = _HEADERS if answer.location is None else {**_HEADERS, "Location": answer.location}
            body = _PAGE.format(title=answer.title, text=answer.text) if answer.location is None else ""
            return Reply(answer.status, body.encode(), headers)

        def _answer(self) -> Answer:
            if not is_our_name(self) or is_another_user(self.client_address, self.connection.getsockname()):
                return NOTHING_HERE
            parts = urlsplit(self.path)
            try:
                query = parse_qs(parts.query, keep_blank_values=True, errors="strict", max_num_fields=30)
            except ValueError:
                return NOTHING_HERE
            with lock:
                return handle(parts.path, query)

    lock = threading.Lock()
    with listen(Browser, port) as server:
        yield int(server.server_address[1])


class OneTime:
    """An address that leads to another one, once."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.path = f"/go/{secrets.token_urlsafe(32)}"
        self.used = threading.Event()

    def answer(self, path: str) -> Answer | None:
        """The answer for this path; None if it is another."""
        if not secrets.compare_digest(path.encode(), self.path.encode()):
            return None
        if self.used.is_set():
            return Answer(
                410, "This address was used already", "If that was not you, stop the command in the terminal."
            )
        self.used.set()
        return Answer(303, location=self._target)


def show_privately(
    url: str, seconds: float = 60.0, start: Start = start_default, lead: Callable[[str], str] = str
) -> None:
    """Open an address that holds a secret in a browser, and wait until the browser has come for it.

    Args:
        start: starts the browser.
        lead: the address that the browser is to go to for one that is used once, where the browser has to do more.

    Raises:
        ServiceError: there is no browser, or it did not come.
    """
    once = OneTime(url)
    with (
        browser_server(lambda path, query: once.answer(path) or NOTHING_HERE) as port,
        opened(lead(f"http://{HOST}:{port}{once.path}"), start) as started,
    ):
        if not started:
            raise ServiceError("There is no browser with a window here; --print prints the address instead.")
        if not once.used.wait(seconds):
            raise ServiceError("The browser did not come for the address; --print prints the address instead.")
