"""The table of API tokens, as operators change it: create, list, rotate, revoke. `ops/admin.py` is the command line.

A token itself is returned once, to whoever had it made, and kept nowhere.
"""

import ipaddress
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from chalicelib.callers.api_tokens.store import CACHE_SECONDS
from chalicelib.callers.api_tokens.stored_token import Network, StoredToken, stored_token
from chalicelib.callers.api_tokens.token import hash_api_token, new_api_token

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, PutTypeDef, TransactWriteItemTypeDef, UpdateTypeDef

MAXIMUM_LIFETIME_SECONDS: Final = 365 * 86_400
DEFAULT_OVERLAP_SECONDS: Final = 86_400
# How long the list still shows what has expired, before DynamoDB deletes it.
_KEPT_SECONDS: Final = 30 * 86_400
_MAXIMUM_OWNER_CHARACTERS: Final = 128
_MAXIMUM_TAGS: Final = 32
_MAXIMUM_CIDRS: Final = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{12}", re.ASCII)
_TAG_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,63}", re.ASCII)
_MAXIMUM_TAG_CHARACTERS: Final = 256


class TokensFailed(Exception):
    """The operation was not carried out; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, and what is stored of it. The token stays out of `repr`, and so out of logs and tracebacks."""

    token: str = field(repr=False)
    stored: StoredToken


