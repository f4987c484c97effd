"""A page that leads a browser to an address which no other user of this computer may see.

What a browser is started with stands on its command line, where every user can read it. So it is started with a file
that this user alone can read, and the file holds the address.
"""

from __future__ import annotations

import contextlib
import html
import os
import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path

from credvend import lean
from credvend.disk.private_files import write_private
from credvend.errors import UsageError

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>credvend</title><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={address}"></head>
<body><p><a href="{address}">Go on</a></p></body></html>
"""
# They would take the terminal, and know no page of today.
_TEXTUAL = ("www-browser", "links", "links2", "elinks", "lynx", "w3m")


@contextlib.contextmanager
def private_page(address: str) -> Iterator[str]:
    """A file that leads to an address, for as long as the block runs; 0600, in a directory of its own, 0700.

    Yields:
        The file's own address.

    Raises:
        UsageError: it cannot be written.
    """
    # Browsers that are snaps see neither /tmp nor what is hidden at home.
    parent = lean.home_path(os.environ) if os.path.isdir(lean.home_path(os.environ, "snap")) else None
    try:
        directory = tempfile.TemporaryDirectory(prefix="credvend-", dir=parent, ignore_cleanup_errors=True)
    except OSError as error:
        raise UsageError(f"No page for the browser can be written: {error.strerror}.") from None
    with directory:
        path = Path(directory.name, "open.html")
        write_private(str(path), _PAGE.format(address=html.escape(address)).encode())
        yield path.as_uri()


Start = Callable[[str], bool]
"""Starts a browser on a page, and tells whether it was started."""


def start_default(page: str) -> bool:
    """Start this user's browser, if it has a window.

    Raises:
        webbrowser.Error: there is none at all.
    """
    # Not `webbrowser.open`, which would go on to a textual one.
    browser = webbrowser.get()
    return os.path.basename(browser.name) not in _TEXTUAL and browser.open(page)


@contextlib.contextmanager
def opened(address: str, start: Start = start_default) -> Iterator[bool]:
    """Have a browser open an address that may be secret, while the block runs: until then it can come for it.

    Yields:
        Whether there is a browser with a window, which was started.
    """
    with contextlib.ExitStack() as stack:
        started = False
        with contextlib.suppress(webbrowser.Error, OSError, UsageError):
            started = start(stack.enter_context(private_page(address)))
        yield started
