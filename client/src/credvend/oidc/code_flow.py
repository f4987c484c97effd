"""The authorization code flow with PKCE: the request that a browser takes to the provider, and its answer."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from credvend.errors import AuthenticationError, UsageError
from credvend.oidc.provider import OAuthError, Provider


@dataclass(frozen=True)
class CodeRequest:
    """An authorization request, which a browser takes to the provider, and what its answer is checked against."""

    url: str = field(repr=False)
    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


def code_request(
    provider: Provider, scopes: tuple[str, ...], target: Mapping[str, str], redirect_uri: str, prompt: str | None
) -> CodeRequest:
    """An authorization request with state, nonce and a PKCE challenge, each of 256 bits of chance.

    Args:
        target: for whom the token is to be.
        prompt: instead of what is sensible.

    Raises:
        UsageError: the provider has no browser flow.
    """
    endpoint = provider.authorization_endpoint
    if endpoint is None:
        raise UsageError("The OpenID provider has no sign-in with a browser: run `credvend login` without --browser.")
    state, nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
        **target,
    }
    # Core 11: without it, a provider must not give a token that outlives the browser's session.
    if prompt is None and "offline_access" in scopes and "consent" in (provider.prompts or ("consent",)):
        prompt = "consent"
    if prompt:
        asked["prompt"] = prompt
    parts = urlsplit(endpoint)
    query = f"{parts.query}&{urlencode(asked)}" if parts.query else urlencode(asked)
    return CodeRequest(parts._replace(query=query).geturl(), redirect_uri, state, nonce, verifier)


def challenge(verifier: str) -> str:
    """The PKCE challenge of a verifier, S256 (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def check_response(parameters: Mapping[str, list[str]], request: CodeRequest, provider: Provider) -> str | None:
    """The code of an authorization response, or None if it is not the answer to this request at all.

    Raises:
        AuthenticationError: it is, and it is a no; or it is another provider's answer (RFC 9207).
    """
    if any(len(values) != 1 for values in parameters.values()):  # RFC 6749, 3.1
        return None
    single = {name: values[0] for name, values in parameters.items()}
    if not secrets.compare_digest(single.get("state", "").encode(), request.state.encode()):
        return None
    issuer = single.get("iss")
    if (issuer is not None or provider.tells_issuer) and issuer != provider.issuer:
        raise AuthenticationError("The sign-in was answered by another OpenID provider than the configured one.")
    if "error" in single:
        raise OAuthError(single["error"], single.get("error_description", ""))
    return single.get("code") or None
