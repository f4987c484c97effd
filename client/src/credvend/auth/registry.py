"""The ways to prove who one is, one module each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from credvend import lean
from credvend.disk.config_file import Config, settings_of
from credvend.errors import AuthenticationError


class Authenticator(Protocol):
    """One way to prove who one is.

    Attributes:
        door: `iam` for the routes that are signed, `bearer` for those that take a token.
    """

    @property
    def door(self) -> str: ...

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """The headers that authenticate one request.

        Raises:
            AuthenticationError: there is nothing to prove it with; the message says what to do.
        """
        ...

    def cache_identity(self) -> str:
        """What tells callers apart: `caller_identity` of this module."""
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


def way(config: Config, environ: Mapping[str, str]) -> str:
    """The way that is configured, or the one that is found: a name of `lean.WAYS`."""
    return lean.chosen_way(settings_of(config), environ)


def caller_identity(name: str, config: Config, environ: Mapping[str, str]) -> str:
    """The identity that goes into the cache's key: `lean.identity`, so that the fast path has the same.

    Raises:
        AuthenticationError: what the way needs is not there.
    """
    try:
        return lean.identity(name, settings_of(config), environ)
    except (OSError, lean.Unreadable):
        raise AuthenticationError(_MISSING[name]) from None


_MISSING = {
    "token": "There is no API token: set CREDVEND_TOKEN, or run `credvend configure`.",
    "token-file": "The token file cannot be read: is CREDVEND_TOKEN_FILE, or token_file in the configuration, right?",
    "github": "This is no GitHub job that may ask for a token: give it `permissions: id-token: write`.",
    "gitlab": f"There is no {lean.GITLAB_TOKEN}: give the job `id_tokens: {lean.GITLAB_TOKEN}: aud: credvend`.",
    "kubernetes": "The pod has no token: mount a projected service account token, as the README shows.",
    "login": "You are not signed in: run `credvend login`.",
    "sigv4": "There are no AWS credentials to sign with: configure a profile, or set AWS_PROFILE.",
}


def authenticator(config: Config, environ: Mapping[str, str]) -> Authenticator:
    """The authenticator of the way that is configured, or found. Only its module is imported."""
    name = way(config, environ)
    if name == "sigv4":
        from credvend.auth.methods.sigv4 import SigV4

        return SigV4(config, environ)
    if name in ("token", "token-file"):
        from credvend.auth.bearer import Token

        return Token(name, config, environ)
    import importlib

    # Each has a class Bearer(config, environ), which is an Authenticator.
    module = "credvend.auth.sign_in" if name == "login" else f"credvend.auth.methods.{name}"
    made: Authenticator = importlib.import_module(module).Bearer(config, environ)
    return made
