"""Which keys does an issuer sign with? Its JWKS (RFC 7517): from a file, or fetched, and kept for a while."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, Protocol

import urllib3

from chalicelib.configuration.issuers_file import Issuer, check_issuers, check_url, read_issuers
from chalicelib.errors import ConfigError, InvalidToken, IssuerUnavailable
from chalicelib.text.strict_json import json_object

Jwk = Mapping[str, object]
Fetch = Callable[[str], dict[str, object]]

FRESH_SECONDS: Final = 600
STALE_SECONDS: Final = 86_400
# An attacker's tokens may name any key: for all of them together, one look in a minute.
UNKNOWN_KEY_SECONDS: Final = 60
# How soon an issuer that did not answer is asked again, so that its trouble does not become every caller's.
RETRY_SECONDS: Final = 10
# For discovery and keys together. With the slowest STS after it (15 s), it must end within the function's 25 s.
_PATIENCE_SECONDS: Final = 5
_PATIENCE_WITH_KEYS_SECONDS: Final = 1
_TROUBLE: Final = (OSError, ValueError, urllib3.exceptions.HTTPError)
_CONNECT_SECONDS: Final = 2
_READ_SECONDS: Final = 3
_WHOLE_SECONDS: Final = 5
_MAXIMUM_BYTES: Final = 262_144
_CHUNK_BYTES: Final = 16_384
# A key with one of these is a secret that got out: whoever published it may not be the only one who has it.
_PRIVATE: Final = frozenset({"d", "k", "p", "q", "dp", "dq", "qi", "oth"})
_ACCEPT: Final = {"Accept": "application/json"}
_KEY_TYPES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES: Final = {"ES256": ("P-256",), "ES384": ("P-384",), "ES512": ("P-521",), "EdDSA": ("Ed25519", "Ed448")}


class Keys(Protocol):
    """Where the keys of one issuer come from."""

    def find(self, key_id: str | None, algorithm: str) -> Jwk:
        """The key that a token was signed with.

        Raises:
            InvalidToken: the issuer has no such key.
            IssuerUnavailable: its keys are not known, and cannot be fetched now.
        """


class FixedKeys:
    """Keys from the configuration."""

    def __init__(self, keys: Sequence[Jwk]) -> None:
        self._keys = keys

    def find(self, key_id: str | None, algorithm: str) -> Jwk:
        return _must_be(choose(self._keys, key_id, algorithm))


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

    def find(self, key_id: str | None, algorithm: str) -> Jwk:
        now = self._clock()
        if not _is_within(FRESH_SECONDS, self._fetched_at, now):
            self._refresh(now)
        key = choose(self._keys, key_id, algorithm)
        looked_lately = _is_within(UNKNOWN_KEY_SECONDS, self._looked_for_unknown_at, now)
        if key is None and self._fetched_at != now and not looked_lately:
            if self._refresh(now):
                self._looked_for_unknown_at = now
            key = choose(self._keys, key_id, algorithm)
        if key is None and self._fetched_at < self._failed_at:
            raise IssuerUnavailable(self._issuer.name)  # it may have such a key by now: nobody knows
        return _must_be(key)

    def _refresh(self, now: float) -> bool:
        """Fetch the keys, if it may be tried now. Who has keys that are good enough does not wait long for better."""
        if _is_within(RETRY_SECONDS, self._failed_at, now):
            return False
        try:
            keys = _in_time(self._fetch_keys, _PATIENCE_WITH_KEYS_SECONDS if self._keys else _PATIENCE_SECONDS)
            self._keys, self._fetched_at = keys, now
        except _TROUBLE:
            self._failed_at = self._clock()  # when it was over: an issuer that hangs is not asked again at once
            if not _is_within(STALE_SECONDS, self._fetched_at, now):
                self._keys = []
            return False
        return True

    def _fetch_keys(self) -> list[Jwk]:
        keys = keys_of(self._fetch(self._issuer.jwks_uri or self._discover()))
        if not _has_use_for(self._issuer, keys):
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


def _in_time(work: Callable[[], list[Jwk]], seconds: float) -> list[Jwk]:
    """What work returns, if it is done in time. No timeout of a connection bounds slow look-ups, addresses and headers.

    Raises:
        TimeoutError: it is not; it goes on by itself, and what becomes of it is thrown away.
    """
    answers: SimpleQueue[list[Jwk] | Exception] = SimpleQueue()

    def run() -> None:
        try:
            answers.put(work())
        except _TROUBLE as error:
            answers.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError("it took too long") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _is_within(seconds: float, then: float, now: float) -> bool:
    """Whether a moment is so long ago at the most. Of a clock that was set back, nothing is: that prolongs nothing."""
    return 0 <= now - then < seconds


def keys_of(document: dict[str, object]) -> list[Jwk]:
    """The keys of a JWKS document.

    Raises:
        ValueError: it is none.
    """
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise ValueError("a JWKS must hold a list keys")
    return [key for key in keys if isinstance(key, dict)]


def choose(keys: Sequence[Jwk], key_id: str | None, algorithm: str) -> Jwk | None:
    """The key of that id that fits the algorithm; for a token that names none, the only key that fits."""
    fitting = [key for key in keys if _fits(key, algorithm) and (key_id is None or key.get("kid") == key_id)]
    return fitting[0] if fitting and (key_id is not None or len(fitting) == 1) else None


def _has_use_for(issuer: Issuer, keys: Sequence[Jwk]) -> bool:
    """Whether any of the keys fits an algorithm that the issuer is trusted for."""
    return any(_fits(key, algorithm) for key in keys for algorithm in issuer.algorithms)


def _fits(key: Jwk, algorithm: str) -> bool:
    operations = key.get("key_ops", ["verify"])
    return (
        key.get("kty") == _KEY_TYPES[algorithm[:2]]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and isinstance(operations, list)
        and "verify" in operations
        and _PRIVATE.isdisjoint(key)
        and (algorithm not in _CURVES or key.get("crv") in _CURVES[algorithm])
    )


def _must_be(key: Jwk | None) -> Jwk:
    if key is None:
        raise InvalidToken("The token is signed with a key that its issuer does not have.", "unknown_key")
    return key


def fetch_json(url: str) -> dict[str, object]:
    """GET a JSON object: no redirects, no retries, at most 256 KiB and 5 seconds.

    Raises:
        OSError, ValueError, urllib3.exceptions.HTTPError: it could not be had.
    """
    deadline = time.monotonic() + _WHOLE_SECONDS
    timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
    with (
        urllib3.PoolManager(retries=False, timeout=timeout) as pool,
        pool.request("GET", url, redirect=False, preload_content=False, headers=_ACCEPT) as answer,
    ):
        if answer.status != 200:
            raise ValueError(f"answered {answer.status}")
        body = b""
        while chunk := answer.read1(_CHUNK_BYTES):  # what has come so far, so that a slow answer is noticed
            body += chunk
            if len(body) > _MAXIMUM_BYTES or time.monotonic() > deadline:
                raise ValueError("answered too much, or too slowly")
    return json_object(body)


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer, and where its keys come from."""

    issuer: Issuer
    keys: Keys


