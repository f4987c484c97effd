"""`login`: the token of a person who signed in at an OpenID provider, renewed for as long as the provider lets them.

Two files below the state directory, both 0600, and a lock beside them: the session (who, where, and the token that the
service is sent, which lives for minutes), and the refresh token (in the operating system's keyring where there is one).

Providers rotate refresh tokens: each is good for one use, and a second use is taken for theft and ends the sign-in. So
one process renews at a time, and the others take what it got; the new refresh token is on the disk before anybody uses
what came with it; and no signal ends the process between sending the old and keeping the new one. A machine that
crashes in just that moment asks its owner to sign in again, and nothing else happens.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from credvend import lean
from credvend.auth.bearer import bearer
from credvend.auth.registry import caller_identity
from credvend.disk import secret_store
from credvend.disk.caller_markers import remove_marker, write_marker
from credvend.disk.config_file import Config
from credvend.disk.private_files import CannotWrite, private_directory, remove, write_private
from credvend.errors import AuthenticationError, CredvendError
from credvend.oidc.client import OAuthError, Oidc, Provider, Tokens
from credvend.text.json_object import json_object
from credvend.text.messages import say, verbose

_SIGN_IN = "run `credvend login`."
# Seconds of life below which a token is renewed: enough for one request and its retries.
_MARGIN = 60.0


@dataclass(frozen=True)
class Session:
    """A person who is signed in.

    Attributes:
        issuer, client_id: with which provider, and as which client.
        token_endpoint, revocation_endpoint: of the provider.
        subject, name: who, for the provider and for people; None if no ID token said it.
        token: what the service is sent.
        expires: of the token, in seconds since 1970 by this computer's clock.
        lifetime: seconds that it had when it came.
        obtained: when that was.
    """

    issuer: str
    client_id: str
    token_endpoint: str
    revocation_endpoint: str | None
    subject: str | None
    name: str | None
    token: str = field(repr=False)
    expires: float
    lifetime: float
    obtained: float

    def is_fresh(self, now: float) -> bool:
        """Whether the token is good for another request. Not so if the clock was set back since it came."""
        return self.obtained - _MARGIN <= now < self.expires - min(_MARGIN, self.lifetime / 4)


class Bearer:
    """The way `login`."""

    door = "bearer"

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ
        self._sent: str | None = None

    def cache_identity(self) -> str:
        return caller_identity("login", self._config, self._environ)

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        self._sent = current_token(self._config, self._environ)
        return bearer(self._sent)

    def renew(self) -> bool:
        """As `Renewing`: without a refresh token there is nothing to try."""
        with _locked(self._config, self._environ):
            session = _signed_in(self._config, self._environ)
            if session.token != self._sent:  # another process was faster
                return True
            if secret_store.read(_secret_name(self._config), self._environ) is None:
                return False
            verbose("the token was refused before its end")
            _renew(session, self._config, self._environ)
            return True


def begin(tokens: Tokens, provider: Provider, config: Config, environ: Mapping[str, str]) -> secret_store.Place | None:
    """Keep a new sign-in, in the place of an older one.

    Returns:
        Where the refresh token is; None if the provider gave none.

    Raises:
        UsageError: it cannot be kept.
        AuthenticationError: the one of before cannot be forgotten.
    """
    with _locked(config, environ):
        _sweep(config, environ)
        place = None
        if tokens.refresh_token is None:
            secret_store.delete(_secret_name(config), environ)
        else:
            place = secret_store.save(_secret_name(config), tokens.refresh_token, environ)
        _write(_session(tokens, provider, None), config, environ)
        # From here on the cache holds nothing for this caller, whoever it was before.
        write_marker(environ, "login", config.url)
    return place


def end(config: Config, environ: Mapping[str, str]) -> tuple[Session | None, bool]:
    """Forget a sign-in, here and at the provider.

    Returns:
        Who was signed in, if anybody; and whether the provider forgot the refresh token too.

    Raises:
        AuthenticationError: nobody is signed in any more, but the refresh token is still in the keyring, which is
            locked. Who was signed in is kept, for another try.
    """
    with _locked(config, environ):
        _sweep(config, environ)
        session = _read(config, environ)
        refresh_token = None
        with contextlib.suppress(AuthenticationError):  # to delete it will fail, too, and be told of
            refresh_token = secret_store.read(_secret_name(config), environ)
        # First here: that must not hang on whether the provider can be reached.
        remove_marker(environ, "login", config.url)
        try:
            secret_store.delete(_secret_name(config), environ)
        except AuthenticationError:
            # A locked keyring does not tell whether there is anything in it.
            if session is not None:
                _write(replace(session, token="", expires=0.0), config, environ)
                raise AuthenticationError(
                    "Signed out here, but the refresh token is still in the keyring: "
                    "unlock it and run `credvend logout` again."
                ) from None
        remove(_path(config, environ))
    if session is None or refresh_token is None:
        return session, False
    try:
        return session, Oidc(config, environ, _provider(session)).revoke(refresh_token)
    except CredvendError as error:
        say(f"warning: the OpenID provider was not told. {error.message}")
        return session, False


def current_token(config: Config, environ: Mapping[str, str]) -> str:
    """A token that is good for a request, renewed if need be.

    Raises:
        AuthenticationError: nobody is signed in, or the provider ended it.
        ServiceError: the provider cannot be reached.
    """
    session = _signed_in(config, environ)
    if session.is_fresh(time.time()):
        return session.token
    with _locked(config, environ):
        session = _signed_in(config, environ)  # another process may have renewed it meanwhile
        if session.is_fresh(time.time()):
            return session.token
        return _renew(session, config, environ).token


def _renew(session: Session, config: Config, environ: Mapping[str, str]) -> Session:
    name = _secret_name(config)
    refresh_token = secret_store.read(name, environ)
    if refresh_token is None:
        raise AuthenticationError(f"Your sign-in has expired, and cannot be renewed: {_SIGN_IN}")
    provider = _provider(session)
    _sweep(config, environ)
    # Whatever would keep the new refresh token from being written must show before the old one is spent.
    _write(session, config, environ)
    verbose("renewing the sign-in")
    with _undisturbed():
        try:
            tokens = Oidc(config, environ, provider).refresh(refresh_token, session.subject)
        except OAuthError as error:
            if error.code != "invalid_grant":
                raise
            # It will not be good again; asking each time would only bother the provider.
            with contextlib.suppress(AuthenticationError):
                secret_store.delete(name, environ)
            raise AuthenticationError(f"The OpenID provider has ended your sign-in: {_SIGN_IN}") from None
        renewed = _session(tokens, provider, session)
        if tokens.refresh_token is not None and tokens.refresh_token != refresh_token:
            secret_store.save(name, tokens.refresh_token, environ)
        _write(renewed, config, environ)
    return renewed


def _signed_in(config: Config, environ: Mapping[str, str]) -> Session:
    session = _read(config, environ)
    # Without the marker, it is what a logout that found the keyring locked has left for the next one.
    if session is None or not os.path.exists(lean.marker_path(environ, "login", config.url)):
        raise AuthenticationError(f"You are not signed in: {_SIGN_IN}")
    if (session.issuer, session.client_id) != (config.issuer or session.issuer, config.client_id or session.client_id):
        raise AuthenticationError(f"You are signed in at another OpenID provider than the configured one: {_SIGN_IN}")
    return session


def _session(tokens: Tokens, provider: Provider, before: Session | None) -> Session:
    now = time.time()
    claims = tokens.claims
    shown = next((claims[name] for name in ("email", "preferred_username", "name", "sub") if claims.get(name)), None)
    return Session(
        issuer=provider.issuer,
        client_id=provider.client_id,
        token_endpoint=provider.token_endpoint,
        revocation_endpoint=provider.revocation_endpoint,
        subject=str(claims["sub"]) if claims else before.subject if before else None,
        name=str(shown)[:200] if shown else before.name if before else None,
        token=tokens.bearer,
        expires=tokens.expires,
        lifetime=tokens.lifetime,
        obtained=now,
    )


def _provider(session: Session) -> Provider:
    """What is needed of it after the sign-in; so that no request goes into finding it again."""
    return Provider(
        issuer=session.issuer,
        client_id=session.client_id,
        token_endpoint=session.token_endpoint,
        revocation_endpoint=session.revocation_endpoint,
    )


def _secret_name(config: Config) -> str:
    return f"login {config.url}"


def _path(config: Config, environ: Mapping[str, str]) -> str:
    return os.path.join(lean.state_directory(environ), f"login-{lean.sha256(config.url)[:16]}.json")


def _read(config: Config, environ: Mapping[str, str]) -> Session | None:
    path = _path(config, environ)
    try:
        lean.check_private_directory(os.path.dirname(path))
        return Session(**(json_object(lean.read_private(path)) or {}))
    except FileNotFoundError:
        return None
    except lean.Unreadable as error:
        raise AuthenticationError(str(error)) from None
    except (OSError, ValueError, TypeError):  # cut off, or of another version
        return None


def _write(session: Session, config: Config, environ: Mapping[str, str]) -> None:
    path = _path(config, environ)
    private_directory(os.path.dirname(path))
    write_private(path, json.dumps(vars(session)).encode("ascii"))


@contextlib.contextmanager
def _locked(config: Config, environ: Mapping[str, str]) -> Iterator[None]:
    """One process at a time; the lock ends with its holder, whatever ends that."""
    import fcntl

    path = _path(config, environ) + ".lock"
    private_directory(os.path.dirname(path))
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:  # some file systems have no locks
            raise CannotWrite(f"{path} cannot be locked: {error.strerror}; set XDG_STATE_HOME to another.") from None
        yield
    finally:
        os.close(descriptor)


def _sweep(config: Config, environ: Mapping[str, str]) -> None:
    """Remove what a process that was killed while it wrote has left, which may be a token. Only under the lock."""
    directory = lean.state_directory(environ)
    ours = (
        _path(config, environ),
        secret_store.path_of(_secret_name(config), environ),
        lean.marker_path(environ, "login", config.url),
    )
    names = "|".join(re.escape(os.path.basename(path)) for path in ours)
    with contextlib.suppress(OSError):
        for name in os.listdir(directory):
            if re.fullmatch(rf"\.(?:{names})\.[0-9a-f]{{16}}", name):
                remove(os.path.join(directory, name))


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold back the signals that would end the process. A request is bounded in time, and so is this."""
    if threading.current_thread() is not threading.main_thread():
        # Signals go to another thread, and `credvend serve` waits for this one before it ends.
        yield
        return
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
