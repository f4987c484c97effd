"""A ledger in memory, with sessions in it."""

from dataclasses import dataclass, field, replace
from functools import cached_property

from chalicelib.ledger.entry import Entry, item_of
from chalicelib.ledger.reading import LedgerReader, Wanted
from testing.clock import Clock
from testing.dynamodb.credvend_tables import ALL, SESSIONS
from testing.dynamodb.database import Database
from testing.dynamodb.serving import client_of

ACCOUNT = "111122223333"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
DAY = 86_400


def session(id_: str, requested: float, **changes: object) -> Entry:
    """A session of alice's that was vended; `requested` in seconds since 1970."""
    entry = Entry(
        id=id_,
        state="vended",
        caller=ALICE,
        caller_type="IamUser",
        session_name=f"user=alice@{ACCOUNT}",
        role="reader",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/reader",
        account=ACCOUNT,
        tagged=True,
        requested_at=int(requested * 1000),
        duration=3600,
        expires=int(requested) + 3600,
        source_identity="alice",
        caller_tag=ALICE,
        access_key_id=f"ASIA{id_.upper()}",
    )
    return replace(entry, **changes)  # type: ignore[arg-type]


@dataclass
class LedgerWorld:
    """What is in it, and what was asked."""

    clock: Clock = field(default_factory=Clock)
    told: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    @cached_property
    def database(self) -> Database:
        return Database(*ALL, clock=self.clock)

    @cached_property
    def reader(self) -> LedgerReader:
        return LedgerReader(
            client_of(self.database), SESSIONS.name, unreadable=self.told.append, wait=self.waits.append
        )

    def add(self, id_: str, ago: float = 0, **changes: object) -> Entry:
        """A session that was asked for so many seconds ago."""
        entry = session(id_, self.clock.now - ago, **changes)
        self.database.put(SESSIONS.name, item_of(entry, 90 * DAY))
        return entry

    def found(self, since: float = DAY, **wanted: object) -> list[str]:
        """The ids of the sessions that are wanted, of the last seconds."""
        now = self.clock.now
        want = Wanted(since=int((now - since) * 1000), until=int(now * 1000), **wanted)  # type: ignore[arg-type]
        return [entry.id for entry in self.reader.find(want)]
