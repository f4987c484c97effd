"""A browser with a window, as `webbrowser` finds one, and what it reads of the page that it is started with."""

from __future__ import annotations

import html
import re
import stat
import webbrowser
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest


def has_browser(monkeypatch: pytest.MonkeyPatch, go: Callable[[str], bool]) -> None:
    """Have `go` called with what stands on the browser's command line; it tells whether the browser was started."""

    class Window(webbrowser.BaseBrowser):
        def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
            return go(url)

    monkeypatch.setattr("webbrowser.get", lambda: Window("firefox"))


def address_on(page: str) -> str:
    """Where a page leads, which is a file that nobody else can read."""
    assert urlsplit(page).scheme == "file"
    path = Path(url2pathname(urlsplit(page).path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    led = re.search(r'http-equiv="refresh" content="0;url=([^"]*)"', path.read_text())
    assert led is not None
    return html.unescape(led[1])
