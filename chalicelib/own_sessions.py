"""The sessions that a caller has had: which there are, and the end of one before its time.

Import this module only when somebody asks for that: no vend needs it.
"""

import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from chalicelib.aws.answers import code_of
from chalicelib.aws.batches import LARGEST, batch_get
from chalicelib.aws.table import TROUBLE, ConditionFailed, Table, TableUnavailable, dynamodb_client
from chalicelib.aws.table import WORST_SECONDS as TABLE_WORST_SECONDS
from chalicelib.aws.transaction import PATIENCE_SECONDS, Part, Transactions
from chalicelib.errors import LedgerUnread, NoSuchSession, NothingToRevoke, OnlyWithOthers, TooManyRevoked
from chalicelib.ledger.entry import Entry, entry_of
from chalicelib.ledger.index_keys import SHARDS
from chalicelib.ledger.ledger import Ledger, NotAsRead
from chalicelib.ledger.reading import LedgerReader, ReadEnough, Wanted
from chalicelib.operators_log import tell_operators
from chalicelib.quotas.counts import LiveSetFull, Vend, counts, take_out
from chalicelib.quotas.quota import Quota
from chalicelib.revocation.requests import Asked, Item, session_item
from chalicelib.roles.chains import chained_roles
from chalicelib.text.timestamps import moment

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from mypy_boto3_dynamodb import DynamoDBClient

    from chalicelib.callers.caller import Caller
    from chalicelib.configuration.settings import LedgerTables
    from chalicelib.roles.role import Role

# Lambda's are UUIDs. Whatever else somebody asks for is looked up as an id that nobody has, so that it takes as long.
_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_NOBODYS: Final = "-"
# How often a session is read again because somebody else has changed it since.
_ATTEMPTS: Final = 3
# The entry, that of the request that made the session, and a transaction.
WORST_SECONDS: Final = 3 * TABLE_WORST_SECONDS + PATIENCE_SECONDS
# Those that are left out are counted so far: whoever has more is told that there are as many.
MOST_COUNTED: Final = 1000
# A caller of many short sessions has few that live among them: to look at all would take longer than the function has.
MOST_READ: Final = 5000
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html takes 100.
_WRITES_AT_ONCE: Final = 100
# STS is asked after the entry was written, within the function's time; and the session ends by another clock of AWS's.
_LATER_SECONDS: Final = 60
# A role's policy has room for some 258, and is widened to others' sessions where it is full. No principal alone fills
# it, whatever its sessions are called; nor do many: at issuers, callers may choose subjects. The rest is for operators.
MOST_REVOKED: Final = 20
MOST_REVOKED_OF_ROLE: Final = 120
# The partitions of a day.
_THREADS: Final = SHARDS


class Found(NamedTuple):
    """What a caller is told of its sessions.

    Attributes:
        sessions: the latest first.
        left_out: how many there are besides, counted up to `MOST_COUNTED`.
        now: when they were what they are; seconds since 1970, UTC.
    """

    sessions: tuple[Entry, ...]
    left_out: int
    now: float


class Read(NamedTuple):
    """A session, and when it was what it is; seconds since 1970, UTC."""

    session: Entry
    now: float


class Revoked(NamedTuple):
    """A session whose end was asked for.

    Attributes:
        roles: ARNs of those whose sessions are to be denied; none where that was asked for before.
        now: seconds since 1970, UTC.
    """

    session: Entry
    roles: tuple[str, ...]
    now: float


