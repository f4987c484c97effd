"""Writes to several tables of DynamoDB that are made together or not at all, in one round trip.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from botocore.exceptions import ClientError

from chalicelib.aws.answers import code_of
from chalicelib.aws.table import TROUBLE, TableUnavailable
from chalicelib.operators_log import tell_operators

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

# Another transaction has one of the items just then. DynamoDB's own clients do not ask again by themselves.
ATTEMPTS: Final = 6
# Between them, up to so long, and each time up to twice as long: a transaction takes some 10 ms.
_BACK_OFF_SECONDS: Final = 0.02
# Whatever is busy for longer is not asked again.
PATIENCE_SECONDS: Final = 0.5
_BUSY: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_REFUSED: Final = "ConditionalCheckFailed"


class Part(NamedTuple):
    """One write of a transaction, or one condition.

    Attributes:
        write: as TransactWriteItems takes it.
        refusal: what to raise where its condition does not hold, given the item that is there, if that was asked for.
    """

    write: "TransactWriteItemTypeDef"
    refusal: "Callable[[Item], Exception]"


@dataclass(frozen=True, slots=True)
class Transactions:
    """Carries them out."""

    client: "DynamoDBClient"
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep

    def until(self) -> float:
        """The end of the patience that begins now, by `clock`."""
        return self.clock() + PATIENCE_SECONDS

    def write(self, parts: Callable[[], Sequence[Part]], until: float | None = None) -> None:
        """Write all parts, or none.

        Where an answer got lost, botocore asks again with the same token, and DynamoDB makes no second write of it.

        Args:
            parts: asked for each attempt, so that one may choose other items than those that were busy.
            until: of several writes together, the end of their patience; None: this one has patience of its own.

        Raises:
            TableUnavailable: a table cannot be asked now, or is too busy; the parts may have been written.
            Exception: that of the first part whose condition does not hold; nothing was written.
        """
        until = self.until() if until is None else until
        for attempt in range(1, ATTEMPTS + 1):
            tried = parts()
            try:
                self.client.transact_write_items(TransactItems=[part.write for part in tried])
                return
            except TROUBLE as error:
                why = _why_not(tried, error)
            pause = random.uniform(0, _BACK_OFF_SECONDS * 2**attempt)  # noqa: S311 no secret
            if why not in _BUSY or attempt == ATTEMPTS or self.clock() + pause > until:
                tell_operators("TransactWriteItems failed: %s", why)
                raise TableUnavailable("TransactWriteItems") from None
            self.wait(pause)


def _why_not(parts: Sequence[Part], error: Exception) -> str:
    """What keeps a transaction from being made, where it is no condition.

    Raises:
        Exception: a condition does not hold, whatever else there is.
    """
    reasons = error.response.get("CancellationReasons", []) if isinstance(error, ClientError) else []
    for part, reason in zip(parts, reasons, strict=False):
        if reason.get("Code") == _REFUSED:
            raise part.refusal(cast("Item", reason.get("Item", {}))) from None
    return next((str(reason["Code"]) for reason in reasons if reason.get("Code") not in (None, "None")), code_of(error))
