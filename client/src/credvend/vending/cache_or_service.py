"""Credentials for a role, from the cache or from the service."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial

from credvend import lean
from credvend.auth import registry
from credvend.disk.config_file import Config
from credvend.disk.credentials_cache import FAILURE_LASTS, FAILURE_LASTS_WITH_ENTRY, Cache
from credvend.disk.private_files import CannotWrite
from credvend.errors import CredvendError, ServiceError, UsageError
from credvend.text.messages import say, verbose
from credvend.time_limit import LONGEST, within
from credvend.vending import formats
from credvend.vending.credentials import Credentials, parse_credentials
from credvend.vending.options import Options
from credvend.vending.service import LARGEST_SKEW, Service

# Seconds for a try to renew what still does. (A sign-in that is being renewed is not broken off.)
SHORT_TRY = 8.0

Enough = Callable[[lean.Entry, float], bool]


def half_of_life(entry: lean.Entry, now: float) -> bool:
    """At least half: for what is used until it ends, and cannot be renewed."""
    return entry.is_fresh(now) and 2 * (entry.expires - now) >= entry.expires - entry.obtained


def at_least(seconds: int) -> Enough:
    """So many seconds. A session that never has as many is asked for each time."""
    return lambda entry, now: entry.is_fresh(now) and entry.expires - now >= seconds


def get_credentials(
    role: str, options: Options, config: Config, environ: Mapping[str, str], *, fresh: bool = False
) -> Credentials:
    """Credentials for a role with at least a minute to live, or a tenth of their life.

    When many processes want the same at once, one asks the service, and all have its answer, or its failure.

    Args:
        fresh: ask the service, whatever the cache has.

    Raises:
        UsageError, AuthenticationError, AccessDeniedError, ServiceError: there are none.
    """
    return credentials_of(get_entry(role, options, config, environ, fresh=fresh), role)


@within(LONGEST)
def get_entry(
    role: str,
    options: Options,
    config: Config,
    environ: Mapping[str, str],
    *,
    fresh: bool = False,
    enough: Enough = lean.Entry.is_fresh,
) -> lean.Entry:
    """The same, as the cache has it: for who must know when it ends by this computer's clock.

    Args:
        fresh: ask the service, whatever the cache has.
        enough: whether what the cache has still lives for long enough, at a moment in seconds since 1970.

    Raises:
        UsageError, AuthenticationError, AccessDeniedError, ServiceError: there are none.
    """
    if lean.asks_itself(environ):
        raise UsageError(lean.ITSELF)
    caller = registry.authenticator(config, environ)
    service = Service(config, caller, environ)
    method = registry.method_in_use(config, environ)
    key = lean.cache_key(config.url, method, caller.cache_identity(), role, **vars(options))
    ask = partial(_ask, service, key, role, options)
    if config.cache == "off":
        return ask()
    cache = Cache(environ, config.cache)
    entry = None
    if not fresh:
        entry = cache.load(key)
        if entry is not None and enough(entry, time.time()):
            verbose("found in the cache")
            return entry
    waiting_since = time.time()
    with ExitStack() as stack:
        if entry is not None and entry.is_usable(time.time() + SHORT_TRY):
            stack.enter_context(within(SHORT_TRY))
        try:
            cache.prepare()
            stack.enter_context(cache.lock(key))
        except CannotWrite as error:
            say(f"warning: nothing is cached: {error.message}")
            return ask()
        except ServiceError as busy:
            return _old_or_raise(entry, busy)
        return _under_lock(cache, key, ask, None if fresh else enough, waiting_since)


def _under_lock(
    cache: Cache, key: str, ask: Callable[[], lean.Entry], enough: Enough | None, waiting_since: float
) -> lean.Entry:
    """As the only one of all processes: what another one has got meanwhile, or else what the service says."""
    entry = cache.load(key)
    now = time.time()
    error = None
    if enough is not None:
        if entry is not None and enough(entry, now):
            verbose("another process asked the service meanwhile")
            return entry
        spare = entry is not None and entry.is_usable(now)
        error = cache.failure(key, waiting_since, FAILURE_LASTS_WITH_ENTRY if spare else FAILURE_LASTS)
    if error is None:
        try:
            made = ask()
        except CredvendError as failed:
            with suppress(CannotWrite):
                cache.note_failure(key, failed)
            error = failed
        else:
            try:
                cache.store(made)
            except CannotWrite as full:
                say(f"warning: nothing is cached: {full.message}")
            return made
    return _old_or_raise(None if enough is None else entry, error)


def _old_or_raise(entry: lean.Entry | None, error: CredvendError) -> lean.Entry:
    """A service that cannot answer now is no reason to stop while the old credentials do. One that says no is.

    Raises:
        CredvendError: it is.
    """
    if isinstance(error, ServiceError) and entry is not None and entry.is_usable(time.time()):
        verbose(f"the old credentials still do: {error.message}")
        return entry
    raise error


def _ask(service: Service, key: str, role: str, options: Options) -> lean.Entry:
    """Ask the service, and note by this computer's clock when its answer expires."""
    answer = service.vend(role, options)
    credentials = parse_credentials(answer, role)
    now = time.time()
    expires = credentials.expiration.timestamp() - service.skew
    if int(expires) <= int(now):
        raise ServiceError("The credentials had ended when they came: ask for a longer --duration, or set your clock.")
    if expires - now > lean.LONGEST_LIFE + LARGEST_SKEW:
        # No session does; to believe it would be to hand out credentials that have long ended.
        raise ServiceError(
            "By the service's clock its credentials live for more than twelve hours, which none do: "
            "something between here and there answers with a wrong date; tell the service's operators."
        )
    # What is left of the excess is the answer's way, and the rounding of its date.
    expires = min(expires, int(now) + lean.LONGEST_LIFE)
    return lean.Entry(key, int(now), int(expires), formats.process(credentials), json.dumps(answer))


def credentials_of(entry: lean.Entry, role: str) -> Credentials:
    """What an entry holds, as an object."""
    return parse_credentials(json.loads(entry.answer), role)
