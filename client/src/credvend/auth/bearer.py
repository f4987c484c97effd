"""A token that is there: in the variable `CREDVEND_TOKEN`, in a file, or saved by `credvend configure`.

An API token or a JWT; the service tells them apart.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property

from credvend import lean
from credvend.auth.registry import caller_identity
from credvend.disk.config_file import Config
from credvend.errors import AuthenticationError
from credvend.text.messages import say


class Token:
    """The way `token` or `token-file`."""

    door = "bearer"

    def __init__(self, way: str, config: Config, environ: Mapping[str, str]) -> None:
        self._way = way
        self._config = config
        self._environ = environ

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        return bearer(self._token)

    def cache_identity(self) -> str:
        if self._way == "token-file":
            # Of the very token that is sent: the file may be replaced at any moment.
            return lean.sha256(self._token)
        return caller_identity(self._way, self._config, self._environ)

    @cached_property
    def _token(self) -> str:
        if self._way == "token-file":
            return token_in(self._config.token_file or "")
        given = self._environ.get("CREDVEND_TOKEN")
        if given:
            return given.strip()
        from credvend.disk import secret_store

        saved = secret_store.read(f"token {self._config.url}", self._environ)
        if not saved:
            raise AuthenticationError("There is no API token: set CREDVEND_TOKEN, or run `credvend configure`.")
        return saved


class Untrusted(AuthenticationError):
    """Others could have put the token there."""


def token_in(path: str, *, is_projected: bool = False) -> str:
    """The token in a file.

    Args:
        is_projected: whether it is Kubernetes who wrote it, readable for all in the pod as it is.

    Raises:
        Untrusted: the file is somebody else's, or others may write it.
        AuthenticationError: there is none.
    """
    try:
        with open(path, encoding="ascii") as file:
            status = os.fstat(file.fileno())
            lean.refuse_changeable(path, status)
            token = file.read(65_536).strip()
    except lean.Unreadable as error:
        raise Untrusted(str(error)) from None
    except (OSError, ValueError):
        raise AuthenticationError(f"The token file {path} cannot be read; is token_file right?") from None
    if not token:
        raise AuthenticationError(f"The token file {path} is empty.")
    if status.st_mode & 0o044 and status.st_uid == os.geteuid() and not is_projected:
        say(f"warning: other users can read your token in {path}: chmod 600 {path}")
    return token


def bearer(token: str) -> dict[str, str]:
    """The header of a token (RFC 6750, 2.1).

    Raises:
        AuthenticationError: it holds what no header may, such as a line break.
    """
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise AuthenticationError("The token is malformed: it must be one line of printable characters without blanks.")
    return {"Authorization": f"Bearer {token}"}
