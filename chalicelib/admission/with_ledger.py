"""Admission with a ledger: two round trips to DynamoDB a vend, and no more.

The first asks whether anything is blocked, takes from the caller's quotas, uses up a token that is good for one vend,
and records the intent: all of it or nothing. The second one adds what STS has given.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from chalicelib.admission.admission import Admitted, SharedRevoked
from chalicelib.aws.table import ATTEMPTS, ConditionFailed, Table, TableUnavailable, dynamodb_client
from chalicelib.aws.transaction import PATIENCE_SECONDS, Part, Transactions
from chalicelib.blocks.gates import gate_check
from chalicelib.blocks.keys import keys_of_vend
from chalicelib.errors import LedgerUnavailable
from chalicelib.ledger.entry import Entry
from chalicelib.ledger.ledger import Ledger, NotAsRead
from chalicelib.quotas.counts import LiveSetFull, Vend, counts, live_sets, member, take_out, taken_out
from chalicelib.quotas.quota import Quota

if TYPE_CHECKING:
    from chalicelib.admission.admission import Asked
    from chalicelib.callers.caller import Caller
    from chalicelib.callers.oidc.used_tokens import UsedTokens
    from chalicelib.configuration.session_settings import SessionSettings
    from chalicelib.configuration.settings import LedgerTables
    from chalicelib.sessions.sts import Session

# Shorter than for other tables: STS at its slowest stands between the two writes, and all must end within the
# function's time. DynamoDB answers within some 10 ms.
CONNECT_SECONDS: Final = 0.5
READ_SECONDS: Final = 1.0
# botocore waits at most 1 s between two attempts.
_CALL_SECONDS: Final = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) + 1
# A transaction that met others may have been asked again up to the end of its patience; then the second write.
WORST_SECONDS: Final = PATIENCE_SECONDS + 2 * _CALL_SECONDS


class WithLedger(NamedTuple):
    """Blocks, quotas and the ledger.

    Attributes:
        blocks: name of the table.
        counts: the table of quotas.
        used_tokens: whether a token is used up is part of the same write.
        clock: seconds since 1970, UTC.
    """

    transactions: Transactions
    ledger: Ledger
    blocks: str
    counts: Table
    quotas: tuple[Quota, ...]
    used_tokens: "Callable[[], UsedTokens]"
    clock: Callable[[], float] = time.time

    def worst_seconds(self, caller: "Caller") -> float:
        return WORST_SECONDS

    def admit(self, asked: "Asked") -> Admitted:
        until = self.transactions.until()
        while True:
            try:
                return self._write(asked, until)
            except LiveSetFull as full:
                if not full.ended:
                    raise
                # What has ended is taken out of the set only when that is full: one round trip for many vends.
                with suppress(ConditionFailed, TableUnavailable):
                    take_out(self.counts, full.item, full.ended)
                if self.transactions.clock() > until:  # no vend waits for longer: STS needs the rest of the time
                    raise LedgerUnavailable from None

    def vended(self, admitted: Admitted, given: "Session") -> None:
        credentials = given.credentials
        self.ledger.vended(admitted.session, credentials.access_key_id, int(credentials.expiration.timestamp()))

    def failed(self, admitted: Admitted, cause: str) -> None:
        session = member(admitted.session, admitted.expires)
        parts = [self.ledger.failure(admitted.session, cause)]
        parts += [taken_out(self.counts.name, live, [session]) for live in admitted.live_in]
        with suppress(TableUnavailable, LedgerUnavailable):  # operators were told; and the entry ends by itself
            self.transactions.write(lambda: parts)

    def _write(self, asked: "Asked", until: float) -> Admitted:
        caller, role = asked.caller, asked.plan.role
        now = self.clock()
        quotas = [(quota, quota.counted(caller)) for quota in self.quotas if quota.is_about(caller, role)]
        if asked.shared_with is not None:  # one session lives once, however many have it
            quotas = [(quota._replace(live=None), who) for quota, who in quotas]
        entry = _entry(asked, now, live_sets(quotas))
        # Of several that refuse, the first is told.
        rest: list[Part] = []
        if asked.shared_with is not None:
            rest.append(self.ledger.still_vended(asked.shared_with))
        if caller.one_use is not None:
            rest.append(self.used_tokens().use_in_transaction(caller.one_use))
        rest += counts(self.counts.name, quotas, Vend(asked.session, int(now), entry.expires))
        rest.append(self.ledger.intent(entry))
        keys = keys_of_vend(caller, role.name)
        try:
            self.transactions.write(lambda: [gate_check(self.blocks, keys, int(now)), *rest], until)
        except TableUnavailable:
            raise LedgerUnavailable from None
        except NotAsRead:
            raise SharedRevoked from None
        return Admitted(asked.session, entry.expires, entry.live_in)


def with_ledger(
    region: str, tables: "LedgerTables", settings: "SessionSettings", used_tokens: "Callable[[], UsedTokens]"
) -> WithLedger:
    """Admission by the tables of a region. Its client is set up at once: every vend needs it."""
    client = dynamodb_client(region, CONNECT_SECONDS, READ_SECONDS)
    return WithLedger(
        transactions=Transactions(client),
        ledger=Ledger(Table(tables.sessions, client), settings.keep_seconds),
        blocks=tables.blocks,
        counts=Table(tables.quotas, client),
        quotas=settings.quotas,
        used_tokens=used_tokens,
    )


def _entry(asked: "Asked", now: float, live_in: tuple[str, ...]) -> Entry:
    caller, plan = asked.caller, asked.plan
    return Entry(
        id=asked.session,
        state="requested",
        caller=caller.identifier,
        caller_type=caller.kind,
        session_name=plan.session_name,
        role=plan.role.name,
        role_arn=plan.role.arn,
        account=plan.role.account,
        tagged=plan.role.tag_session,
        requested_at=int(now * 1000),
        duration=plan.duration,
        expires=int(now) + plan.duration,
        source_identity=plan.source_identity,
        caller_tag=dict(plan.tags).get("credvend:caller"),
        reason=asked.request.reason,
        live_in=live_in,
        shared_with=asked.shared_with,
    )
