"""The ledger: one item a session, written before STS is asked, and again with what STS has given."""

from typing import TYPE_CHECKING, Final

from chalicelib.aws.table import ConditionFailed, Table, TableUnavailable
from chalicelib.aws.transaction import Part
from chalicelib.errors import LedgerUnavailable
from chalicelib.ledger.entry import Entry, item_of
from chalicelib.operators_log import tell_operators

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_STATE: Final = {"#state": "state"}


class NotAsRead(Exception):
    """The entry has changed since it was read. Nothing was written."""


class Ledger:
    """Writes entries. Nothing is kept in memory."""

    def __init__(self, table: Table, keep_seconds: int) -> None:
        """Nothing is asked yet.

        Args:
            keep_seconds: how long an entry stays after its session has ended.
        """
        self._table = table
        self._keep = keep_seconds

    def intent(self, entry: Entry) -> Part:
        """The write of an entry that is not there yet."""

        def refusal(_: object) -> LedgerUnavailable:
            tell_operators("table %s: there is an entry %s already", self._table.name, entry.id)
            return LedgerUnavailable()

        return Part(
            {
                "Put": {
                    "TableName": self._table.name,
                    "Item": item_of(entry, self._keep),
                    "ConditionExpression": "attribute_not_exists(#id)",
                    "ExpressionAttributeNames": {"#id": "id"},
                }
            },
            refusal,
        )

    def vended(self, session: str, access_key_id: str, expires: int) -> None:
        """Add what STS has given.

        Args:
            session: its id.
            expires: seconds since 1970, UTC.

        Raises:
            LedgerUnavailable: the table could not be asked, or does not hold the entry as it was written; that it is
                vended may stand there all the same.
        """
        names = _STATE | {"#key": "access_key_id", "#expires": "expires", "#ttl": "ttl"}
        values: dict[str, AttributeValueTypeDef] = {
            ":requested": {"S": "requested"},
            ":vended": {"S": "vended"},
            ":key": {"S": access_key_id},
            ":expires": {"N": str(expires)},
            ":ttl": {"N": str(expires + self._keep)},
        }
        try:
            self._table.update(
                {"id": {"S": session}},
                "SET #state = :vended, #key = :key, #expires = :expires, #ttl = :ttl",
                # The key is its own where an answer got lost, and botocore asked again.
                "#state = :requested OR #key = :key",
                names,
                values,
            )
        except ConditionFailed:
            tell_operators("table %s: entry %s is not as it was written", self._table.name, session)
            raise LedgerUnavailable from None
        except TableUnavailable:
            raise LedgerUnavailable from None

    def still_vended(self, session: str) -> Part:
        """The condition that a session was vended, and that nobody wants it to end."""
        names = {"#requested": "revoke_requested", "#written": "revoke_written"}
        return Part(
            {
                "ConditionCheck": {
                    "TableName": self._table.name,
                    "Key": {"id": {"S": session}},
                    "ConditionExpression": "#state = :vended"
                    " AND attribute_not_exists(#requested) AND attribute_not_exists(#written)",
                    "ExpressionAttributeNames": _STATE | names,
                    "ExpressionAttributeValues": {":vended": {"S": "vended"}},
                }
            },
            lambda _: NotAsRead(),
        )

    def revocation(self, session: str, by: str, reason: str | None, at: int) -> Part:
        """The write that somebody wants it to end: once, unless that could not be done.

        Args:
            by: who wants it.
            at: milliseconds since 1970, UTC.
        """
        names = {"#at": "revoke_requested", "#by": "revoked_by", "#reason": "revoke_reason"}
        values: dict[str, AttributeValueTypeDef] = {":at": {"N": str(at)}, ":by": {"S": by}}
        setting, removing = "#at = :at, #by = :by", "#problem"
        if reason is None:
            removing += ", #reason"
        else:
            setting += ", #reason = :reason"
            values[":reason"] = {"S": reason}
        return Part(
            {
                "Update": {
                    "TableName": self._table.name,
                    "Key": {"id": {"S": session}},
                    "UpdateExpression": f"SET {setting} REMOVE {removing}",
                    "ConditionExpression": "#state IN (:requested, :vended)"
                    " AND (attribute_not_exists(#at) OR attribute_exists(#problem))",
                    "ExpressionAttributeNames": _STATE | names | {"#problem": "revoke_problem"},
                    "ExpressionAttributeValues": values
                    | {":requested": {"S": "requested"}, ":vended": {"S": "vended"}},
                }
            },
            lambda _: NotAsRead(),
        )

    def failure(self, session: str, cause: str) -> Part:
        """The write that nothing was vended."""
        return Part(
            {
                "Update": {
                    "TableName": self._table.name,
                    "Key": {"id": {"S": session}},
                    "UpdateExpression": "SET #state = :failed, #cause = :cause",
                    "ConditionExpression": "#state = :requested",
                    "ExpressionAttributeNames": _STATE | {"#cause": "cause"},
                    "ExpressionAttributeValues": {
                        ":requested": {"S": "requested"},
                        ":failed": {"S": "failed"},
                        ":cause": {"S": cause},
                    },
                }
            },
            lambda _: LedgerUnavailable(),
        )
