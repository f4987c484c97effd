"""`login`: the token of a person who signed in at an OpenID provider, renewed for as long as the provider lets them."""

from __future__ import annotations

from collections.abc import Mapping

from credvend.auth import sign_in
from credvend.auth.bearer import bearer
from credvend.auth.method import Method, Question, Scheme, needed
from credvend.disk.config_file import Config
from credvend.errors import SignInNeeded
from credvend.net.urls import check_url


class Login:
    """Sends the token of the sign-in."""

    scheme: Scheme = "bearer"

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ
        self._sent: str | None = None

    def cache_identity(self) -> str:
        return METHOD.identity(self._config, self._environ)

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        self._sent = sign_in.current_token(self._config, self._environ)
        return bearer(self._sent)

    def renew(self) -> bool:
        """As `Renewing`."""
        return sign_in.renew(self._sent, self._config, self._environ)


def _check_issuer(text: str) -> None:
    check_url(text, "https://login.example.com")


METHOD = Method(
    name="login",
    summary="signing in at an OpenID provider",
    missing="You are not signed in: run `credvend login`.",
    authenticator=Login,
    questions=(
        Question("issuer", "Issuer (the OpenID provider's URL)", is_needed=True, check=_check_issuer),
        Question("client_id", "Client id", is_needed=True, check=needed),
        Question("audience", "Audience of the tokens (empty: the provider's default)"),
    ),
    next_step="`credvend login`",
    lacking=SignInNeeded,
)