class Tokens:
    """The tokens of one table. Times and durations are seconds."""

    def __init__(
        self,
        table: str,
        client: "DynamoDBClient",
        clock: Callable[[], float] = time.time,
        warn: Callable[[str], None] = lambda _message: None,
    ) -> None:
        """Nothing is asked yet.

        Args:
            clock: seconds since 1970, UTC.
            warn: told of what is wrong with the table and keeps nothing from being done.
        """
        self._warn = warn
        self._table = table
        self._client = client
        self._clock = clock

    def now(self) -> int:
        """Whole seconds since 1970, UTC: by what is live and what has ended."""
        return int(self._clock())

    def list_all(self) -> list[StoredToken]:
        """All that the table holds and can be read, also what is revoked or has expired: by name, the latest first.

        Raises:
            TokensFailed: the table cannot be read.
        """
        pages = self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True)
        found: list[StoredToken] = []
        with self._asked():
            for item in (item for page in pages for item in page["Items"]):
                try:
                    found.append(stored_token(item))
                except ValueError as error:  # it must not keep anybody from revoking another one
                    self._warn(f"In table {self._table}, {error}. Nobody can use it: delete the item.")
        return sorted(found, key=lambda stored: (stored.name, -stored.created, stored.hash))

    def create(
        self,
        name: str,
        owner: str,
        lifetime: int,
        tags: Sequence[tuple[str, str]] = (),
        cidrs: Sequence[Network] = (),
    ) -> IssuedToken:
        """Make a token.

        Args:
            cidrs: where it is taken from; none: from everywhere.

        Raises:
            TokensFailed: an argument is wrong, there is a live token of that name, or the table cannot be written.
        """
        _check_words(name, owner)
        _check_tags(tags)
        _check_cidrs(cidrs)
        now = self.now()
        if self._live(name):
            raise TokensFailed(f"There is a live token {name} already. Rotate or revoke it, or choose another name.")
        issued = _issue(name, owner, now, lifetime, tuple(sorted(tags)), tuple(dict.fromkeys(cidrs)))
        with self._asked():
            self._client.put_item(**self._put(issued.stored))
        if len(self._live(name)) > 1:
            self._revoke(issued.stored)
            raise TokensFailed(f"Somebody else made a token {name} at the same moment. Look at `token list`.")
        return issued

    def rotate(self, name: str, overlap: int, lifetime: int) -> IssuedToken:
        """Make a token like a live one, and have the old one end: both, or neither.

        Args:
            overlap: how long the old one goes on, unless it ends sooner by itself.

        Raises:
            TokensFailed: an argument is wrong, no such token is live, or the table cannot be written.
        """
        if overlap < 0:
            raise TokensFailed("The overlap must not be negative.")
        now = self.now()
        live = self._live(name)
        if not live:
            raise TokensFailed(f"No live token is named {name}. `token list` shows all; `token create` makes one.")
        latest = live[0]
        issued = _issue(name, latest.owner, now, lifetime, latest.tags, latest.cidrs)
        writes: list[TransactWriteItemTypeDef] = [{"Put": self._put(issued.stored)}]
        writes += [{"Update": self._end(old, min(old.expires, now + overlap))} for old in live]
        with self._asked():
            self._client.transact_write_items(TransactItems=writes)
        return issued

    def revoke(self, name_or_id: str) -> list[StoredToken]:
        """Revoke the token of that id, or all live tokens of that name.

        Returns:
            Those that were live until now.

        Raises:
            TokensFailed: there is none, or the table cannot be written.
        """
        revoked: list[StoredToken] = []
        # Again until there is none: a rotation that was under way may just have made another one.
        while meant := self._meant(name_or_id):
            revoked += [self._revoke(stored) for stored in meant]
        if not revoked:
            raise TokensFailed(f"No live token has the name or id {name_or_id}. `token list` shows all.")
        return revoked

    def _meant(self, name_or_id: str) -> list[StoredToken]:
        now = self.now()
        live = [stored for stored in self.list_all() if stored.is_live(now)]
        return [stored for stored in live if name_or_id in (stored.id, stored.name)]

    def _revoke(self, stored: StoredToken) -> StoredToken:
        now = self.now()
        with self._asked():
            self._client.update_item(
                TableName=self._table,
                Key={"hash": {"S": stored.hash}},
                UpdateExpression="SET #revoked_at = :now",
                ConditionExpression="attribute_exists(#hash)",
                ExpressionAttributeNames={"#hash": "hash", "#revoked_at": "revoked_at"},
                ExpressionAttributeValues={":now": {"N": str(now)}},
            )
        return replace(stored, revoked_at=now)

    def _live(self, name: str) -> list[StoredToken]:
        """The live tokens of a name, the latest first: several while a rotation lasts."""
        now = self.now()
        return [stored for stored in self.list_all() if stored.name == name and stored.is_live(now)]

    def _put(self, new: StoredToken) -> "PutTypeDef":
        return {
            "TableName": self._table,
            "Item": _item(new),
            "ConditionExpression": "attribute_not_exists(#hash)",
            "ExpressionAttributeNames": {"#hash": "hash"},
        }

    def _end(self, old: StoredToken, expires: int) -> "UpdateTypeDef":
        return {
            "TableName": self._table,
            "Key": {"hash": {"S": old.hash}},
            "UpdateExpression": "SET #expires = :expires, #ttl = :ttl",
            # Deleted meanwhile, it must not come back; revoked meanwhile, its name must get no new token.
            "ConditionExpression": "attribute_exists(#hash) AND attribute_not_exists(#revoked_at)",
            "ExpressionAttributeNames": {
                "#hash": "hash",
                "#expires": "expires",
                "#ttl": "ttl",
                "#revoked_at": "revoked_at",
            },
            "ExpressionAttributeValues": {
                ":expires": {"N": str(expires)},
                ":ttl": {"N": str(expires + _KEPT_SECONDS)},
            },
        }

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """What DynamoDB and the AWS client say, in words that help."""
        try:
            yield
        except NoCredentialsError:
            raise TokensFailed("No AWS credentials: set AWS_PROFILE, or sign in.") from None
        except ClientError as error:
            said = error.response.get("Error", {})
            match said.get("Code"):
                case "ResourceNotFoundException":
                    raise TokensFailed(
                        f"There is no table {self._table} in {self._client.meta.region_name}, in the account of your "
                        "credentials. Choose another stage (--stage), region (AWS_REGION) or profile (AWS_PROFILE), "
                        "or deploy the stage first."
                    ) from None
                case "TransactionCanceledException" | "ConditionalCheckFailedException":
                    raise TokensFailed("Somebody else changed the token at the same moment. Try again.") from None
            raise TokensFailed(f"{said.get('Code', 'Unknown')} on table {self._table}: {said.get('Message')}") from None
        except BotoCoreError as error:
            raise TokensFailed(f"DynamoDB cannot be reached: {error}") from None


def table_name(stage: str) -> str:
    """The table of a deployed stage, as `.chalice/template.json` names it."""
    return f"credvend-{stage}-tokens"


