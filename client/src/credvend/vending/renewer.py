"""Credentials that are always good for a while: renewed in the background, before their end."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from credvend import lean
from credvend.errors import CredvendError, ServiceError
from credvend.text.messages import say

# Between tries to renew, while the old credentials still do or nobody can be asked.
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 60.0
# A clock that is changed, or a computer that slept, is noticed after this many seconds at the latest.
_LONGEST_SLEEP = 60.0
# Between questions to the service, however short the credentials live and however many ask for them.
_LEAST_BETWEEN = 1.0


class Renewer:
    """An entry of the cache that is always good for a while: renewed in the background before its end.

    Args:
        get: gets it, from the cache or the service; a new one, if the old one is to be renewed and can be.
    """

    def __init__(self, get: Callable[[], lean.Entry]) -> None:
        self._get = get
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._entry: lean.Entry | None = None
        self._error: CredvendError | None = None
        self._asked = time.monotonic() - _LEAST_BETWEEN

    def current(self) -> lean.Entry:
        """One with at least a minute to live, or a tenth of its life, got now if need be.

        Raises:
            CredvendError: it cannot be had.
        """
        entry = self._entry
        return entry if entry is not None and entry.is_usable(time.time()) else self.renew()

    def renew(self) -> lean.Entry:
        """Get it anew; several threads at once get it once.

        Raises:
            CredvendError: it cannot be had.
        """
        before = self._entry
        with self._lock:
            entry = self._entry
            return self._ask() if entry is None or entry is before else entry

    def _ask(self) -> lean.Entry:
        """Ask, but not again within a second: what went wrong is told again, and what has ended by then is waited for.

        Raises:
            CredvendError: it cannot be had.
        """
        rest = self._asked + _LEAST_BETWEEN - time.monotonic()
        if rest > 0 and self._error is not None:
            raise self._error
        self._ended.wait(rest)
        self._asked, self._error = time.monotonic(), None
        try:
            entry = self._entry = self._get()
        except CredvendError as error:
            self._error = error
            if not isinstance(error, ServiceError):
                self._entry = None  # who is told no has nothing more to serve
            raise
        return entry

    @contextmanager
    def running(self) -> Iterator[None]:
        """Renew in the background for as long as the block runs. A renewal that has begun is finished."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _run(self) -> None:
        pause = 0.0
        trouble: str | None = None
        while not self._ended.wait(pause):
            before, trouble = trouble, trouble if self._entry is None else None
            due = self._due()
            if due <= 0:
                trouble = self._try()
                due = self._due()
            if trouble and not before:  # once, not each time
                say(f"the credentials cannot be renewed now: {trouble}")
            if before and not trouble:
                say("the credentials are renewed again")
            if due > 0:
                pause = min(due, _LONGEST_SLEEP)
            else:
                grown = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, pause * 2))
                pause = grown * (0.75 + random.random() / 4)  # noqa: S311 no secret

    def _try(self) -> str | None:
        """Renew; what went wrong, if anything."""
        try:
            entry = self.renew()
        except CredvendError as error:
            return error.message
        except Exception as error:  # its message may hold anything; and the next try may do
            return f"a fault of credvend ({type(error).__name__})."
        return None if entry.is_fresh(time.time()) else "the service has no newer ones."

    def _due(self) -> float:
        """Seconds until it is to be renewed, by the rule of the cache. Who said no is asked when somebody wants it."""
        entry = self._entry
        now = time.time()
        if entry is None:
            return _LONGEST_SLEEP
        if not entry.is_fresh(now):
            return 0.0
        return max(0.001, entry.expires - lean.margin(entry.expires - entry.obtained) - now)
