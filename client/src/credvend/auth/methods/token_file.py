"""A token in a file that something else renews: an API token or a JWT; the service tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from credvend import lean
from credvend.auth.bearer import bearer, token_in
from credvend.auth.method import Method, Question, Scheme, needed
from credvend.disk.config_file import Config


class TokenFile:
    """Sends what is in the file."""

    scheme: Scheme = "bearer"

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        return bearer(self._token)

    def cache_identity(self) -> str:
        # As `lean.identity` has it, and of the very token that is sent: the file may be replaced at any moment.
        return lean.sha256(self._token)

    @cached_property
    def _token(self) -> str:
        return token_in(self._config.token_file or "")


METHOD = Method(
    name="token-file",
    summary="a token in a file that something else renews",
    missing="The token file cannot be read: is CREDVEND_TOKEN_FILE, or token_file in the configuration, right?",
    authenticator=TokenFile,
    questions=(Question("token_file", "Token file", is_needed=True, check=needed),),
)
