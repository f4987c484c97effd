"""What a public client says to an OpenID provider: discovery, device flow, code flow with PKCE, refresh, revocation.

The numbers of the rules are those of OpenID Connect Core 1.0 (Core), Discovery 1.0, and the RFCs 6749 (OAuth 2.0), 7009
(revocation), 7636 (PKCE), 8252 (native apps), 8628 (device flow) and 9207 (issuer in the authorization response).

The claims of ID tokens are checked and their signatures are not: they come straight from the token endpoint, over TLS,
which Core 3.1.3.7 (6) takes for proof. (The service checks the signature of what it is sent.)
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, TypeVar
from urllib.parse import urlencode, urlsplit

from credvend.disk.config_file import Config
from credvend.errors import AuthenticationError, ServiceError, UsageError
from credvend.net.send import Request, check_url, send
from credvend.text.json_object import json_object

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_SCOPES = ("openid", "offline_access")
_Otherwise = TypeVar("_Otherwise", float, None)
# RFC 8628, 3.2 and 3.5.
_DEFAULT_INTERVAL = 5.0
_SLOW_DOWN = 5.0
_LONGEST_INTERVAL = 60.0
_LONGEST_WAIT = 1800.0
# Seconds that the provider's clock may differ from ours.
_SKEW = 300
# Seconds that a token is taken to live where nothing says it.
_UNKNOWN_LIFETIME = 300


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
        prompts: values of `prompt` that it says it knows; empty where it does not say.
        tells_issuer: it puts its identifier into each authorization response (RFC 9207).
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


@dataclass(frozen=True)
class Tokens:
    """What the token endpoint gave.

    Attributes:
        bearer: the token for the service: the access token if that is a JWT, else the ID token (as Google's are).
        expires: seconds since 1970 by this computer's clock.
        lifetime: seconds it had when it came.
        claims: of the ID token; empty if there is none.
    """

    bearer: str = field(repr=False)
    expires: float
    lifetime: float
    refresh_token: str | None = field(repr=False, default=None)
    claims: Mapping[str, Any] = field(repr=False, default_factory=dict)


@dataclass(frozen=True)
class DeviceGrant:
    """What a person is shown, and what the device keeps to itself.

    Attributes:
        complete_uri: the address with the code in it, where the provider has one.
        expires_in, interval: seconds.
    """

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    complete_uri: str | None
    expires_in: float
    interval: float


@dataclass(frozen=True)
class CodeRequest:
    """An authorization request, which a browser takes to the provider, and what its answer is checked against."""

    url: str = field(repr=False)
    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


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
        asked = {"client_id": self.provider.client_id, "scope": " ".join(self.scopes()), **self._target()}
        answer = self._post(self.provider.device_endpoint, asked)
        complete = answer.get("verification_uri_complete")
        return DeviceGrant(
            device_code=_text(answer, "device_code"),
            user_code=_text(answer, "user_code"),
            verification_uri=_web_address(_text(answer, "verification_uri")),
            complete_uri=_web_address(complete) if isinstance(complete, str) else None,
            expires_in=min(_seconds(answer.get("expires_in"), _LONGEST_WAIT), _LONGEST_WAIT),
            interval=min(max(_seconds(answer.get("interval"), _DEFAULT_INTERVAL), 0.0), _LONGEST_INTERVAL),
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
        form = {"grant_type": DEVICE_CODE, "device_code": grant.device_code, "client_id": self.provider.client_id}
        while True:
            sleep(interval)
            try:
                # Trying again is what this loop does.
                return self._tokens(self._post(self.provider.token_endpoint, form, retries=False), None)
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
        """An authorization request with state, nonce and a PKCE challenge, each of 256 bits of chance.

        Args:
            prompt: in the place of what is sensible.

        Raises:
            UsageError: the provider has no browser flow.
        """
        endpoint = self.provider.authorization_endpoint
        if endpoint is None:
            raise UsageError(
                "The OpenID provider has no sign-in with a browser: run `credvend login` without --browser."
            )
        state, nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        scopes = self.scopes()
        asked = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
            **self._target(),
        }
        # Core 11: without it, a provider must not give a token that outlives the browser's session.
        if prompt is None and "offline_access" in scopes and "consent" in (self.provider.prompts or ("consent",)):
            prompt = "consent"
        if prompt:
            asked["prompt"] = prompt
        parts = urlsplit(endpoint)
        query = f"{parts.query}&{urlencode(asked)}" if parts.query else urlencode(asked)
        return CodeRequest(parts._replace(query=query).geturl(), redirect_uri, state, nonce, verifier)

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
            "client_id": self.provider.client_id,
            "code_verifier": request.verifier,
        }
        return self._tokens(self._post(self.provider.token_endpoint, form, once=True), request.nonce)

    def refresh(self, refresh_token: str, subject: str | None) -> Tokens:
        """New tokens for the same person.

        Args:
            subject: whom they must be of (Core 12.2); None if that was never known.

        Raises:
            OAuthError: `invalid_grant`: the refresh token is worth nothing any more.
            AuthenticationError: they are of somebody else.
            ServiceError: the provider cannot be reached, or makes no sense.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": self.provider.client_id}
        # A second use, after an answer that was lost, would be taken for theft.
        tokens = self._tokens(self._post(self.provider.token_endpoint, form, once=True), None)
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
        form = {"token": refresh_token, "token_type_hint": "refresh_token", "client_id": self.provider.client_id}
        try:
            self._post(self.provider.revocation_endpoint, form)
        except OAuthError:
            return False
        return True

    def _target(self) -> dict[str, str]:
        """For whom the token is to be: in the way of RFC 8707, which wants a URI, and in the older way of some."""
        audience = self._config.audience
        if not audience:
            return {}
        is_uri = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", audience) and "#" not in audience
        return {"audience": audience, **({"resource": audience} if is_uri else {})}

    def _post(self, url: str, form: Mapping[str, str], retries: bool = True, once: bool = False) -> dict[str, Any]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form).encode("ascii")
        answer = send(Request("POST", url, headers, body, retries, once), self._config, self._environ)
        if answer.status == 200 and not answer.body.strip():  # revocation says nothing (RFC 7009, 2.2)
            return {}
        content = json_object(answer.body)
        if content is None:
            raise ServiceError(f"The OpenID provider's answer is not JSON (status {answer.status}); is issuer right?")
        if answer.status == 200:
            return content
        if isinstance(content.get("error"), str):
            raise OAuthError(content["error"], str(content.get("error_description") or ""))
        raise ServiceError(f"The OpenID provider answered with status {answer.status}; try again later.")

    def _tokens(self, answer: Mapping[str, Any], nonce: str | None) -> Tokens:
        now = time.time()
        if str(answer.get("token_type", "")).lower() != "bearer":
            raise ServiceError("The OpenID provider gave a token that is no bearer token.")
        access, identity, refresh = (
            answer.get(name) if isinstance(answer.get(name), str) else None
            for name in ("access_token", "id_token", "refresh_token")
        )
        claims = self._id_claims(identity, nonce, now) if identity else {}
        if nonce is not None and not claims:
            raise AuthenticationError("The OpenID provider gave no ID token; is the scope openid among scopes?")
        access_claims = jwt_claims(access or "")
        if access and (access_claims is not None or not identity):
            lifetime = _lifetime(answer.get("expires_in"), access_claims or {}, now)
            bearer = access
        elif identity:
            lifetime, bearer = _lifetime(None, claims, now), identity
        else:
            raise ServiceError("The OpenID provider's answer holds no token.")
        return Tokens(bearer, now + lifetime, lifetime, refresh, claims)

    def _id_claims(self, token: str, nonce: str | None, now: float) -> dict[str, Any]:
        """The claims of an ID token, once they are right: Core 3.1.3.7."""
        claims = jwt_claims(token)
        if claims is None:
            raise AuthenticationError("The OpenID provider's ID token is malformed.")
        audiences = claims.get("aud")
        several: list[Any] = audiences if isinstance(audiences, list) else [audiences]
        expires = claims.get("exp")
        wrong = None
        if claims.get("iss") != self.provider.issuer:
            wrong = "is of another issuer"
        elif (
            self.provider.client_id not in several
            or claims.get("azp", self.provider.client_id) != self.provider.client_id
        ):
            wrong = "is for another client"
        elif len(several) > 1 and "azp" not in claims:
            wrong = "is for several clients, and does not say for which"
        elif not isinstance(expires, (int, float)) or isinstance(expires, bool) or expires < now - _SKEW:
            wrong = "has expired; is this computer's clock right?"
        elif not isinstance(claims.get("sub"), str) or not claims["sub"]:
            wrong = "names nobody"
        elif nonce is not None and not secrets.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
            wrong = "answers another request"
        if wrong:
            raise AuthenticationError(f"The OpenID provider's ID token {wrong}.")
        return claims


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
        token_endpoint=_endpoint(found, "token_endpoint") or _missing("token_endpoint"),
        device_endpoint=_endpoint(found, "device_authorization_endpoint"),
        authorization_endpoint=_endpoint(found, "authorization_endpoint"),
        revocation_endpoint=_endpoint(found, "revocation_endpoint"),
        scopes_supported=_strings(found.get("scopes_supported")),
        prompts=_strings(found.get("prompt_values_supported")),
        tells_issuer=found.get("authorization_response_iss_parameter_supported") is True,
    )


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


