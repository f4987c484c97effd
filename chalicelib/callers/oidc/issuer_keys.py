"""Which keys does an issuer sign with? From a file, or fetched, and kept for a while."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from chalicelib.caching import is_within
from chalicelib.callers.oidc.fetch import TROUBLE, Fetch, in_time
from chalicelib.callers.oidc.issuer import Issuer, check_url
from chalicelib.callers.oidc.key_set import Jwk, choose, has_use_for, keys_of
from chalicelib.errors import InvalidToken, IssuerUnavailable

# So long at most does a key go on that the issuer has withdrawn, while the issuer answers.
KEYS_KEPT_SECONDS: Final = 600
# The same while it does not answer: its callers are served through a day's outage.
KEYS_KEPT_IN_AN_OUTAGE_SECONDS: Final = 86_400
# An attacker's tokens may name any key: for all of them together, one look in a minute.
UNKNOWN_KEY_SECONDS: Final = 60
# How soon an issuer that did not answer is asked again, so that its trouble does not become every caller's.
RETRY_SECONDS: Final = 10
# For discovery and keys together. With the slowest STS after it (15 s), it must end within the function's 25 s.
_PATIENCE_SECONDS: Final = 5
_PATIENCE_WITH_KEYS_SECONDS: Final = 1


class Keys(Protocol):
    """Where the keys of one issuer come from."""

    def key_for(self, key_id: str | None, algorithm: str) -> Jwk:
        """The key that a token was signed with.

        Raises:
            InvalidToken: the issuer has no such key.
            IssuerUnavailable: its keys are not known, and cannot be fetched now.
        """


class FixedKeys:
    """Keys from the configuration."""

    def __init__(self, keys: Sequence[Jwk]) -> None:
        self._keys = keys

    def key_for(self, key_id: str | None, algorithm: str) -> Jwk:
        return _known(choose(self._keys, key_id, algorithm))


class FetchedKeys:
    """Keys from the issuer. Lives as long as the execution environment; the constants above are its lifetimes."""

    def __init__(
        self, issuer: Issuer, fetch: Fetch, allow_loopback_http: bool, clock: Callable[[], float] = time.time
    ) -> None:
        """Nothing is fetched yet.

        Args:
            clock: seconds since 1970, UTC. Not a monotonic clock: while Lambda freezes a function, those may stand.
        """
        self._issuer = issuer
        self._fetch = fetch
        self._allow_loopback_http = allow_loopback_http
        self._clock = clock
        self._keys: list[Jwk] = []
        self._fetched_at = float("-inf")
        self._failed_at = float("-inf")
        self._looked_for_unknown_at = float("-inf")

    def key_for(self, key_id: str | None, algorithm: str) -> Jwk:
        now = self._clock()
        if not is_within(KEYS_KEPT_SECONDS, self._fetched_at, now):
            self._refresh(now)
        key = choose(self._keys, key_id, algorithm)
        looked_lately = is_within(UNKNOWN_KEY_SECONDS, self._looked_for_unknown_at, now)
        if key is None and self._fetched_at != now and not looked_lately:
            if self._refresh(now):
                self._looked_for_unknown_at = now
            key = choose(self._keys, key_id, algorithm)
        if key is None and self._fetched_at < self._failed_at:
            raise IssuerUnavailable(self._issuer.name)  # it may have such a key by now: nobody knows
        return _known(key)

    def _refresh(self, now: float) -> bool:
        """Fetch the keys, if it may be tried now. Who has keys that are good enough does not wait long for better."""
        if not is_within(KEYS_KEPT_IN_AN_OUTAGE_SECONDS, self._fetched_at, now):
            self._keys = []  # too old, whatever comes of it
        if is_within(RETRY_SECONDS, self._failed_at, now):
            return False
        try:
            keys = in_time(self._fetch_keys, _PATIENCE_WITH_KEYS_SECONDS if self._keys else _PATIENCE_SECONDS)
            self._keys, self._fetched_at = keys, now
        except TROUBLE:
            self._failed_at = self._clock()  # when it was over: an issuer that hangs is not asked again at once
            return False
        return True

    def _fetch_keys(self) -> list[Jwk]:
        keys = keys_of(self._fetch(self._issuer.jwks_uri or self._discover()))
        if not has_use_for(keys, self._issuer.algorithms):
            raise ValueError("there is no key that fits the issuer's algorithms")
        return keys

    def _discover(self) -> str:
        """OpenID Connect Discovery 1.0, 4: the document must be of the very issuer that was asked."""
        document = self._fetch(self._issuer.url.removesuffix("/") + "/.well-known/openid-configuration")
        jwks_uri = document.get("jwks_uri")
        if document.get("issuer") != self._issuer.url or not isinstance(jwks_uri, str):
            raise ValueError("the discovery document is of another issuer, or has no jwks_uri")
        check_url(jwks_uri, self._allow_loopback_http)
        return jwks_uri


def _known(key: Jwk | None) -> Jwk:
    if key is None:
        raise InvalidToken("The token is signed with a key that its issuer does not have.", "unknown_key")
    return key


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer, and where its keys come from."""

    issuer: Issuer
    keys: Keys
