"""Which sessions does a revocation end? Once its policy is written, the ledger says so, and no quota counts them.

Not when it is asked for: what cannot be written must not make room for more. And by the function that writes, whether
anybody waits for it or not.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from chalicelib.aws.answers import code_of
from chalicelib.aws.durations import MAXIMUM_SECONDS
from chalicelib.aws.table import TROUBLE, ConditionFailed, Table, TableUnavailable
from chalicelib.ledger.entry import Entry
from chalicelib.ledger.reading import LedgerReader, Wanted
from chalicelib.operators_log import tell_operators
from chalicelib.quotas.counts import member, take_out
from chalicelib.revocation.revocation import Revocation

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

# A session begins when STS answers, and clocks differ.
_CLOCKS_SECONDS: Final = 300


class EndedSessions:
    """Notes what revocations have ended. Nothing is kept in memory."""

    def __init__(self, reader: LedgerReader, quotas: Table) -> None:
        """Nothing is asked yet.

        Args:
            reader: of the ledger.
            quotas: the table of quotas.
        """
        self._reader, self._quotas = reader, quotas
        self._sessions = Table(reader.table, reader.client)

    def note(self, one: Revocation, may_go_on: Callable[[], bool]) -> bool:
        """Note with each session that a revocation ends when that was written, and when it was seen in force.

        Done again it changes nothing, and passes over those of many that it has been at.

        Args:
            one: that is written.
            may_go_on: asked before each session.

        Returns:
            Whether all are noted.

        Raises:
            TableUnavailable: a table could not be asked.
        """
        try:
            for entry in self._ended(one):
                if not may_go_on():
                    return False
                self._note(one, entry)
        except TROUBLE as error:
            tell_operators("the ledger could not be read: %s", code_of(error))
            raise TableUnavailable("Query") from None
        return True

    def _ended(self, one: Revocation) -> Iterator[Entry]:
        """Those of its sessions that are not noted yet, and had not ended by themselves."""
        assert one.written is not None  # noqa: S101 what is not written has ended nothing
        for entry in self._about(one, one.written):
            noted = entry.revoke_written is not None and (one.in_force is None or entry.revoke_in_force is not None)
            # The one session of its form was noted in the moment that it was written.
            left = one.form == "session" or not noted
            if left and entry.state != "failed" and ends(one, entry) and entry.expires * 1000 > one.written:
                yield entry

    def _about(self, one: Revocation, written: int) -> Iterator[Entry]:
        since = one.requested - (MAXIMUM_SECONDS + _CLOCKS_SECONDS) * 1000
        until = written + _CLOCKS_SECONDS * 1000
        match one.form:
            case "session":
                with suppress(ValueError):  # what is no entry is told elsewhere
                    entry = self._reader.get(one.request_id or "")
                    yield from () if entry is None else (entry,)
            case "caller":
                if one.caller is not None:
                    yield from self._reader.find(Wanted(since=since, until=until, caller=one.caller))
            case "issued_before":
                for role in one.roles:
                    yield from self._reader.find(Wanted(since=since, until=until, role=role))

    def _note(self, one: Revocation, entry: Entry) -> None:
        """What is live first: the entry tells that nothing is left to do."""
        for live in entry.live_in:
            with suppress(ConditionFailed):  # the set is gone
                take_out(self._quotas, live, members(entry))
        values: dict[str, AttributeValueTypeDef] = {":written": {"N": str(one.written)}}
        update, names = "SET #written = if_not_exists(#written, :written)", {"#id": "id", "#written": "revoke_written"}
        if one.in_force is not None:
            update += ", #force = if_not_exists(#force, :force)"
            names["#force"], values[":force"] = "revoke_in_force", {"N": str(one.in_force)}
        names["#problem"] = "revoke_problem"
        with suppress(ConditionFailed):  # the ledger has forgotten it
            self._sessions.update(
                {"id": {"S": entry.id}}, f"{update} REMOVE #problem", "attribute_exists(#id)", names, values
            )


def members(entry: Entry) -> set[str]:
    """A session, as a set of live ones may hold it: it was counted by its latest end, and STS may have said another."""
    return {member(entry.id, expires) for expires in (entry.expires, entry.requested_at // 1000 + entry.duration)}


def ends(one: Revocation, entry: Entry) -> bool:
    """Whether a revocation is about a session of the ledger."""
    if one.chained or one.role_arn != entry.role_arn:
        return False
    if one.widened and issued(entry) < one.issued_until:
        return True
    match one.form:
        case "session":
            folded = one.folded and one.caller_tag == entry.caller_tag and issued(entry) < one.issued_until
            return folded or one.request_id == entry.tag
        case "caller":
            same = (
                entry.caller_tag == one.caller_tag
                if one.caller_tag is not None
                else entry.source_identity == one.source_identity
            )
            return same and issued(entry) < (one.issued_before or 0)
        case "issued_before":
            return issued(entry) < (one.issued_before or 0)


def issued(entry: Entry) -> float:
    """When STS issued a session, as far as is known; seconds since 1970, UTC."""
    return entry.expires - entry.duration if entry.state == "vended" else entry.requested_at / 1000
