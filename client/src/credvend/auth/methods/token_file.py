"""A token in a file that something else renews: an API token or a JWT; the service tells them apart."""

from __future__ import annotations

from functools import cached_property

from credvend import lean
from credvend.auth.bearer import token_in
from credvend.auth.method import Method, Question, TokenCaller, needed


class TokenFile(TokenCaller):
    """Sends what is in the file."""

    def cache_identity(self) -> str:
        # As `lean.identity` has it, and of the very token that is sent: the file may be replaced at any moment.
        return lean.sha256(self.token)

    @cached_property
    def token(self) -> str:
        return token_in(self._config.token_file or "")


METHOD = TokenFile.method = Method(
    name="token-file",
    summary="a token in a file that something else renews",
    missing="The token file cannot be read: is CREDVEND_TOKEN_FILE, or token_file in the configuration, right?",
    authenticator=TokenFile,
    questions=(Question("token_file", "Token file", is_needed=True, check=needed),),
)
