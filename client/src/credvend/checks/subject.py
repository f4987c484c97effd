"""What several checks look at: each is had once, and so is its failure."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from credvend.auth import registry
from credvend.auth.method import Authenticator
from credvend.checks.finding import first
from credvend.disk.config_file import Config
from credvend.errors import CredvendError
from credvend.net.request import Request, Response
from credvend.net.send import send
from credvend.text.messages import progress
from credvend.time_limit import within
from credvend.vending.service import service_url

T = TypeVar("T")
# Seconds for each question to somebody else. Renewing a sign-in is not broken off.
TO_ANSWER = 5.5


def once(get: Callable[[], T]) -> Callable[[], T]:
    """What a function returns, or the error that it raises: the same at each call."""

    @functools.cache
    def outcome() -> tuple[T] | CredvendError:
        try:
            return (get(),)
        except CredvendError as error:
            return error

    def got() -> T:
        found = outcome()
        if isinstance(found, CredvendError):
            raise found
        return found[0]

    return got


class Health(NamedTuple):
    """What the service said when it was asked for nothing, and after how many seconds."""

    response: Response
    seconds: float


class Subject:
    """An installation of credvend, as it is used in one environment.

    Attributes:
        configured: the configuration, for the check of it.
        url: of the service.
        health: of the service.
        caller: who proves who one is.
        proof: the headers with which. Secret.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.configured = once(lambda: registry.load_checked_config(environ))
        self.url = once(lambda: service_url(self.config(), environ))
        self.health = once(self._health)
        self.caller: Callable[[], Authenticator] = once(lambda: registry.authenticator(self.config(), environ))
        self.proof = once(self._proof)

    def config(self) -> Config:
        """The configuration, for whatever else is checked.

        Raises:
            NotKnown: it is malformed.
        """
        with first("The configuration must be repaired first."):
            return self.configured()

    def _health(self) -> Health:
        request = Request("GET", f"{self.url()}/v1/health", retries=False)
        started = time.monotonic()
        with within(TO_ANSWER), progress("asking the service"):
            response = send(request, self.config(), self.environ)
        return Health(response, time.monotonic() - started)

    def _proof(self) -> Mapping[str, str]:
        url = f"{self.url()}/v1/whoami"
        with within(TO_ANSWER), progress("looking for what proves who you are"):
            return self.caller().headers("GET", url, b"")
