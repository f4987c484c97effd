"""What a way to authenticate is: each module of `methods` has one, as `METHOD`, with all that is said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

from credvend import lean
from credvend.auth.bearer import bearer
from credvend.disk.config_file import Config, settings_of
from credvend.errors import AuthenticationError, UsageError

# `sigv4` for the routes of the service that are signed, `bearer` for those that take a token.
Scheme = Literal["sigv4", "bearer"]
# What to do once credvend is configured.
NEXT_STEP = "`credvend whoami`, to try it"


class Authenticator(Protocol):
    """Proves who one is, request by request."""

    @property
    def scheme(self) -> Scheme: ...

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """The headers that authenticate one request.

        Raises:
            AuthenticationError: there is nothing to prove it with; the message says what to do.
        """
        ...

    def cache_identity(self) -> str:
        """What tells callers apart, for the cache's key: another text whenever another caller could be seen.

        For a method that `lean` knows it must be what `lean.identity` says: see `Caller`.
        """
        ...


@runtime_checkable
class Renewing(Protocol):
    """An authenticator whose token can be had anew."""

    def renew(self) -> bool:
        """Get another token than the one that was just refused. Tells whether there is one.

        Raises:
            AuthenticationError: the caller has to sign in again.
            ServiceError: whoever gives tokens cannot be reached.
        """
        ...


@runtime_checkable
class Explaining(Protocol):
    """An authenticator that knows more of a refusal than the refusal says."""

    def explain(self, url: str, message: str) -> str:
        """A sentence on what to do about a refusal; empty if there is none."""
        ...


def needed(text: str) -> None:
    """The check of a question that must be answered.

    Raises:
        UsageError: it is not.
    """
    if not text:
        raise UsageError("An answer is needed here.")


@dataclass(frozen=True)
class Question:
    """What `credvend configure` asks for a method, besides the URL.

    Attributes:
        setting: the name of the setting that the answer goes into.
        text: the question.
        is_needed: whether there is no doing without an answer.
        check: raises a UsageError for an answer that will not do.
    """

    setting: str
    text: str
    is_needed: bool = False
    check: Callable[[str], object] = str


@dataclass(frozen=True)
class Method:
    """A way to authenticate.

    Attributes:
        name: what the setting `auth` calls it; the module's name, with `-` for `_`.
        summary: a few words for people who choose one.
        missing: what to do where there is nothing to prove oneself with.
        authenticator: makes one.
        questions: of `credvend configure`.
        takes_api_token: whether `credvend configure` asks for an API token, and keeps it.
        next_step: what `credvend configure` says at its end.
        lacking: what `missing` is raised as.
    """

    name: str
    summary: str
    missing: str
    authenticator: Callable[[Config, Mapping[str, str]], Authenticator]
    questions: tuple[Question, ...] = ()
    takes_api_token: bool = False
    next_step: str = NEXT_STEP
    lacking: type[AuthenticationError] = AuthenticationError


class Caller:
    """An authenticator whose callers `lean` tells apart, so that the fast path knows them, too.

    Attributes:
        method: whose it is.
    """

    scheme: Scheme
    method: ClassVar[Method]

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ

    def cache_identity(self) -> str:
        """As `Authenticator`: by `lean.identity`.

        Raises:
            AuthenticationError: what the method needs is not there.
        """
        try:
            return lean.identity(self.method.name, settings_of(self._config), self._environ)
        except (OSError, lean.Unreadable):
            raise self.method.lacking(self.method.missing) from None


class TokenCaller(Caller):
    """One that sends a token."""

    scheme = "bearer"

    @property
    def token(self) -> str:
        """The token of a request; a `cached_property` where one does for all requests of a command.

        Raises:
            AuthenticationError: there is none; the message says what to do.
        """
        raise NotImplementedError

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """As `Authenticator`."""
        return bearer(self.token)
