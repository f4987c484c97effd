"""The keys of issuers, as STS finds them: over HTTPS, by the discovery document, kept for a while.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html,
https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Final, cast
from urllib.parse import urlsplit

from local.strict.jwt_rules import Json

DISCOVERY: Final = "/.well-known/openid-configuration"
# How long AWS waits and keeps is not known; people report that it gives up on slow providers:
# https://github.com/aws/aws-cli/issues/7194. Both documents together have this time.
SECONDS: Final = 5.0
KEPT_SECONDS: Final = 300.0
_MOST_BYTES: Final = 1_000_000
_BYTES_AT_ONCE: Final = 8192
# Of each kind, as people report it: https://github.com/spiffe/spire/issues/4699
_MOST_KEYS: Final = 100
_HTTP_OK: Final = 200

# Where an https URL is on this machine, as `http://127.0.0.1:PORT/...`, or None: nowhere.
Resolve = Callable[[str], str | None]


class Unreachable(Exception):
    """There is no such document, or not in time."""


@dataclass(slots=True)
class KeySets:
    """Keeps the keys of each issuer for a while, and asks anew for one that it does not know.

    Attributes:
        seconds: for both documents together.
        clock: seconds that only go up.
    """

    resolve: Resolve
    seconds: float = SECONDS
    clock: Callable[[], float] = time.monotonic
    _kept: dict[str, tuple[float, Sequence[Json]]] = field(default_factory=dict)

    def find(self, issuer: str, kid: object) -> Sequence[Json]:
        """The keys of an issuer.

        Args:
            kid: that is looked for; where it is not among those that are kept, they are fetched anew.

        Raises:
            Unreachable: there are none, or not in time.
        """
        since, keys = self._kept.get(issuer, (float("-inf"), ()))
        if self.clock() - since < KEPT_SECONDS and any(key.get("kid") == kid for key in keys):
            return keys
        keys = self._fetched(issuer)
        self._kept[issuer] = (self.clock(), keys)
        return keys

    def _fetched(self, issuer: str) -> Sequence[Json]:
        ends = self.clock() + self.seconds
        found = self._document(issuer + DISCOVERY, ends)
        address = found.get("jwks_uri")
        # The issuer must be the very one that was asked: OpenID Connect Discovery 1.0, 4.3.
        if found.get("issuer") != issuer or not isinstance(address, str):
            raise Unreachable("the discovery document is another's")
        keys = self._document(address, ends).get("keys")
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise Unreachable("no key set")
        if max(Counter(str(key.get("kty")) for key in keys).values(), default=0) > _MOST_KEYS:
            raise Unreachable("too many keys")
        return cast(list[Json], keys)

    def _document(self, url: str, ends: float) -> Json:
        address = self.resolve(url) if url.startswith("https://") else None
        if address is None:
            raise Unreachable("no such host")
        try:
            parsed = json.loads(_fetch(address, ends, self.clock))
        except (OSError, HTTPException, ValueError) as error:
            raise Unreachable(type(error).__name__) from None
        if not isinstance(parsed, dict):
            raise Unreachable("no JSON object")
        return cast(Mapping[str, object], parsed)


def _fetch(address: str, ends: float, clock: Callable[[], float]) -> bytes:
    """What a loopback server answers; redirects are not followed.

    Raises:
        OSError, HTTPException: it cannot be reached, or answers something else, or too much, or too late.
    """
    parts = urlsplit(address)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=_left(ends, clock))
    try:
        connection.request("GET", parts.path, headers={"Accept": "application/json"})
        sock = connection.sock
        sock.settimeout(_left(ends, clock))
        answer = connection.getresponse()
        if answer.status != _HTTP_OK:
            raise HTTPException(f"status {answer.status}")
        body = b""
        # In parts: each wait is bounded, and so is their sum.
        while part := answer.read1(_BYTES_AT_ONCE):
            body += part
            if len(body) > _MOST_BYTES:
                raise HTTPException("too long")
            left = _left(ends, clock)
            with suppress(OSError):  # the whole answer may be here already, and the socket closed
                sock.settimeout(left)
        return body
    finally:
        connection.close()


def _left(ends: float, clock: Callable[[], float]) -> float:
    left = ends - clock()
    if left <= 0:
        raise TimeoutError
    return left
