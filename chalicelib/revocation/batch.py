"""What the stream of the table of revocations brings: which roles there is something to do about.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html shows such an event.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from chalicelib.revocation.requests import ASKED, WRITTEN

Json = Mapping[str, object]


class Batch(NamedTuple):
    """The roles of a batch, in the order of the stream, each with the number of the first record about it."""

    to_write: Mapping[str, str]
    to_prove: Mapping[str, str]


def read_batch(event: Mapping[str, object]) -> Batch:
    """Sort the records: what was asked for or pruned is to be written; what was written is to be proved.

    What else this function itself notes of an item comes back here as well, and means nothing.
    """
    to_write: dict[str, str] = {}
    to_prove: dict[str, str] = {}
    for record in cast(Iterable[Json], event["Records"]):
        change = cast(Mapping[str, Mapping[str, Mapping[str, str]]], record["dynamodb"])
        role_arn, number = change["Keys"]["role_arn"]["S"], str(change["SequenceNumber"])
        new, old = change.get("NewImage", {}), change.get("OldImage", {})
        state = new.get("state", {}).get("S")
        if record["eventName"] != "MODIFY" or state == ASKED:
            to_write.setdefault(role_arn, number)
        elif state == WRITTEN and new.get("told") == old.get("told"):
            to_prove.setdefault(role_arn, number)
    return Batch(to_write, to_prove)
