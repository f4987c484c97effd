"""An API token that is there: in the variable `CREDVEND_TOKEN`, or saved by `credvend configure`.

Or a JWT: the service tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from credvend.auth.bearer import bearer
from credvend.auth.method import Method, Scheme
from credvend.disk.config_file import Config
from credvend.errors import AuthenticationError

_MISSING = "There is no API token for the service at this URL: set CREDVEND_TOKEN, or run `credvend configure`."


class Token:
    """Sends the token."""

    scheme: Scheme = "bearer"

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        return bearer(self._token)

    def cache_identity(self) -> str:
        return METHOD.identity(self._config, self._environ)

    @cached_property
    def _token(self) -> str:
        given = self._environ.get("CREDVEND_TOKEN")
        if given:
            return given.strip()
        from credvend.disk import secret_store

        saved = secret_store.read(secret_store.name_for("token", self._config.url), self._environ)
        if not saved:
            raise AuthenticationError(_MISSING)
        return saved


METHOD = Method(
    name="token",
    summary="an API token, kept in the keyring or a file",
    missing=_MISSING,
    authenticator=Token,
    takes_api_token=True,
)