def jwt_claims(token: str) -> dict[str, Any] | None:
    """What a JWT claims, unverified; None for anything that is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        return json_object(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None


def _lifetime(expires_in: object, claims: Mapping[str, Any], now: float) -> float:
    """Seconds that a token has to live, by this computer's clock: what is said of it, or what it says itself."""
    told = max(0.0, _seconds(expires_in, _UNKNOWN_LIFETIME))
    issued, expires = _seconds(claims.get("iat"), None), _seconds(claims.get("exp"), None)
    if expires is None:
        return told
    # The provider's clock, by its own measure: ours may be set differently.
    own = max(0.0, expires - (now if issued is None else issued))
    return own if expires_in is None else min(told, own) if issued is not None else told


def _seconds(value: object, otherwise: _Otherwise) -> float | _Otherwise:
    """A number that is one and is finite."""
    try:
        seconds = float(value) if isinstance(value, (int, float, str)) else math.nan
    except (ValueError, OverflowError):
        return otherwise
    return seconds if math.isfinite(seconds) else otherwise


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ServiceError(f"The OpenID provider's answer has no {name}.")
    return value


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _endpoint(found: Mapping[str, Any], name: str) -> str | None:
    value = found.get(name)
    if value is None:
        return None
    try:
        return check_url(str(value)).geturl()
    except UsageError as error:
        raise ServiceError(f"The OpenID provider's {name} cannot be used. {error.message}") from None


def _missing(name: str) -> str:
    raise ServiceError(f"The OpenID provider does not say where its {name} is.")


def _web_address(url: str) -> str:
    """An address that a person is sent to, and that a browser is opened with: nothing but the web.

    Raises:
        ServiceError: it is another.
    """
    try:
        return check_url(url).geturl()
    except UsageError as error:
        raise ServiceError(
            f"The OpenID provider sends people to an address that cannot be used. {error.message}"
        ) from None
