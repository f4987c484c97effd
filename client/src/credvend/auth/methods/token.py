"""An API token that is there: in the variable `CREDVEND_TOKEN`, or saved by `credvend configure`.

Or a JWT: the service tells them apart.
"""

from __future__ import annotations

from functools import cached_property

from credvend.auth.method import Method, TokenCaller
from credvend.errors import AuthenticationError


class Token(TokenCaller):
    """Sends the token."""

    @cached_property
    def token(self) -> str:
        given = self._environ.get("CREDVEND_TOKEN")
        if given:
            return given.strip()
        from credvend.disk import secret_store

        saved = secret_store.read(secret_store.name_for("token", self._config.url), self._environ)
        if not saved:
            raise AuthenticationError(self.method.missing)
        return saved


METHOD = Token.method = Method(
    name="token",
    summary="an API token, kept in the keyring or a file",
    missing="There is no API token for the service at this URL: set CREDVEND_TOKEN, or run `credvend configure`.",
    authenticator=Token,
    takes_api_token=True,
)
