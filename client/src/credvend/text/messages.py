"""What people see on standard error: warnings, progress, and with `--verbose` what is done. Never a secret.

Method, host and path of a request are shown; no query, header or body.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from credvend.errors import one_line

SLOW = 0.5
"""Seconds after which a person at a terminal is told what takes so long."""

_verbose = False


def be_verbose() -> None:
    global _verbose
    _verbose = True


def be_quiet() -> None:
    global _verbose
    _verbose = False


def is_verbose() -> bool:
    return _verbose


def verbose(text: str) -> None:
    """Say what is done, to those who asked for it."""
    if _verbose:
        say(text)


def say(text: str) -> None:
    """One line, if there is anywhere to say it: for None, `print` takes standard output, which SDKs read."""
    if sys.stderr is not None:
        print(f"credvend: {one_line(text)}", file=sys.stderr, flush=True)


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Tell a person at a terminal what takes longer than half a second, and wipe it when it is done."""
    if _verbose or sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    lock = threading.Lock()
    shown = False
    done = False

    def show() -> None:
        nonlocal shown
        with lock:
            if not done:
                shown = True
                sys.stderr.write(f"credvend: {one_line(text)} ...")
                sys.stderr.flush()

    timer = threading.Timer(SLOW, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            done = True
            if shown:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
