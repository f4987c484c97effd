"""The tables of a stage in memory, an operator who works on them, and a stand-in for the revoker."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.aws.table import Table
from chalicelib.ended_sessions import EndedSessions
from chalicelib.ledger.entry import Entry, entry_of, item_of
from chalicelib.ledger.reading import LedgerReader
from chalicelib.revocation.items import revocation_of
from ops.aws.operator import Operator, operator
from testing.clock import Clock
from testing.dynamodb.credvend_tables import ALL, QUOTAS, REVOCATIONS, SESSIONS
from testing.dynamodb.database import Database
from testing.dynamodb.faults import Before
from testing.dynamodb.serving import client_of
from tests.unit.chalicelib.ledger.ledger_world import session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

STAGE = "test"
OPERATOR = "arn:aws:sts::111122223333:assumed-role/Operator/olga"


@dataclass
class StageTables:
    """What the tables hold and were asked; `said` is what an operator is told."""

    clock: Clock = field(default_factory=Clock)
    said: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    @cached_property
    def database(self) -> Database:
        return Database(*ALL, clock=self.clock)

    @cached_property
    def client(self) -> "DynamoDBClient":
        return client_of(self.database)

    def add_session(self, id_: str, ago: float = 0, **changes: object) -> Entry:
        """A session that was asked for so many seconds ago."""
        entry = session(id_, self.clock.now - ago, **changes)
        self.database.put(SESSIONS.name, item_of(entry, 90 * 86_400))
        return entry

    def entry(self, id_: str) -> Entry:
        """As it is now."""
        item = self.database.item(SESSIONS.name, id_)
        assert item is not None
        return entry_of(item)  # type: ignore[arg-type]

    def asked_for(self) -> dict[tuple[str, str], dict[str, object]]:
        """What is in the table of revocations: the content of each attribute, by role and id."""
        items = self.database.items(REVOCATIONS.name)
        plain = [{name: next(iter(value.values())) for name, value in item.items()} for item in items]
        return {(str(item["role_arn"]), str(item["id"])): item for item in plain}

    def revoker_works(self, *, in_force: bool = False, problem: str | None = None) -> None:
        """From now on, what was asked for is carried out before anybody looks."""

        def work() -> None:
            waiting = [item for item in self.database.items(REVOCATIONS.name) if "written" not in item]
            for item in waiting:
                moment: dict[str, object] = {"N": str(int(self.clock.now * 1000) + 400)}
                if problem is not None:
                    item["problem"] = {"S": problem}
                else:
                    item |= {"written": moment, "in_force": moment} if in_force else {"written": moment}
                self.database.put(REVOCATIONS.name, item)
                one = revocation_of(item)  # type: ignore[arg-type]
                if one is not None and one.to_tell is not None:
                    self._ended().note(one, lambda: True)

        self.database.faults.always("Query", Before(work))

    def _ended(self) -> EndedSessions:
        client = client_of(self.database)
        return EndedSessions(LedgerReader(client, SESSIONS.name), Table(QUOTAS.name, client))

    def operator(self, who: str = OPERATOR, ahead: float = 0) -> Operator:
        """An operator, whose own clock may be ahead by so many seconds."""
        return operator(client_of(self.database), lambda: who, self.said.append, Clock(self.clock.now + ahead))
