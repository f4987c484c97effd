"""Whose API token is this? The table of tokens in DynamoDB, of which a part is kept in memory for a minute.

The table holds hashes, never tokens: who can read it can use none. Import this module only when such a token comes:
the client of DynamoDB is slow to set up, and no other caller needs one.
"""

import hmac
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from chalicelib.aws.table import ConditionFailed, Table, TableUnavailable
from chalicelib.caching import BoundedCache
from chalicelib.callers.api_tokens.stored_token import StoredToken, stored_token
from chalicelib.callers.api_tokens.token import api_token_id, check_api_token, hash_api_token
from chalicelib.errors import InvalidToken, RefusedToken, TokenStoreUnavailable
from chalicelib.operators_log import tell_operators

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

# A revoked token may go on for up to this long. What people are told names it, too.
CACHE_SECONDS: Final = 60
# Tokens that exist, and as many again that do not: guesses push out other guesses only.
CACHE_TOKENS: Final = 1024
LAST_USED_SECONDS: Final = 3600
# After a read that took longer, nothing is written: a slow table, and then a slow STS (15 s), must together
# still be done within the function's 25 s.
_SLOW_SECONDS: Final = 1


class TokenStore:
    """Finds tokens. Lives as long as the execution environment, and so does what it keeps in memory."""

    def __init__(self, table: Table, clock: Callable[[], float] = time.time) -> None:
        """Nothing is asked yet.

        Args:
            clock: seconds since 1970, UTC. Not a monotonic clock: while Lambda freezes a function, those may stand.
        """
        self._table = table
        self._clock = clock
        self._found = BoundedCache[StoredToken](CACHE_SECONDS, CACHE_TOKENS)
        self._missing = BoundedCache[bool](CACHE_SECONDS, CACHE_TOKENS)

    def token_of(self, token: str, source_ip: str) -> StoredToken:
        """What is known of a token that may be used now, and from there.

        Args:
            token: as the caller sent it.
            source_ip: address of the caller; IPv4 as such, never mapped into IPv6.

        Raises:
            InvalidToken: malformed, unknown, revoked, expired, or sent from somewhere else.
            TokenStoreUnavailable: it is not kept in memory, and the table cannot be asked now.
        """
        check_api_token(token)
        hashed = hash_api_token(token)
        started = self._clock()
        stored, is_kept = self._found.get(hashed, started), True
        try:
            if stored is None:
                stored, is_kept = self._read(hashed, started), False
            now = self._clock()
            _check(stored, source_ip, now)
        except InvalidToken as error:
            name = None if stored is None else stored.name
            raise error.of(RefusedToken(token_id=api_token_id(hashed), token_name=name)) from None
        if not is_kept and now - started < _SLOW_SECONDS:
            self._note_use(stored, int(now))
        return stored

    def _read(self, hashed: str, now: float) -> StoredToken:
        """From the table, unless it is known that there is no such token."""
        if self._missing.get(hashed, now) is None:
            item = self._get_item(hashed)
            stored = None if item is None else self._understood(item)
            # The lookup has compared them already, but what it says is not all that stands between a caller and a role.
            if stored is not None and hmac.compare_digest(stored.hash, hashed):
                self._found.put(hashed, stored, now)
                return stored
            self._missing.put(hashed, True, now)
        raise InvalidToken("The token is not known. It may have expired long ago: ask for a new one.", "unknown_token")

    def _understood(self, item: "Mapping[str, AttributeValueTypeDef]") -> StoredToken:
        try:
            return stored_token(item)
        except ValueError as error:
            tell_operators("table %s: %s", self._table.name, error)
            raise InvalidToken(
                "What is known of the token cannot be read. Tell the operators.", "unknown_token"
            ) from None

    def _get_item(self, hashed: str) -> "Mapping[str, AttributeValueTypeDef] | None":
        try:
            return self._table.get({"hash": {"S": hashed}})
        except TableUnavailable:
            raise TokenStoreUnavailable from None

    def _note_use(self, stored: StoredToken, now: int) -> None:
        """Write when the token was used, if that is due. It helps people to find tokens that nobody needs.

        Only after a read: what is kept in memory is read again long before the next time that it is due.
        """
        before = now - LAST_USED_SECONDS
        if stored.last_used is not None and stored.last_used > before:
            return
        # An item that was deleted meanwhile must not come back; one of many functions is enough.
        with suppress(ConditionFailed, TableUnavailable):
            self._table.update(
                key={"hash": {"S": stored.hash}},
                update="SET #last_used = :now",
                condition="attribute_exists(#hash) AND (attribute_not_exists(#last_used) OR #last_used <= :before)",
                names={"#hash": "hash", "#last_used": "last_used"},
                values={":now": {"N": str(now)}, ":before": {"N": str(before)}},
            )


def _check(stored: StoredToken, source_ip: str, now: float) -> None:
    if stored.revoked_at is not None:
        raise InvalidToken("The token was revoked. Ask for a new one.", "revoked")
    if now >= stored.expires:
        raise InvalidToken("The token has expired. Ask for a new one.", "expired")
    if not stored.is_taken_from(source_ip):
        raise InvalidToken("The token is not taken from this address.", "wrong_address")
