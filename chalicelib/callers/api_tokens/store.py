"""Whose API token is this? The table of tokens in DynamoDB, of which a part is kept in memory for a minute.

The table holds hashes, never tokens: who can read it can use none. Import this module only when such a token comes:
the client of DynamoDB is slow to set up, and no other caller needs one.
"""

import hmac
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from chalicelib.aws.client import client_config, session
from chalicelib.callers.api_tokens.token import api_token_id, check_api_token, hash_api_token
from chalicelib.errors import InvalidToken, TokenStoreUnavailable
from chalicelib.operators_log import tell_operators

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# How long a revoked token may go on at the most. What people are told names it, too.
CACHE_SECONDS: Final = 60
# Of those that exist, and as many again of those that do not: guesses push out other guesses only.
CACHE_TOKENS: Final = 1024
LAST_USED_SECONDS: Final = 3600
# Two attempts of at most 1 s + 2 s, and at most 1 s of back-off, end after 7 s at the worst.
CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 2
ATTEMPTS: Final = 2
# After a read that took longer, nothing is written: a slow table, and then a slow STS (15 s), must together
# still be done within the function's 25 s.
_SLOW_SECONDS: Final = 1

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class StoredToken:
    """What is known of a token. Times are whole seconds since 1970, UTC.

    Attributes:
        hash: of the token; the table's key.
        name: shared by a token and those that it was rotated to: whose policies and sessions they have.
        owner: who answers for it, for people.
        tags: for policies.
        expires: from then on it is worth nothing.
        revoked_at: from when on it was not to be taken any more, or None.
        last_used: about when it was last taken, to within `LAST_USED_SECONDS`; None: never.
        cidrs: where it is taken from; none: from everywhere.
    """

    hash: str = field(repr=False)
    name: str
    owner: str
    tags: tuple[tuple[str, str], ...]
    created: int
    expires: int
    revoked_at: int | None
    last_used: int | None
    cidrs: tuple[Network, ...]

    @property
    def id(self) -> str:
        """The public name of this one token."""
        return api_token_id(self.hash)

    def is_live(self, now: float) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and now < self.expires

    def is_taken_from(self, source_ip: str) -> bool:
        """Whether it may be used from an address."""
        # An address of the other IP version is in none of the networks.
        return not self.cidrs or any(ipaddress.ip_address(source_ip) in network for network in self.cidrs)


class TokenStore:
    """Finds tokens. Lives as long as the execution environment, and so does what it keeps in memory."""

    def __init__(self, table_name: str, client: "DynamoDBClient", clock: Callable[[], float] = time.time) -> None:
        """Nothing is asked yet.

        Args:
            clock: seconds since 1970, UTC. Not a monotonic clock: while Lambda freezes a function, those may stand.
        """
        self._table_name = table_name
        self._client = client
        self._clock = clock
        self._found = _Kept[StoredToken]()
        self._missing = _Kept[bool]()

    def find(self, token: str, source_ip: str) -> StoredToken:
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
            error.token_id, error.token_name = api_token_id(hashed), None if stored is None else stored.name
            raise
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
            tell_operators("table %s: %s", self._table_name, error)
            raise InvalidToken(
                "What is known of the token cannot be read. Tell the operators.", "unknown_token"
            ) from None

    def _get_item(self, hashed: str) -> "Mapping[str, AttributeValueTypeDef] | None":
        try:
            answer = self._client.get_item(
                TableName=self._table_name,
                Key={"hash": {"S": hashed}},
                ConsistentRead=True,  # else a token that was just made could be kept as missing
            )
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            self._log("GetItem", error)
            raise TokenStoreUnavailable from None
        return answer.get("Item")

    def _note_use(self, stored: StoredToken, now: int) -> None:
        """Write when the token was used, if that is due. It helps people to find tokens that nobody needs.

        Only after a read: what is kept in memory is read again long before the next time that it is due.
        """
        before = now - LAST_USED_SECONDS
        if stored.last_used is not None and stored.last_used > before:
            return
        try:
            self._client.update_item(
                TableName=self._table_name,
                Key={"hash": {"S": stored.hash}},
                UpdateExpression="SET #last_used = :now",
                # An item that was deleted meanwhile must not come back; one of many functions is enough.
                ConditionExpression=(
                    "attribute_exists(#hash) AND (attribute_not_exists(#last_used) OR #last_used <= :before)"
                ),
                ExpressionAttributeNames={"#hash": "hash", "#last_used": "last_used"},
                ExpressionAttributeValues={":now": {"N": str(now)}, ":before": {"N": str(before)}},
            )
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            if _code(error) != "ConditionalCheckFailedException":
                self._log("UpdateItem", error)

    def _log(self, operation: str, error: Exception) -> None:
        # Not the message: it may hold anything.
        tell_operators("%s on table %s failed: %s", operation, self._table_name, _code(error))


class _Kept(Generic[_Value]):
    """Values that are believed for `CACHE_SECONDS`; of more than `CACHE_TOKENS`, the latest."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[float, _Value]] = OrderedDict()

    def get(self, key: str, now: float) -> _Value | None:
        read_at, value = self._values.get(key, (float("-inf"), None))
        # A clock that was set back must not make anything last longer.
        return value if 0 <= now - read_at < CACHE_SECONDS else None

    def put(self, key: str, value: _Value, now: float) -> None:
        self._values.pop(key, None)
        self._values[key] = (now, value)
        if len(self._values) > CACHE_TOKENS:
            self._values.popitem(last=False)


def dynamodb_client(region: str) -> "DynamoDBClient":
    """A client for `TokenStore`; keep it, and the connection stays open between requests."""
    config = client_config(region, CONNECT_SECONDS, READ_SECONDS, ATTEMPTS)
    return cast("DynamoDBClient", session().create_client("dynamodb", config=config))


def stored_token(item: "Mapping[str, AttributeValueTypeDef]") -> StoredToken:
    """What an item of the table says.

    Raises:
        ValueError: it is not as `ops.tokens` writes them; says which.
    """
    try:
        return StoredToken(
            hash=item["hash"]["S"],
            name=item["name"]["S"],
            owner=item["owner"]["S"],
            tags=tuple((key, value["S"]) for key, value in sorted(item["tags"]["M"].items())),
            created=int(item["created"]["N"]),
            expires=int(item["expires"]["N"]),
            revoked_at=int(item["revoked_at"]["N"]) if "revoked_at" in item else None,
            # The function may write it, and nothing else; so it must not decide whether the rest is believed.
            last_used=int(item["last_used"]["N"]) if "N" in item.get("last_used", {}) else None,
            cidrs=tuple(ipaddress.ip_network(cidr["S"]) for cidr in item["cidrs"]["L"]),
        )
    except (KeyError, ValueError) as error:
        shown = api_token_id(item.get("hash", {}).get("S", "?"))
        raise ValueError(f"the item of token {shown} cannot be read ({type(error).__name__}: {error})") from None


def _check(stored: StoredToken, source_ip: str, now: float) -> None:
    if stored.revoked_at is not None:
        raise InvalidToken("The token was revoked. Ask for a new one.", "revoked")
    if now >= stored.expires:
        raise InvalidToken("The token has expired. Ask for a new one.", "expired")
    if not stored.is_taken_from(source_ip):
        raise InvalidToken("The token is not taken from this address.", "wrong_address")


def _code(error: Exception) -> str:
    """What the table answered, or how it could not be reached."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__
