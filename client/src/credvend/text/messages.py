"""What people see on standard error: warnings, progress, and with `--verbose` what is done. Never a secret.

Method, host and path of a request are shown; no query, header or body.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from credvend.errors import one_line

SLOW = 0.5
"""Seconds after which a person at a terminal is told what takes so long."""

_verbose = False


def be_verbose() -> None:
    global _verbose
    _verbose = True


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


def for_service(text: str, service: str | None) -> str:
    """Advice for a service with a name: a sign-in or a setting of the one without would be of no use to it."""
    if not service:
        return text
    import re  # not for `--help`

    named = f"`credvend --service {service} "
    return re.sub(r"`credvend (?=(?:login|logout|whoami|roles|configure)\b(?! --service))", lambda _: named, text)


def may_ask() -> bool:
    """Whether there is a person at a terminal who can answer: not of what runs in the background of a shell."""
    if sys.stdin is None or sys.stderr is None or not sys.stdin.isatty() or not sys.stderr.isatty():
        return False
    if hasattr(os, "tcgetpgrp"):
        with suppress(OSError):  # it is not the terminal that this process was started from
            return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    return True


def agrees(question: str, *, by_default: bool) -> bool:
    """Whether the person says yes; the end of what they type is a no."""
    sys.stderr.write(f"{one_line(question)} {'[Y/n]' if by_default else '[y/N]'} ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    answer = line.strip().lower()
    return answer in ("y", "yes") or (by_default and bool(line) and not answer)


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
