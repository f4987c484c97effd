"""`login`: the token of a person who signed in at an OpenID provider, renewed for as long as the provider lets them."""

from __future__ import annotations

from credvend.auth import sign_in
from credvend.auth.method import Method, Question, TokenCaller, needed
from credvend.errors import SignInNeeded
from credvend.net.urls import check_url


class Login(TokenCaller):
    """Sends the token of the sign-in."""

    _sent: str | None = None

    @property
    def token(self) -> str:
        self._sent = sign_in.current_token(self._config, self._environ)
        return self._sent

    def renew(self) -> bool:
        """As `Renewing`."""
        return sign_in.renew(self._sent, self._config, self._environ)


def _check_issuer(text: str) -> None:
    check_url(text, "https://login.example.com")


METHOD = Login.method = Method(
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
