"""Clients that try once: what they keep open must be there when they need it."""

import time
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

# AWS does not say how long its servers keep what is idle; less than this would be unheard of.
KEPT_SECONDS: Final = 5


class Closing(Protocol):
    def close(self) -> None:
        """Close all connections that are kept; the next call opens one."""


_Client = TypeVar("_Client", bound=Closing)


class BriefConnections(Generic[_Client]):
    """A client whose connections are kept for seconds alone.

    One that was kept longer may be gone by now, above all after Lambda froze the environment: to find that out costs an
    attempt. A new one costs tens of milliseconds, for the authorities of TLS are read again.

    Attributes:
        clock: seconds that go on where the environment is frozen.
    """

    def __init__(self, client: _Client, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock
        self._asked_for = clock()

    def client(self) -> _Client:
        """The client, for the call that comes next."""
        now = self._clock()
        # A clock that was set back says nothing.
        if not 0 <= now - self._asked_for <= KEPT_SECONDS:
            self._client.close()
        self._asked_for = now
        return self._client
