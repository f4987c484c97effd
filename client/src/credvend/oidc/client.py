"""What a public client says to an OpenID provider: device flow, code flow with PKCE, refresh, revocation.

The numbers of the rules, here and in the modules beside, are those of OpenID Connect Core 1.0 (Core), Discovery 1.0,
and the RFCs 6749 (OAuth 2.0), 7009 (revocation), 7636 (PKCE), 8252 (native apps), 8628 (device flow) and 9207 (issuer
in the authorization response).
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from credvend.disk.config_file import Config
from credvend.errors import AuthenticationError, ServiceError, UsageError
from credvend.net.request import Request
from credvend.net.send import send
from credvend.oidc.answers import address_of, needed_address_of, seconds_of, text_of
from credvend.oidc.code_flow import CodeRequest, challenge, code_request
from credvend.oidc.provider import CLIENT_SECRET, OAuthError, Provider, discover
from credvend.oidc.tokens import Tokens, tokens_of
from credvend.text.json_object import json_object

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_SCOPES = ("openid", "offline_access")
# RFC 8628, 3.2 and 3.5.
_DEFAULT_INTERVAL = 5.0
_SLOW_DOWN = 5.0
_LONGEST_INTERVAL = 60.0
_LONGEST_WAIT = 1800.0


@dataclass(frozen=True)
class DeviceGrant:
    """What a person is shown, and what the device keeps to itself.

    Attributes:
        complete_uri: the address with the code in it, where the provider has one.
        expires_in, interval: seconds.
        verifier: proves that it is us who asked, where the provider knows PKCE.
    """

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    complete_uri: str | None
    expires_in: float
    interval: float
    verifier: str | None = field(default=None, repr=False)


class Oidc:
    """A conversation with the configured provider."""

    def __init__(self, config: Config, environ: Mapping[str, str], provider: Provider | None = None) -> None:
        self._config = config
        self._environ = environ
        self.provider = provider or discover(config, environ)

    def scopes(self) -> tuple[str, ...]:
        """The configured scopes; or enough to know who it is, and to stay signed in where that can be had."""
        if self._config.scopes:
            return self._config.scopes
        known = self.provider.scopes_supported
        return tuple(scope for scope in DEFAULT_SCOPES if scope == "openid" or not known or scope in known)

    def start_device(self) -> DeviceGrant:
        """Ask for a code that a person enters in any browser (RFC 8628, 3.1).

        Raises:
            UsageError: the provider has no device flow.
            AuthenticationError: it refuses this client.
            ServiceError: it cannot be reached, or makes no sense.
        """
        if self.provider.device_endpoint is None:
            raise UsageError("The OpenID provider has no device flow: run `credvend login --browser`.")
        asked = {"scope": " ".join(self.scopes()), **self._target()}
        verifier, proof = None, {}
        if self.provider.knows_pkce:
            verifier = secrets.token_urlsafe(32)
            proof = {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
        try:
            answer = self._post(self.provider.device_endpoint, {**asked, **proof})
        except OAuthError as error:
            if not proof or error.code != "invalid_request":
                raise
            # It knows PKCE in the other flow alone, and takes no parameter that it does not know.
            verifier, answer = None, self._post(self.provider.device_endpoint, asked)
        answer = {"verification_uri": answer.get("verification_url"), **answer}  # Google's name for it
        return DeviceGrant(
            device_code=text_of(answer, "device_code"),
            user_code=text_of(answer, "user_code"),
            verification_uri=needed_address_of(answer, "verification_uri"),
            complete_uri=address_of(answer, "verification_uri_complete"),
            expires_in=min(seconds_of(answer.get("expires_in"), _LONGEST_WAIT), _LONGEST_WAIT),
            interval=min(max(seconds_of(answer.get("interval"), _DEFAULT_INTERVAL), 0.0), _LONGEST_INTERVAL),
            verifier=verifier,
        )

    def await_device(
        self,
        grant: DeviceGrant,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> Tokens:
        """Wait until the person has said yes (RFC 8628, 3.4 and 3.5).

        Raises:
            AuthenticationError: the person said no, or let the code expire.
            ServiceError: the provider makes no sense.
        """
        deadline = clock() + grant.expires_in
        interval = grant.interval
        form = {"grant_type": DEVICE_CODE, "device_code": grant.device_code}
        if grant.verifier is not None:
            form["code_verifier"] = grant.verifier
        while True:
            sleep(interval)
            try:
                # Trying again is what this loop does.
                return self._tokens(form, retries=False)
            except OAuthError as error:
                if error.code == "slow_down":
                    interval += _SLOW_DOWN
                elif error.code == "access_denied":
                    raise AuthenticationError("The sign-in was refused in the browser.") from None
                elif error.code == "expired_token":
                    raise AuthenticationError("The code has expired: run `credvend login` again.") from None
                elif error.code != "authorization_pending":
                    raise
            except ServiceError:
                # No answer: poll more slowly, for as long as the code is good (RFC 8628, 3.5).
                interval = min(max(interval, 1.0) * 2, _LONGEST_INTERVAL)
            if clock() + interval >= deadline:
                raise AuthenticationError("The code has expired: run `credvend login` again.")

    def start_code(self, redirect_uri: str, prompt: str | None = None) -> CodeRequest:
        """An authorization request: `code_flow.code_request`.

        Raises:
            UsageError: the provider has no browser flow.
        """
        return code_request(self.provider, self.scopes(), self._target(), redirect_uri, prompt)

    def finish_code(self, request: CodeRequest, code: str) -> Tokens:
        """Exchange the code for tokens, with the proof that it is us who asked (RFC 7636, 4.5).

        Raises:
            AuthenticationError: the provider refuses it, or the ID token is not the one that was asked for.
            ServiceError: the provider cannot be reached, or makes no sense.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": request.redirect_uri,
            "code_verifier": request.verifier,
        }
        return self._tokens(form, request.nonce, once=True)

    def refresh(self, refresh_token: str, subject: str | None) -> Tokens:
        """New tokens for the same person.

        Args:
            subject: whom they must be of (Core 12.2); None if that was never known.

        Raises:
            OAuthError: `invalid_grant`: the refresh token is worth nothing any more.
            AuthenticationError: they are of somebody else.
            ServiceError: the provider cannot be reached, or makes no sense.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        # A second use, after an answer that was lost, would be taken for theft.
        tokens = self._tokens(form, once=True)
        if tokens.claims and subject is not None and tokens.claims.get("sub") != subject:
            raise AuthenticationError("The OpenID provider answered with somebody else's tokens: run `credvend login`.")
        return tokens

    def revoke(self, refresh_token: str) -> bool:
        """Have the provider forget a refresh token. Tells whether it did; one without revocation cannot.

        Raises:
            ServiceError: it cannot be reached.
        """
        if self.provider.revocation_endpoint is None:
            return False
        form = {"token": refresh_token, "token_type_hint": "refresh_token"}
        try:
            self._post(self.provider.revocation_endpoint, form)
        except OAuthError:
            return False
        return True

    def _tokens(self, form: Mapping[str, str], nonce: str | None = None, **how: bool) -> Tokens:
        return tokens_of(self._post(self.provider.token_endpoint, form, **how), self.provider, nonce)

    def _target(self) -> dict[str, str]:
        """For whom the token is to be: as RFC 8707 has it, which wants a URI, and as some had it before."""
        audience = self._config.audience
        if not audience:
            return {}
        is_uri = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", audience) and "#" not in audience
        return {"audience": audience, **({"resource": audience} if is_uri else {})}

    def _post(self, url: str, form: Mapping[str, str], retries: bool = True, once: bool = False) -> dict[str, Any]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        secret = self.provider.client_secret
        client = {"client_id": self.provider.client_id, **({"client_secret": secret} if secret else {})}
        body = urlencode({**form, **client}).encode("ascii")
        answer = send(Request("POST", url, headers, body, retries, once), self._config, self._environ)
        if answer.status == 200 and not answer.body.strip():  # revocation says nothing (RFC 7009, 2.2)
            return {}
        content = json_object(answer.body)
        if content is None:
            raise ServiceError(f"The OpenID provider's answer is not JSON (status {answer.status}); is issuer right?")
        if answer.status == 200:
            return content
        if isinstance(content.get("error"), str):
            code, description = content["error"], str(content.get("error_description") or "")
            if not secret and (code == "invalid_client" or "client_secret" in description):
                description = f"{description[:100] or code}; if it wants a client secret, set {CLIENT_SECRET} to log in"
            raise OAuthError(code, description)
        raise ServiceError(f"The OpenID provider answered with status {answer.status}; try again later.")
