"""The table of API tokens, as operators change it: create, list, rotate, revoke (ops/commands/tokens.py).

A token itself is returned once, to whoever had it made, and kept nowhere.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from chalicelib.callers.api_tokens.store import CACHE_SECONDS
from chalicelib.callers.api_tokens.stored_token import Network, StoredToken, stored_token
from ops.api_tokens.new_token import KEPT_SECONDS, IssuedToken, check_cidrs, check_tags, check_words, issue, item
from ops.aws.aws_clock import AwsClock
from ops.aws.caller_identity import caller_arn
from ops.aws.dynamodb import dynamodb_client, explained
from ops.aws.region import find_region
from ops.errors import CommandFailed, OperationFailed
from ops.stages.names import TABLE, table_name

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, PutTypeDef, TransactWriteItemTypeDef, UpdateTypeDef

    Changes = dict[str, AttributeValueTypeDef]

DEFAULT_OVERLAP_SECONDS: Final = 86_400
# AWS takes no request that was signed by a clock that differs by more:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
_CLOCKS_DIFFER_SECONDS: Final = 300


class Tokens:
    """The tokens of one table. Times and durations are seconds."""

    def __init__(
        self,
        table: str,
        client: "DynamoDBClient",
        who: Callable[[], str],
        clock: Callable[[], float] = time.time,
        warn: Callable[[str], None] = lambda _message: None,
    ) -> None:
        """Nothing is asked yet.

        Args:
            who: the ARN of the operator, which is kept with what is done; raises `OperationFailed`.
            clock: seconds since 1970, UTC, by this computer; AWS's own clock is gone by once the table has answered.
            warn: told of what is wrong and keeps nothing from being done.
        """
        self._warn = warn
        self._table = table
        self._client = client
        self._who = who
        self._clock = AwsClock(clock, warn)

    def now(self) -> int:
        """Whole seconds since 1970, UTC: by what is live and what has ended. As credvend's clock, which is AWS's."""
        return self._clock.now()

    def list_all(self) -> list[StoredToken]:
        """All that the table holds and can be read, also what is revoked or has expired: by name, the latest first.

        Raises:
            OperationFailed: the table cannot be read.
        """
        pages = self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True)
        found: list[StoredToken] = []
        with self._asked():
            for page in pages:
                self._clock.hear(cast(Mapping[str, object], page))
                found += self._understood(page["Items"])
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
        self._refuse_a_second_holder(name)
        issued = issue(name, owner, self.now(), lifetime, tuple(sorted(tags)), tuple(dict.fromkeys(cidrs)), self._who())
        with self._asked():
            self._client.put_item(**self._put(issued.stored))
        if len(self._taken(name)) > 1:
            self._revoke(issued.stored, issued.stored.created_by)
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
        live = self._live(name)
        if not live:
            raise OperationFailed(f"No live token is named {name}. `token list` shows all; `token create` makes one.")
        latest, now, who = live[0], self.now(), self._who()
        issued = issue(name, latest.owner, now, lifetime, latest.tags, latest.cidrs, who)
        writes: list[TransactWriteItemTypeDef] = [{"Put": self._put(issued.stored)}]
        writes += [{"Update": self._replaced(old, now, overlap, who)} for old in live]
        with self._asked():
            self._client.transact_write_items(TransactItems=writes)
        return issued

    def revoke(self, name_or_id: str) -> list[StoredToken]:
        """Revoke the token of that id, or all tokens of that name, whatever the time is.

        Who does it is kept where STS tells it; a revocation does not wait for that.

        Returns:
            Those that were not revoked until now; they may have expired.

        Raises:
            OperationFailed: there is none, or the table cannot be written.
        """
        revoked: list[StoredToken] = []
        who: str | None = None
        # Again until there is none: a rotation that was under way may just have made another one.
        while meant := [stored for stored in self.find(name_or_id) if stored.revoked_at is None]:
            who = who or self._who_if_told()
            revoked += [self._revoke(stored, who) for stored in meant]
        if not revoked:
            raise OperationFailed(f"All tokens of the name or id {name_or_id} were revoked before: see `token show`.")
        return revoked

    def find(self, name_or_id: str) -> list[StoredToken]:
        """The token of that id, or all tokens of that name, the latest first.

        Raises:
            OperationFailed: there is none, or the table cannot be read.
        """
        found = [stored for stored in self.list_all() if name_or_id in (stored.id, stored.name)]
        if not found:
            raise OperationFailed(f"No token has the name or id {name_or_id}. `token list` shows all.")
        return found

    def _who_if_told(self) -> str | None:
        try:
            return self._who()
        except OperationFailed as error:
            self._warn(f"Who revoked it is not kept with the token: {error}")
            return None

    def _revoke(self, stored: StoredToken, who: str | None) -> StoredToken:
        now = self.now()
        changes: Changes = {"revoked_at": _number(now), "ttl": _number(max(stored.expires, now) + KEPT_SECONDS)}
        if who is not None:
            changes["revoked_by"] = {"S": who}
        with self._asked():
            # Deleted meanwhile, it must not come back.
            self._client.update_item(**self._update(stored, changes, "attribute_exists(#hash)", ["hash"]))
        return replace(stored, revoked_at=now, revoked_by=who)

    def _live(self, name: str) -> list[StoredToken]:
        """The live tokens of a name, the latest first: several while a rotation lasts."""
        found = [stored for stored in self.list_all() if stored.name == name]
        return [stored for stored in found if stored.is_live(self.now())]

    def _taken(self, name: str) -> list[StoredToken]:
        """The tokens of a name that some clock may still take for live."""
        found = [stored for stored in self.list_all() if stored.name == name]
        return [stored for stored in found if stored.is_live(self.now() - _CLOCKS_DIFFER_SECONDS)]

    def _refuse_a_second_holder(self, name: str) -> None:
        taken = self._taken(name)
        if any(stored.is_live(self.now()) for stored in taken):
            raise OperationFailed(f"There is a live token {name} already. Rotate or revoke it, or choose another name.")
        if taken:
            raise OperationFailed(
                f"Token {name} ({taken[0].id}) has only just expired, and a clock that is behind may still take it. "
                f"Revoke it (token revoke {taken[0].id}), or try again in {_CLOCKS_DIFFER_SECONDS} s."
            )

    def _understood(self, items: Sequence[Mapping[str, "AttributeValueTypeDef"]]) -> Iterator[StoredToken]:
        for each in items:
            try:
                yield stored_token(each)
            except ValueError as error:  # it must not keep anybody from revoking another one
                self._warn(f"In table {self._table}, {error}. Nobody can use it: delete the item.")

    def _put(self, new: StoredToken) -> "PutTypeDef":
        return {
            "TableName": self._table,
            "Item": item(new),
            "ConditionExpression": "attribute_not_exists(#hash)",
            "ExpressionAttributeNames": {"#hash": "hash"},
        }

    def _replaced(self, old: StoredToken, now: int, overlap: int, who: str) -> "UpdateTypeDef":
        """A token that another one is made to replace: it ends after the overlap, or is revoked now, by any clock."""
        changes: Changes = {"rotated_at": _number(now), "rotated_by": {"S": who}}
        if overlap == 0:
            changes |= {"revoked_at": _number(now), "revoked_by": {"S": who}}
        else:
            expires = min(old.expires, now + overlap)
            changes |= {"expires": _number(expires), "ttl": _number(expires + KEPT_SECONDS)}
        # Deleted meanwhile, it must not come back; revoked meanwhile, its name must get no new token.
        condition = "attribute_exists(#hash) AND attribute_not_exists(#revoked_at)"
        return self._update(old, changes, condition, ["hash", "revoked_at"])

    def _update(self, old: StoredToken, changes: "Changes", condition: str, names: Sequence[str]) -> "UpdateTypeDef":
        return {
            "TableName": self._table,
            "Key": {"hash": {"S": old.hash}},
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in changes),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {f"#{name}": name for name in (*names, *changes)},
            "ExpressionAttributeValues": {f":{name}": value for name, value in changes.items()},
        }

    def _asked(self) -> AbstractContextManager[None]:
        """What DynamoDB says within it, in words that help."""
        return explained(self._client, self._table, "Somebody else changed the token at the same moment. Try again.")


def open_tokens(stage: str, warn: Callable[[str], None]) -> Tokens:
    """The tokens of a stage, with the AWS credentials and the region of the environment.

    Args:
        warn: told of what is wrong with the table and keeps nothing from being done.

    Raises:
        OperationFailed: no region, or a profile that is not there.
    """
    try:
        region = find_region(os.environ)
    except CommandFailed as error:
        raise OperationFailed(str(error)) from None
    return Tokens(table_name(stage, TABLE), dynamodb_client(region), partial(caller_arn, region), warn=warn)


def _number(seconds: int) -> "AttributeValueTypeDef":
    return {"N": str(seconds)}


def revocation_delay() -> int:
    """Seconds that credvend may still take a token for which it has just taken."""
    return CACHE_SECONDS
