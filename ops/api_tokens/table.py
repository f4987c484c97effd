"""The table of API tokens, as operators change it: create, list, rotate, revoke. `ops/tokens.py` has the commands.

A token itself is returned once, to whoever had it made, and kept nowhere.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from chalicelib.callers.api_tokens.store import CACHE_SECONDS
from chalicelib.callers.api_tokens.stored_token import Network, StoredToken, stored_token
from ops.api_tokens.new_token import KEPT_SECONDS, IssuedToken, check_cidrs, check_tags, check_words, issue, item
from ops.aws.dynamodb import dynamodb_client, explained
from ops.errors import OperationFailed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutTypeDef, TransactWriteItemTypeDef, UpdateTypeDef

DEFAULT_OVERLAP_SECONDS: Final = 86_400


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
            OperationFailed: the table cannot be read.
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
            OperationFailed: an argument is wrong, there is a live token of that name, or the table cannot be written.
        """
        check_words(name, owner)
        check_tags(tags)
        check_cidrs(cidrs)
        now = self.now()
        if self._live(name):
            raise OperationFailed(f"There is a live token {name} already. Rotate or revoke it, or choose another name.")
        issued = issue(name, owner, now, lifetime, tuple(sorted(tags)), tuple(dict.fromkeys(cidrs)))
        with self._asked():
            self._client.put_item(**self._put(issued.stored))
        if len(self._live(name)) > 1:
            self._revoke(issued.stored)
            raise OperationFailed(f"Somebody else made a token {name} at the same moment. Look at `token list`.")
        return issued

    def rotate(self, name: str, overlap: int, lifetime: int) -> IssuedToken:
        """Make a token like a live one, and have the old one end: both, or neither.

        Args:
            overlap: how long the old one goes on, unless it ends sooner by itself.

        Raises:
            OperationFailed: an argument is wrong, no such token is live, or the table cannot be written.
        """
        if overlap < 0:
            raise OperationFailed("The overlap must not be negative.")
        now = self.now()
        live = self._live(name)
        if not live:
            raise OperationFailed(f"No live token is named {name}. `token list` shows all; `token create` makes one.")
        latest = live[0]
        issued = issue(name, latest.owner, now, lifetime, latest.tags, latest.cidrs)
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
            OperationFailed: there is none, or the table cannot be written.
        """
        revoked: list[StoredToken] = []
        # Again until there is none: a rotation that was under way may just have made another one.
        while meant := self._meant(name_or_id):
            revoked += [self._revoke(stored) for stored in meant]
        if not revoked:
            raise OperationFailed(f"No live token has the name or id {name_or_id}. `token list` shows all.")
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
            "Item": item(new),
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
                ":ttl": {"N": str(expires + KEPT_SECONDS)},
            },
        }

    def _asked(self) -> AbstractContextManager[None]:
        """What DynamoDB says within it, in words that help."""
        return explained(self._client, self._table, "Somebody else changed the token at the same moment. Try again.")


def table_name(stage: str) -> str:
    """The table of a deployed stage, as `.chalice/template.json` names it."""
    return f"credvend-{stage}-tokens"


def open_tokens(stage: str, warn: Callable[[str], None]) -> Tokens:
    """The tokens of a stage, with the AWS credentials and the region of the environment.

    Args:
        warn: told of what is wrong with the table and keeps nothing from being done.

    Raises:
        OperationFailed: no region, or a profile that is not there.
    """
    return Tokens(table_name(stage), dynamodb_client(), warn=warn)


def revocation_delay() -> int:
    """Seconds that credvend may still take a token for which it has just taken."""
    return CACHE_SECONDS
