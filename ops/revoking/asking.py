"""Revocations are asked for: items of the table, and what the ledger says of the sessions that they are about."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from chalicelib.ledger.entry import Entry
from chalicelib.quotas.counts import member, taken_out
from chalicelib.revocation.requests import Item
from ops.aws.dynamodb import CONNECTIONS
from ops.aws.operator import Operator
from ops.aws.writes import Outcome, put_if, write_update
from ops.errors import NotFinished, OperationFailed
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
        revocations, sessions, quotas: names of the tables.
        by: the ARN of the operator.
        reason: in their words.
    """

    operator: Operator
    revocations: str
    sessions: str
    quotas: str
    by: str
    reason: str | None

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
        items = [request.item(at, self.by, self.reason) for request in requests]
        with self.operator.asked(self.revocations), ThreadPoolExecutor(CONNECTIONS) as pool:
            outcomes = list(pool.map(self._put, items))
        left = sum(outcome == "busy" for outcome in outcomes)
        if left:
            raise NotFinished(
                f"{left} of {len(items)} revocations could not be asked for: table {self.revocations} is too busy. "
                "Those that were asked for are carried out. Give the same command again."
            )
        entries = [entry for one in requests if not one.chained for entry in one.entries]
        self._note_in_ledger(entries, at)
        self._give_back(entries)
        return Asked(tuple(Key(item["role_arn"]["S"], item["id"]["S"]) for item in items), now)

    def note_end(self, entries: Sequence[Entry], attribute: str, moment: int) -> None:
        """Note in the ledger how far the end of sessions is, where it is not noted yet.

        Args:
            attribute: `revoke_written` or `revoke_in_force`.
            moment: milliseconds since 1970, UTC.
        """
        self._update(
            entries,
            "SET #noted = :moment",
            "attribute_exists(#id) AND attribute_not_exists(#noted)",
            {"#noted": attribute, "#id": "id"},
            {":moment": {"N": str(moment)}},
        )

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
        self._update(entries, update, "attribute_exists(#id)", names, values)

    def _give_back(self, entries: Sequence[Entry]) -> None:
        """Count them as live no longer: who has lost its sessions may have others."""
        members: dict[str, set[str]] = {}
        for entry in entries:
            for live in entry.live_in:
                # As it was when it was counted: STS may have said another end.
                counted = {entry.expires, entry.requested_at // 1000 + entry.duration}
                members.setdefault(live, set()).update(member(entry.id, expires) for expires in counted)
        updates = [taken_out(self.quotas, live, some).write["Update"] for live, some in members.items()]
        try:
            with self.operator.asked(self.quotas), ThreadPoolExecutor(CONNECTIONS) as pool:
                outcomes = list(pool.map(partial(write_update, self.operator.client), updates))
        except OperationFailed as error:
            self.operator.warn(f"They count as live until they would have ended, where a quota counts them: {error}")
            return
        if "busy" in outcomes:
            self.operator.warn(f"Some count as live until they would have ended: table {self.quotas} is too busy.")

    def _update(
        self, entries: Sequence[Entry], update: str, condition: str, names: dict[str, str], values: Item
    ) -> None:
        def note(session: str) -> Outcome:
            return write_update(
                self.operator.client,
                {
                    "TableName": self.sessions,
                    "Key": {"id": {"S": session}},
                    "UpdateExpression": update,
                    "ConditionExpression": condition,
                    "ExpressionAttributeNames": names,
                    "ExpressionAttributeValues": values,
                },
            )

        with self.operator.asked(self.sessions), ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(note, dict.fromkeys(entry.id for entry in entries)))
