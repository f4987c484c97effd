"""Was this token used before? A table in DynamoDB, of the tokens that vend once only.

Import this module only when such a token vends: the client of DynamoDB is slow to set up.
"""

import secrets
from typing import TYPE_CHECKING

from chalicelib.aws.table import ConditionFailed, Table, TableUnavailable
from chalicelib.aws.transaction import Part
from chalicelib.callers.caller import OneUse
from chalicelib.errors import InvalidToken, UsedTokensUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


class UsedTokens:
    """Remembers what was used. Nothing is kept in memory: another environment may have taken the token."""

    def __init__(self, table: Table) -> None:
        """Nothing is asked yet."""
        self._table = table

    def use(self, what: OneUse) -> None:
        """Use it up. Of all who try, whenever and wherever, one may go on.

        Raises:
            InvalidToken: it was used before.
            UsedTokensUnavailable: that cannot be found out now; it may be used up all the same.
        """
        # botocore asks again where an answer got lost, and must tell its own item from somebody else's. The id of the
        # request would not do: callers may choose it.
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-access-logging.html
        attempt: AttributeValueTypeDef = {"S": secrets.token_hex(16)}
        try:
            self._table.put(
                item={"hash": {"S": what.key}, "ttl": {"N": str(what.until)}, "attempt": attempt},
                condition="attribute_not_exists(#hash) OR #attempt = :attempt",
                names={"#hash": "hash", "#attempt": "attempt"},
                values={":attempt": attempt},
            )
        except ConditionFailed:
            raise _used() from None
        except TableUnavailable:
            raise UsedTokensUnavailable from None

    def use_in_transaction(self, what: OneUse) -> Part:
        """The same as a part of a transaction, of which DynamoDB itself makes no second one."""
        return Part(
            {
                "Put": {
                    "TableName": self._table.name,
                    "Item": {"hash": {"S": what.key}, "ttl": {"N": str(what.until)}},
                    "ConditionExpression": "attribute_not_exists(#hash)",
                    "ExpressionAttributeNames": {"#hash": "hash"},
                }
            },
            lambda _: _used(),
        )


def _used() -> InvalidToken:
    return InvalidToken("The token was used before, and is good for one vend. Get a new one.", "used")