def open_tokens(stage: str, warn: Callable[[str], None]) -> Tokens:
    """The tokens of a stage, with the AWS credentials and the region of the environment.

    Args:
        warn: told of what is wrong with the table and keeps nothing from being done.

    Raises:
        TokensFailed: no region, or a profile that is not there.
    """
    try:
        client = boto3.client("dynamodb", config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    except NoRegionError:
        raise TokensFailed("No region: set AWS_REGION, or `region` in your AWS profile.") from None
    except BotoCoreError as error:
        raise TokensFailed(f"Your AWS configuration does not work: {error}") from None
    return Tokens(table_name(stage), client, warn=warn)


def revocation_delay() -> int:
    """Seconds that credvend may still take a token for which it has just taken."""
    return CACHE_SECONDS


def _issue(
    name: str, owner: str, now: int, lifetime: int, tags: tuple[tuple[str, str], ...], cidrs: tuple[Network, ...]
) -> IssuedToken:
    if not 0 < lifetime <= MAXIMUM_LIFETIME_SECONDS:
        raise TokensFailed("A token must expire, after 365d at the most.")
    token = new_api_token()
    stored = StoredToken(
        hash=hash_api_token(token),
        name=name,
        owner=owner,
        tags=tags,
        created=now,
        expires=now + lifetime,
        revoked_at=None,
        last_used=None,
        cidrs=cidrs,
    )
    return IssuedToken(token, stored)


def _check_words(name: str, owner: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise TokensFailed(
            f"{name!r} is no name for a token: take at most 64 letters, digits, `_`, `.` or `-`, the first a letter or "
            "digit."
        )
    if _ID.fullmatch(name):
        raise TokensFailed(f"{name!r} is no name for a token: it looks like the id of one. Choose another.")
    if not (0 < len(owner) <= _MAXIMUM_OWNER_CHARACTERS and owner.isprintable() and owner == owner.strip()):
        raise TokensFailed(f"The owner must be printable text of at most {_MAXIMUM_OWNER_CHARACTERS} characters.")


def _check_tags(tags: Sequence[tuple[str, str]]) -> None:
    keys = [key for key, _ in tags]
    for key, value in tags:
        if _TAG_KEY.fullmatch(key) is None:
            raise TokensFailed(
                f"{key!r} is no key of a tag: take at most 64 letters, digits, `_`, `.`, `:`, `/` or `-`, the first a "
                "letter or `_`."
            )
        if not (0 < len(value) <= _MAXIMUM_TAG_CHARACTERS and value.isprintable()):
            raise TokensFailed(
                f"The value of tag {key} must be printable text of at most {_MAXIMUM_TAG_CHARACTERS} characters."
            )
        if keys.count(key) > 1:
            raise TokensFailed(f"Tag {key} is there twice.")
    if len(tags) > _MAXIMUM_TAGS:
        raise TokensFailed(f"A token has at most {_MAXIMUM_TAGS} tags.")


def _check_cidrs(cidrs: Sequence[Network]) -> None:
    for cidr in cidrs:
        # credvend sees such addresses as IPv4: the network would let nobody in.
        if isinstance(cidr, ipaddress.IPv6Network) and cidr.network_address.ipv4_mapped is not None:
            raise TokensFailed(f"{cidr} is IPv4 within IPv6. Write it as IPv4.")
    if len(cidrs) > _MAXIMUM_CIDRS:
        raise TokensFailed(f"A token has at most {_MAXIMUM_CIDRS} networks.")


def _item(stored: StoredToken) -> "dict[str, AttributeValueTypeDef]":
    """A new token as the table holds it; what `chalicelib.callers.api_tokens.store.stored_token` reads."""
    return {
        "hash": {"S": stored.hash},
        "name": {"S": stored.name},
        "owner": {"S": stored.owner},
        "tags": {"M": {key: {"S": value} for key, value in stored.tags}},
        "cidrs": {"L": [{"S": str(cidr)} for cidr in stored.cidrs]},
        "created": {"N": str(stored.created)},
        "expires": {"N": str(stored.expires)},
        "ttl": {"N": str(stored.expires + _KEPT_SECONDS)},
    }