def load_trusted_issuers(config: Path, allow_loopback_http: bool) -> dict[str, TrustedIssuer]:
    """The issuers of a configuration directory, by their URL.

    Raises:
        ConfigError: one line for every problem found.
    """
    return trusted_issuers(config, read_issuers(config / "issuers.yaml"), allow_loopback_http)


def trusted_issuers(config: Path, entries: list[object], allow_loopback_http: bool) -> dict[str, TrustedIssuer]:
    """The issuers of some entries of issuers.yaml, by their URL.

    Raises:
        ConfigError: one line for every problem found.
    """
    issuers = check_issuers(config / "issuers.yaml", entries, allow_loopback_http)
    return {issuer.url: TrustedIssuer(issuer, load_keys(issuer, config, allow_loopback_http)) for issuer in issuers}


def load_keys(issuer: Issuer, config: Path, allow_loopback_http: bool) -> Keys:
    """Where the keys of an issuer come from, as the configuration says. Nothing is fetched yet.

    Raises:
        ConfigError: its `jwks_file` is not a JWKS with a key for its algorithms.
    """
    if issuer.jwks_file is None:
        return FetchedKeys(issuer, fetch_json, allow_loopback_http)
    try:
        keys = keys_of(json_object((config / issuer.jwks_file).read_bytes()))
        if any("d" in key for key in keys):
            raise ValueError("it holds a private key, which must never leave its issuer")
    except (OSError, ValueError) as error:
        raise ConfigError([f"{issuer.jwks_file}: {error}"]) from None
    if not _has_use_for(issuer, keys):
        raise ConfigError([f"{issuer.jwks_file}: no key in it fits the algorithms of issuer {issuer.name!r}"])
    return FixedKeys(keys)