class OwnSessions:
    """Reads and ends the sessions of whoever asks, and of nobody else. Nothing is kept in memory."""

    def __init__(
        self,
        client: "DynamoDBClient",
        tables: "LedgerTables",
        keep_seconds: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is asked yet.

        Args:
            client: one that several threads may use at once.
            keep_seconds: how long the ledger keeps a session after its end.
            clock: seconds since 1970, UTC.
        """
        self._reader = LedgerReader(client, tables.sessions, _THREADS)
        self._ledger = Ledger(Table(tables.sessions, client), keep_seconds)
        self._transactions = Transactions(client)
        self._quotas, self._revocations = Table(tables.quotas, client), tables.revocations
        self._clock = clock
        self.keep_seconds = keep_seconds

    def listed(self, caller: "Caller", since_seconds: int, live: bool, limit: int) -> Found:
        """A caller's sessions, the latest first.

        Args:
            since_seconds: that were asked for as long ago at most.
            live: only those that somebody may still use.

        Raises:
            LedgerUnread: the table cannot be asked.
        """
        now = self._clock()
        until = int(now * 1000)
        wanted = Wanted(
            since=max(0, until - since_seconds * 1000),
            until=until,
            caller=caller.identifier,
            live_at=now if live else None,
        )
        found: list[Entry] = []
        left_out = 0
        with _asking(), closing(cast("Generator[Entry]", self._reader.find(wanted, MOST_READ))) as every:
            try:
                found += islice((entry for entry in every if _is_of(caller, entry)), limit + MOST_COUNTED)
                left_out = max(0, len(found) - limit)
            except ReadEnough:  # what was read is in the list all the same
                left_out = MOST_COUNTED
            sessions = self._as_made(found[:limit])
        return Found(tuple(each for each in sessions if not live or each.is_live(now)), left_out, now)

    def one(self, caller: "Caller", session: str) -> Read:
        """One of a caller's sessions, by its id.

        Raises:
            NoSuchSession: the caller has none of that id. It takes as long, whoever else has one.
            LedgerUnread: the table cannot be asked.
        """
        entry, now = self._entry(caller, session)
        with _asking():
            return Read(self._as_made([entry])[0], now)

    def _entry(self, caller: "Caller", session: str) -> Read:
        """The same, as its own entry tells it."""
        with _asking():
            entry = self._reader.get(session if _ID.fullmatch(session) else _NOBODYS)
        if entry is None or not _is_of(caller, entry):
            raise NoSuchSession
        return Read(entry, self._clock())

    def _as_made(self, entries: list[Entry]) -> list[Entry]:
        """Entries, with what has become of sessions that they share, which is noted with the request that made one."""
        made = {each.id: each for each in entries}
        missing = list({each.tag for each in entries} - made.keys())
        for start in range(0, len(missing), LARGEST):
            items = batch_get(self._reader.client, self._reader.table, missing[start : start + LARGEST])
            made |= {name: entry_of(item) for name, item in items.items()}
        return [_revoked_as(each, made.get(each.tag, each)) for each in entries]

    def revoke(
        self,
        caller: "Caller",
        session: str,
        reason: str | None,
        catalog: "Iterable[Role]",
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> Revoked:
        """Have one of a caller's sessions end, and what was made of it; once, however often that is asked for.

        Args:
            catalog: all roles, which tell where a session may have gone on to.
            seconds_left: in which it must be recorded. Nothing is tried that may take longer, but for the first time.

        Raises:
            NoSuchSession: the caller has none of that id.
            NothingToRevoke: it has ended, or there never was one.
            OnlyWithOthers: it cannot be told from others.
            TooManyRevoked: its principal, or all callers together, have ended many of a role.
            LedgerUnread: a table cannot be asked; that it is to end may be written all the same.
        """
        for attempt in range(_ATTEMPTS):
            if attempt and seconds_left() < WORST_SECONDS:
                raise LedgerUnread
            entry, now = self._entry(caller, session)
            if entry.shared_with is not None:  # the session of another request of the caller's, which its tag names
                entry, now = self._entry(caller, entry.shared_with)
            if entry.revoke_requested is not None and entry.revoke_problem is None:
                return Revoked(entry, (), now)
            _refuse_pointless(entry, now)
            at = int(now * 1000)
            try:
                with _asking():
                    roles = self._write(entry, caller, reason, at, catalog)
            except NotAsRead:
                continue
            except LiveSetFull as full:
                if not self._make_room(full):
                    raise TooManyRevoked from None
                continue
            asked = replace(
                entry,
                revoke_requested=at,
                revoked_by=caller.identifier,
                revoke_reason=reason,
                revoke_problem=None,
            )
            return Revoked(asked, roles, now)
        tell_operators("session %s is changed by others again and again", session)
        raise LedgerUnread

    def _make_room(self, full: LiveSetFull) -> bool:
        """Take out of what is counted those that have ended; whether there were any.

        Raises:
            LedgerUnread: the table cannot be asked.
        """
        if full.ended:
            with _asking(), suppress(ConditionFailed):
                take_out(self._quotas, full.item, full.ended)
        return bool(full.ended)

    def _write(
        self, entry: Entry, caller: "Caller", reason: str | None, at: int, catalog: "Iterable[Role]"
    ) -> tuple[str, ...]:
        """Everything at once, as far as a transaction holds it; that it is asked for comes last.

        Returns:
            ARNs of the roles whose sessions are to be denied.

        Raises:
            NotAsRead: the session has changed since.
            LiveSetFull: so many have been ended of one of these roles, by this principal or by all.
            TableUnavailable: a table cannot be asked.
        """
        chained = chained_roles(entry.role_arn, catalog)
        asked = Asked(entry.role_arn, at, entry.expires + _LATER_SECONDS, caller.identifier, reason)
        items = [session_item(asked, entry.id, entry.caller_tag)]
        items += [
            session_item(asked._replace(role_arn=arn, chained=True), entry.id, entry.caller_tag) for arn in chained
        ]
        parts: list[Part] = []
        # A role that sessions come back to has two items, whose latter one, as it is chained, ends later.
        for role_arn, until in {item["role_arn"]["S"]: int(item["until"]["N"]) for item in items}.items():
            parts += counts(self._quotas.name, _counted(role_arn, caller), Vend(entry.id, at // 1000, until))
        parts += [_put(self._revocations, item) for item in items]
        parts.append(self._ledger.revocation(entry.id, caller.identifier, reason, at))
        for start in range(0, len(parts), _WRITES_AT_ONCE):
            some = parts[start : start + _WRITES_AT_ONCE]
            self._transactions.write(partial(tuple, some))
        return (entry.role_arn, *chained)


def _counted(role_arn: str, caller: "Caller") -> Iterator[tuple[Quota, str]]:
    """Of whom so many are counted. No quota of an adopter's has such a name."""
    yield Quota("#revoked-by-principal", live=MOST_REVOKED), f"{role_arn} {caller.principal}"
    yield Quota("#revoked-of-role", live=MOST_REVOKED_OF_ROLE), role_arn


def own_sessions(region: str, tables: "LedgerTables", keep_seconds: int) -> OwnSessions:
    """Those of the ledger of a region."""
    return OwnSessions(dynamodb_client(region, connections=_THREADS), tables, keep_seconds)


def _is_of(caller: "Caller", entry: Entry) -> bool:
    return entry.caller == caller.identifier and entry.caller_type == caller.kind


def _revoked_as(entry: Entry, made: Entry) -> Entry:
    return replace(
        entry,
        revoke_requested=made.revoke_requested,
        revoke_written=made.revoke_written,
        revoke_in_force=made.revoke_in_force,
        revoke_problem=made.revoke_problem,
    )


def _refuse_pointless(entry: Entry, now: float) -> None:
    """Refuse to end what cannot be ended, or not by itself.

    Raises:
        NothingToRevoke, OnlyWithOthers: so it is.
    """
    if entry.state == "failed":
        raise NothingToRevoke("No session was made by that request: there is nothing to revoke.")
    if entry.expires <= now:
        raise NothingToRevoke(f"The session ended at {moment(entry.expires)}: there is nothing to revoke.")
    if not entry.tagged:
        raise OnlyWithOthers


def _put(table: str, item: Item) -> Part:
    """The write of a revocation; one that is asked for later stays."""
    return Part(
        {
            "Put": {
                "TableName": table,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(#requested) OR #requested <= :requested",
                "ExpressionAttributeNames": {"#requested": "requested"},
                "ExpressionAttributeValues": {":requested": item["requested"]},
            }
        },
        lambda _: NotAsRead(),
    )


@contextmanager
def _asking() -> Iterator[None]:
    """Let all that goes wrong with a table be one error for the caller. Operators are told what it was.

    Raises:
        LedgerUnread: a table cannot be asked, or holds what is no entry.
    """
    try:
        yield
    except TableUnavailable:
        raise LedgerUnread from None
    except TROUBLE as error:
        tell_operators("the ledger could not be read: %s", code_of(error))
        raise LedgerUnread from None
    except ValueError as error:  # an entry that is none
        tell_operators("the ledger could not be read: %s", error)
        raise LedgerUnread from None
