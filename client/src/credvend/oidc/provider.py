"""An OpenID provider: who it says it is, where its endpoints are, and its no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from credvend.disk.config_file import Config
from credvend.errors import AuthenticationError, ServiceError, UsageError
from credvend.net.request import Request
from credvend.net.send import send
from credvend.oidc.answers import endpoint_of, missing, strings_of
from credvend.text.json_object import json_object

# The variable that `credvend login` takes the client's secret from.
CLIENT_SECRET = "CREDVEND_CLIENT_SECRET"  # noqa: S105 the name of a variable


class OAuthError(AuthenticationError):
    """The provider said no.

    Attributes:
        code: its word for why (RFC 6749, 5.2), such as `invalid_grant`.
    """

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"The OpenID provider said no: {description[:200] or code} ({code[:60]}).")
        self.code = code


@dataclass(frozen=True)
class Provider:
    """An OpenID provider, as it describes itself, and the client that speaks to it.

    Attributes:
        issuer: its identifier, exactly.
        client_secret: where it wants one even of programs on people's computers, as Google does. It proves nothing
            there (RFC 8252, 8.5), and is not told to others all the same.
        prompts: values of `prompt` that it says it knows; empty where it does not say.
        tells_issuer: it puts its identifier into each authorization response (RFC 9207).
        knows_pkce: it says that it takes PKCE challenges of the kind S256.
    """

    issuer: str
    client_id: str
    token_endpoint: str
    device_endpoint: str | None = None
    authorization_endpoint: str | None = None
    revocation_endpoint: str | None = None
    scopes_supported: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    tells_issuer: bool = False
    knows_pkce: bool = False
    client_secret: str | None = field(default=None, repr=False)


def discover(config: Config, environ: Mapping[str, str]) -> Provider:
    """Find a provider's endpoints by its issuer's name (Discovery 4).

    Raises:
        UsageError: issuer or client_id are not configured.
        ServiceError: it cannot be reached, or describes another.
    """
    if not config.issuer or not config.client_id:
        raise UsageError("To sign in, set issuer and client_id in the configuration: run `credvend configure`.")
    where = config.issuer.rstrip("/") + "/.well-known/openid-configuration"
    answer = send(Request("GET", where), config, environ)
    found = json_object(answer.body) if answer.status == 200 else None
    if found is None:
        raise ServiceError(f"There is no OpenID provider at {where} (status {answer.status}); is issuer right?")
    if found.get("issuer") != config.issuer:
        # A description of another provider would let that one get at codes and tokens of this one (Discovery 4.3).
        named = str(found.get("issuer"))[:200]
        raise ServiceError(
            f"The OpenID provider at {config.issuer} calls itself {named}; is issuer right to the letter?"
        )
    return Provider(
        issuer=config.issuer,
        client_id=config.client_id,
        token_endpoint=endpoint_of(found, "token_endpoint") or missing("token_endpoint"),
        device_endpoint=endpoint_of(found, "device_authorization_endpoint"),
        authorization_endpoint=endpoint_of(found, "authorization_endpoint"),
        revocation_endpoint=endpoint_of(found, "revocation_endpoint"),
        scopes_supported=strings_of(found.get("scopes_supported")),
        prompts=strings_of(found.get("prompt_values_supported")),
        tells_issuer=found.get("authorization_response_iss_parameter_supported") is True,
        knows_pkce="S256" in strings_of(found.get("code_challenge_methods_supported")),
        client_secret=environ.get(CLIENT_SECRET, "").strip() or None,
    )
