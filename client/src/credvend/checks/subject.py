"""What several checks look at: each is had once, and so is its failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

from credvend.auth import registry
from credvend.auth.method import Authenticator, Scheme
from credvend.disk.config_file import Config, where_to_say_it
from credvend.errors import CredvendError, UsageError
from credvend.net.request import Request, Response
from credvend.net.send import send
from credvend.text.messages import progress
from credvend.time_limit import within
from credvend.vending.service import check_service_url

T = TypeVar("T")
# Seconds for each question to somebody else. Renewing a sign-in is not broken off.
TO_ANSWER = 5.5


class Once(Generic[T]):
    """What a function returns, or raises."""

    def __init__(self, get: Callable[[], T]) -> None:
        self._get = get
        self._got: list[T] = []
        self._error: CredvendError | None = None

    def __call__(self) -> T:
        """It.

        Raises:
            CredvendError: the same at each call.
        """
        if self._error is not None:
            raise self._error
        if not self._got:
            try:
                self._got.append(self._get())
            except CredvendError as error:
                self._error = error
                raise
        return self._got[0]

    def is_raising(self, error: CredvendError) -> bool:
        """Whether that is what was raised here."""
        return error is self._error


class Health(NamedTuple):
    """What the service said when it was asked for nothing, and after how many seconds."""

    response: Response
    seconds: float


class Proof(NamedTuple):
    """What a request carries to prove who the caller is. Secret."""

    scheme: Scheme
    headers: Mapping[str, str]


class Subject:
    """An installation of credvend, as it is used in one environment.

    Attributes:
        config: the configuration.
        url: of the service.
        health: of the service.
        caller: who proves who one is.
        proof: with what.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.config: Once[Config] = Once(lambda: registry.load_checked_config(environ))
        self.url: Once[str] = Once(self._url)
        self.health: Once[Health] = Once(self._health)
        self.caller: Once[Authenticator] = Once(lambda: registry.authenticator(self.config(), environ))
        self.proof: Once[Proof] = Once(self._proof)

    def _url(self) -> str:
        url = self.config().url
        if not url:
            raise UsageError(where_to_say_it(self.environ))
        return check_service_url(url)

    def _health(self) -> Health:
        request = Request("GET", f"{self.url()}/v1/health", retries=False)
        started = time.monotonic()
        with within(TO_ANSWER), progress("asking the service"):
            response = send(request, self.config(), self.environ)
        return Health(response, time.monotonic() - started)

    def _proof(self) -> Proof:
        url = f"{self.url()}/v1/whoami"
        with within(TO_ANSWER), progress("looking for what proves who you are"):
            caller = self.caller()
            return Proof(caller.scheme, caller.headers("GET", url, b""))
