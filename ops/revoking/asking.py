"""Revocations are asked for: items of the table, and what the ledger says of the sessions that they are about."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.ledger.entry import Entry
from chalicelib.revocation.requests import Item
from ops.aws.dynamodb import CONNECTIONS
from ops.aws.operator import Operator
from ops.aws.writes import Outcome, put_if, write_update
from ops.errors import NotFinished
from ops.revoking.plan import Request


class Key(NamedTuple):
    """Of an item."""

    role_arn: str
    id: str


class Asked(NamedTuple):
    """What was asked for, and when: seconds since 1970, UTC."""

    keys: tuple[Key, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks for revocations.

    Attributes:
        revocations, sessions: names of the tables.
        by: the ARN of the operator.
        reason: in their words.
        ahead: seconds for which sessions of callers that are blocked are issued yet.
    """

    operator: Operator
    revocations: str
    sessions: str
    by: str
    reason: str | None
    ahead: int = 0

    def ask(self, requests: Sequence[Request]) -> Asked:
        """Ask for all of them now. What was asked for is carried out, whatever becomes of this process.

        Raises:
            NotFinished: not all could be asked for.
            OperationFailed: the table cannot be written.
        """
        # Issued before now, AWS says when: a computer's clock that is behind by a second would leave sessions out.
        self.operator.expect(self.sessions, {"id": "-"})
        now = self.operator.clock.last_told()
        at = now * 1000
        items = [request.item(at, self.by, self.reason, self.ahead) for request in requests]
        with self.operator.asked(self.revocations), ThreadPoolExecutor(CONNECTIONS) as pool:
            outcomes = list(pool.map(self._put, items))
        left = sum(outcome == "busy" for outcome in outcomes)
        if left:
            raise NotFinished(
                f"{left} of {len(items)} revocations could not be asked for: table {self.revocations} is too busy. "
                "Those that were asked for are carried out. Give the same command again."
            )
        self._note_in_ledger([entry for one in requests if not one.chained for entry in one.entries], at)
        return Asked(tuple(Key(item["role_arn"]["S"], item["id"]["S"]) for item in items), now)

    def _put(self, item: Item) -> Outcome:
        # `changed`: a later one for the same sessions is there, by somebody else. That ends them as well.
        return put_if(
            self.operator.client,
            self.revocations,
            item,
            "attribute_not_exists(#requested) OR #requested <= :requested",
            {"#requested": "requested"},
            {":requested": item["requested"]},
        )

    def _note_in_ledger(self, entries: Sequence[Entry], at: int) -> None:
        names = {"#requested": "revoke_requested", "#by": "revoked_by", "#id": "id"}
        values: Item = {":at": {"N": str(at)}, ":by": {"S": self.by}}
        update = "SET #requested = :at, #by = :by"
        if self.reason is not None:
            names["#reason"], values[":reason"] = "revoke_reason", {"S": self.reason}
            update += ", #reason = :reason"

        def note(session: str) -> Outcome:
            return write_update(
                self.operator.client,
                {
                    "TableName": self.sessions,
                    "Key": {"id": {"S": session}},
                    "UpdateExpression": update,
                    "ConditionExpression": "attribute_exists(#id)",
                    "ExpressionAttributeNames": names,
                    "ExpressionAttributeValues": values,
                },
            )

        with self.operator.asked(self.sessions), ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(note, dict.fromkeys(entry.id for entry in entries)))
