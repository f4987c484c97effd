"""A person's sign-in at an OpenID provider: begun, renewed for as long as the provider lets them, ended.

Providers rotate refresh tokens: each is good for one use, and a second use is taken for theft and ends the sign-in. So
one process renews at a time, and the others take what it got; the new refresh token is on the disk before anybody uses
what came with it; and no signal ends the process between sending the old and keeping the new one. A machine that
crashes in just that moment asks its owner to sign in again, and nothing else happens.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from credvend import lean
from credvend.auth import sign_in_file
from credvend.auth.sign_in_file import Session
from credvend.disk import secret_store
from credvend.disk.caller_markers import remove_marker, write_marker
from credvend.disk.config_file import Config
from credvend.disk.private_files import remove
from credvend.errors import AuthenticationError, CredvendError, SignInNeeded
from credvend.oidc.client import Oidc
from credvend.oidc.provider import OAuthError, Provider
from credvend.oidc.tokens import Tokens
from credvend.text.messages import say, verbose

_SIGN_IN = "run `credvend login`."


def begin(tokens: Tokens, provider: Provider, config: Config, environ: Mapping[str, str]) -> secret_store.Place | None:
    """Keep a new sign-in instead of an older one.

    Returns:
        Where the refresh token is; None if the provider gave none.

    Raises:
        UsageError: it cannot be kept.
        AuthenticationError: the one of before cannot be forgotten.
    """
    with sign_in_file.locked(config, environ):
        sign_in_file.sweep(config, environ)
        place = None
        if tokens.refresh_token is None:
            secret_store.delete(sign_in_file.refresh_token_name(config), environ)
        else:
            place = secret_store.save(sign_in_file.refresh_token_name(config), tokens.refresh_token, environ)
        sign_in_file.write(_session(tokens, provider), config, environ)
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
    with sign_in_file.locked(config, environ):
        sign_in_file.sweep(config, environ)
        session = sign_in_file.read(config, environ)
        refresh_token = None
        with contextlib.suppress(AuthenticationError):  # to delete it will fail, too, and be told of
            refresh_token = secret_store.read(sign_in_file.refresh_token_name(config), environ)
        # First here: that must not hang on whether the provider can be reached.
        remove_marker(environ, "login", config.url)
        try:
            secret_store.delete(sign_in_file.refresh_token_name(config), environ)
        except AuthenticationError:
            # A locked keyring does not tell whether there is anything in it.
            if session is not None:
                sign_in_file.write(replace(session, token="", expires=0.0), config, environ)
                raise AuthenticationError(
                    "Signed out here, but the refresh token is still in the keyring: "
                    "unlock it and run `credvend logout` again."
                ) from None
        remove(sign_in_file.path_of(config, environ))
    if session is None or refresh_token is None:
        return session, False
    try:
        return session, Oidc(config, environ, session).revoke(refresh_token)
    except CredvendError as error:
        say(f"warning: the OpenID provider was not told. {error.message}")
        return session, False


def current_token(config: Config, environ: Mapping[str, str]) -> str:
    """A token that is good for a request, renewed if need be.

    Raises:
        SignInNeeded: nobody is signed in, or the provider ended it.
        ServiceError: the provider cannot be reached.
    """
    session = _signed_in(config, environ)
    if session.is_fresh(time.time()):
        return session.token
    with sign_in_file.locked(config, environ):
        session = _signed_in(config, environ)  # another process may have renewed it meanwhile
        if session.is_fresh(time.time()):
            return session.token
        return _renew(session, config, environ).token


def renew(refused: str | None, config: Config, environ: Mapping[str, str]) -> bool:
    """Get another token than one that was refused. Tells whether there is one; without a refresh token there is none.

    Raises:
        SignInNeeded: the caller has to sign in again.
        ServiceError: the provider cannot be reached.
    """
    with sign_in_file.locked(config, environ):
        session = _signed_in(config, environ)
        if session.token != refused:  # another process was faster
            return True
        if secret_store.read(sign_in_file.refresh_token_name(config), environ) is None:
            return False
        verbose("the token was refused before its end")
        _renew(session, config, environ)
        return True


def _renew(session: Session, config: Config, environ: Mapping[str, str]) -> Session:
    name = sign_in_file.refresh_token_name(config)
    refresh_token = secret_store.read(name, environ)
    if refresh_token is None:
        raise SignInNeeded(f"Your sign-in has expired, and cannot be renewed: {_SIGN_IN}")
    sign_in_file.sweep(config, environ)
    # Whatever would keep the new refresh token from being written must show before the old one is spent.
    sign_in_file.write(session, config, environ)
    verbose("renewing the sign-in")
    with _undisturbed():
        try:
            tokens = Oidc(config, environ, session).refresh(refresh_token, session.subject)
        except OAuthError as error:
            if error.code != "invalid_grant":
                raise
            # It will not be good again; asking each time would only bother the provider.
            with contextlib.suppress(AuthenticationError):
                secret_store.delete(name, environ)
            raise SignInNeeded(f"The OpenID provider has ended your sign-in: {_SIGN_IN}") from None
        renewed = _session(tokens, session)
        if tokens.refresh_token is not None and tokens.refresh_token != refresh_token:
            secret_store.save(name, tokens.refresh_token, environ)
        sign_in_file.write(renewed, config, environ)
    return renewed


def _signed_in(config: Config, environ: Mapping[str, str]) -> Session:
    session = sign_in_file.read(config, environ)
    # Without the marker, it is what a logout that found the keyring locked has left for the next one.
    if session is None or not os.path.exists(lean.marker_path(environ, "login", config.url)):
        raise SignInNeeded(f"You are not signed in: {_SIGN_IN}")
    if (session.issuer, session.client_id) != (config.issuer or session.issuer, config.client_id or session.client_id):
        raise SignInNeeded(f"You are signed in at another OpenID provider than the configured one: {_SIGN_IN}")
    return session


def _session(tokens: Tokens, provider: Provider) -> Session:
    """The session after a sign-in at a provider; or after the renewal of one that is there."""
    before = provider if isinstance(provider, Session) else None
    claims = tokens.claims
    shown = next((claims[name] for name in ("email", "preferred_username", "name", "sub") if claims.get(name)), None)
    about = {
        "subject": str(claims["sub"]) if claims else before.subject if before else None,
        "name": str(shown)[:200] if shown else before.name if before else None,
        "token": tokens.bearer,
        "expires": tokens.expires,
        "lifetime": tokens.lifetime,
        "obtained": time.time(),
    }
    return Session(**{**vars(provider), **about})


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
