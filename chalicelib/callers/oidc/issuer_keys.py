"""Which keys does an issuer sign with? From a file, or fetched, and kept for a while."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from chalicelib.caching import is_within
from chalicelib.callers.oidc.connection import Deadline
from chalicelib.callers.oidc.fetch import TROUBLE, Fetch
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
PATIENCE_SECONDS: Final = 5
_PATIENCE_WITH_KEYS_SECONDS: Final = 1


class AnotherIssuer(ValueError):
    """The discovery document is of another issuer than the one that was asked.

    Attributes:
        found: what it says.
    """

    def __init__(self, found: object) -> None:
        super().__init__("the discovery document is of another issuer")
        self.found = found


class NoUsefulKey(ValueError):
    """No key fits the issuer's algorithms.

    Attributes:
        keys: those that there are.
    """

    def __init__(self, keys: Sequence[Jwk]) -> None:
        super().__init__("there is no key that fits the issuer's algorithms")
        self.keys = keys


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
        return _chosen(self._keys, key_id, algorithm)


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
        """See `Keys`. The issuer is asked once at most: whoever has waited for it does not wait again."""
        now = self._clock()
        if not is_within(KEYS_KEPT_IN_AN_OUTAGE_SECONDS, self._fetched_at, now):
            self._keys = []  # too old, whatever comes of it
        if not is_within(KEYS_KEPT_SECONDS, self._fetched_at, now):
            self._refresh(now)
        elif self._may_look_for(key_id, algorithm, now) and self._refresh(now):
            self._looked_for_unknown_at = now
        try:
            return _chosen(self._keys, key_id, algorithm)
        except InvalidToken:
            if self._fetched_at < self._failed_at:
                raise IssuerUnavailable(self._issuer.name) from None  # it may have such a key by now: nobody knows
            raise

    def _may_look_for(self, key_id: str | None, algorithm: str, now: float) -> bool:
        looked_lately = is_within(UNKNOWN_KEY_SECONDS, self._looked_for_unknown_at, now)
        return not looked_lately and choose(self._keys, key_id, algorithm) is None

    def _refresh(self, now: float) -> bool:
        """Fetch the keys, if it may be tried now. Who has keys that are good enough does not wait long for better."""
        if is_within(RETRY_SECONDS, self._failed_at, now):
            return False
        deadline = Deadline(_PATIENCE_WITH_KEYS_SECONDS if self._keys else PATIENCE_SECONDS)
        try:
            keys = fetch_keys(self._issuer, self._fetch, deadline, self._allow_loopback_http)
        except TROUBLE:
            self._failed_at = self._clock()  # when it was over: an issuer that hangs is not asked again at once
            return False
        self._keys, self._fetched_at = keys, now
        return True


def fetch_keys(issuer: Issuer, fetch: Fetch, deadline: Deadline, allow_loopback_http: bool) -> list[Jwk]:
    """An issuer's keys, from where it is configured or said that they are.

    Raises:
        TROUBLE: they could not be had in time, or are of no use.
    """
    keys = keys_of(fetch(issuer.jwks_uri or _discover(issuer, fetch, deadline, allow_loopback_http), deadline))
    if not has_use_for(keys, issuer.algorithms):
        raise NoUsefulKey(keys)
    return keys


def discovery_url(issuer: Issuer) -> str:
    """Where an issuer describes itself: OpenID Connect Discovery 1.0, 4."""
    return issuer.url.removesuffix("/") + "/.well-known/openid-configuration"


def _discover(issuer: Issuer, fetch: Fetch, deadline: Deadline, allow_loopback_http: bool) -> str:
    """OpenID Connect Discovery 1.0, 4.3: the document must be of the very issuer that was asked."""
    document = fetch(discovery_url(issuer), deadline)
    jwks_uri = document.get("jwks_uri")
    if document.get("issuer") != issuer.url:
        raise AnotherIssuer(document.get("issuer"))
    if not isinstance(jwks_uri, str):
        raise ValueError("the discovery document has no jwks_uri")
    try:
        check_url(jwks_uri, allow_loopback_http)
    except ValueError as error:
        raise ValueError(f"the discovery document's jwks_uri {error}") from None
    return jwks_uri


def _chosen(keys: Sequence[Jwk], key_id: str | None, algorithm: str) -> Jwk:
    key = choose(keys, key_id, algorithm)
    if key is not None:
        return key
    if key_id is None and has_use_for(keys, (algorithm,)):
        raise InvalidToken(
            f"The token's header has no kid, and its issuer has several keys for {algorithm}: which of them has signed "
            "it cannot be told. Such tokens need a kid.",
            "unknown_key",
        )
    raise InvalidToken("The token is signed with a key that its issuer does not have.", "unknown_key")


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer, and where its keys come from."""

    issuer: Issuer
    keys: Keys
