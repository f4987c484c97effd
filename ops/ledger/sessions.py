"""The sessions of a stage, as operators look for them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, NamedTuple

from chalicelib.ledger.entry import Entry
from chalicelib.ledger.reading import LedgerReader, Wanted
from chalicelib.revocation.revocation import Revocation
from ops.aws.operator import Operator
from ops.errors import OperationFailed
from ops.iam.principals import iam_role, role_of_session
from ops.ledger.described import state
from ops.ledger.revocations import Revocations, revocation_of_session
from ops.stages.names import REVOCATIONS_TABLE, SESSIONS_TABLE, table_name
from ops.terminal.say import escaped

# Whoever asks for some is told how many more there are, up to as many.
MOST_COUNTED: Final = 10_000
# What is asked for just now may be of a clock that is ahead.
AHEAD_SECONDS: Final = 300


class Found(NamedTuple):
    """Sessions, the latest first, each with what ends it.

    Attributes:
        left_out: how many more there are.
        more: there are more than that, which nobody has counted.
    """

    shown: Sequence[tuple[Entry, Revocation | None]]
    left_out: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of a stage."""

    operator: Operator
    reader: LedgerReader
    revocations: Revocations

    def get(self, session: str) -> tuple[Entry, Revocation | None]:
        """A session, by its id, and what ends it.

        Raises:
            OperationFailed: there is none, or it cannot be read.
        """
        entry = self.entry(session)
        return entry, revocation_of_session(entry, self.revocations.of_roles([entry.role_arn])[entry.role_arn])

    def entry(self, session: str) -> Entry:
        """A session, by its id, as the ledger alone has it.

        Raises:
            OperationFailed: there is none, or it cannot be read.
        """
        with self.operator.asked(self.reader.table):
            try:
                entry = self.reader.get(session)
            except ValueError as error:
                raise OperationFailed(
                    f"Table {self.reader.table}: {escaped(str(error))}. `sessions rebuild` repairs it."
                ) from None
        if entry is None:
            raise OperationFailed(
                f"There is no session {escaped(session)} in table {self.reader.table}. `sessions` lists them. An id is "
                "the session's tag credvend:request, and RequestId of the answer; the access key id of a session "
                "begins with ASIA."
            )
        return entry

    def with_key(self, key: str) -> tuple[Entry, Revocation | None]:
        """A session, by its access key id, and what ends it.

        Raises:
            OperationFailed: there is none, or it cannot be read.
        """
        until = (self.operator.now() + AHEAD_SECONDS) * 1000
        found = self.some(Wanted(since=0, until=until, keys=(key,)), 1).shown
        if not found:
            raise OperationFailed(
                f"No session of the ledger has the access key id {key}: credvend did not vend it, or has forgotten it. "
                "CloudTrail tells who made it."
            )
        return found[0]

    def find(self, wanted: Wanted, issuer: str | None = None) -> Iterator[Entry]:
        """The sessions that are wanted, the latest first. A caller may be an IAM role: then all its sessions.

        Args:
            issuer: its name in issuers.yaml: those alone whose callers came with its tokens.

        Raises:
            OperationFailed: they cannot be read.
        """
        role = None if wanted.caller is None else iam_role(wanted.caller)
        asked = wanted if role is None else replace(wanted, caller=None)
        with self.operator.asked(self.reader.table):
            for entry in self.reader.find(asked):
                of_role = role is None or role_of_session(entry.caller) == role
                if of_role and (issuer is None or entry.caller.startswith(f"oidc:{issuer}:")):
                    yield entry

    def some(self, wanted: Wanted, limit: int | None, issuer: str | None = None) -> Found:
        """So many of them at most, and how many more there are.

        Args:
            limit: None: all.
            issuer: as `find` takes it.

        Raises:
            OperationFailed: they cannot be read.
        """
        found = self.find(wanted, issuer)
        if wanted.live_at is not None:
            # What the table of revocations ends is not live, though the ledger does not say it yet.
            found = self._live(found, wanted.live_at)
        shown = list(islice(found, limit))
        left_out = sum(1 for _ in islice(found, MOST_COUNTED))
        more = left_out == MOST_COUNTED and next(found, None) is not None
        return Found(self.with_revocations(shown), left_out, more)

    def with_revocations(self, entries: Sequence[Entry]) -> list[tuple[Entry, Revocation | None]]:
        """Each with what ends it.

        Raises:
            OperationFailed: the table of revocations cannot be read.
        """
        of_roles = self.revocations.of_roles(entry.role_arn for entry in entries)
        return [(entry, revocation_of_session(entry, of_roles[entry.role_arn])) for entry in entries]

    def _live(self, entries: Iterable[Entry], now: float) -> Iterator[Entry]:
        of_roles: dict[str, list[Revocation]] = {}
        for entry in entries:
            if entry.role_arn not in of_roles:
                of_roles |= self.revocations.of_roles([entry.role_arn])
            if state(entry, now, revocation_of_session(entry, of_roles[entry.role_arn])) != "revoked":
                yield entry


def sessions_of(operator: Operator, stage: str) -> Sessions:
    """The sessions of a stage.

    Raises:
        OperationFailed: its table is not there, or cannot be read.
    """
    table = table_name(stage, SESSIONS_TABLE)
    operator.expect(table, {"id": "-"})

    def unreadable(what: str) -> None:
        operator.warn(f"{escaped(what)}. `sessions rebuild` repairs it.")

    reader = LedgerReader(operator.client, table, unreadable=unreadable)
    return Sessions(operator, reader, Revocations(table_name(stage, REVOCATIONS_TABLE), operator))
