"""The function behind the stream of the table of revocations: it keeps the policies of roles what the table says.

A policy is always made whole from all items of its role, never by changing what is in IAM: so nothing that is asked for
at the same time is lost, whoever comes last.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, Literal, NamedTuple, Protocol

from chalicelib.aws.table import TableUnavailable
from chalicelib.operators_log import tell_of_unforeseen
from chalicelib.revocation.batch import read_batch
from chalicelib.revocation.iam import IamOf, InlinePolicies, NotWritten, PolicyFull
from chalicelib.revocation.items import Revocations
from chalicelib.revocation.policy import NoRoom, RevocationPolicy, build_policy, is_denied, probe_id
from chalicelib.revocation.probe import Proof, Sessions, prove
from chalicelib.revocation.revocation import Revocation
from chalicelib.revocation.sweep import find_pending, is_sweep
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role

RevocationEvent = Literal["revocation.written", "revocation.failed", "revocation.in_force", "revocation.unproved"]

# How often a role is made again in one go, because more was asked for while its policy was written.
_ROUNDS: Final = 10
# IAM may count more characters than are counted here, if others write their policies oddly: what is given up then.
_GIVEN_UP_CHARACTERS: Final = (0, 512, 2048)
# Whoever has less time left does not begin with another role, or to prove something: the stream brings it again.
_ENOUGH_MILLISECONDS: Final = 60_000
_PROBES_AT_ONCE: Final = 8
# The next sweep comes a minute later: a role that is begun with by then, and proofs, end soon after.
_SWEEP_SECONDS: Final = 30


class Records(Protocol):
    """The audit log."""

    def write(self, event: RevocationEvent, fields: dict[str, object]) -> None:
        """Write one event.

        Raises:
            AuditFailed: it could not be written.
        """


class Ledger(Protocol):
    """Where sessions are kept account of."""

    def note(self, one: Revocation, may_go_on: Callable[[], bool]) -> bool:
        """Note how far a revocation is with the sessions that it ends; whether that was done to the end.

        Raises:
            TableUnavailable: a table could not be asked.
        """


class Context(Protocol):
    """What Lambda tells of an invocation: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    aws_request_id: str
    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int: ...


class _Written(NamedTuple):
    """What was written, of which revocations, when (milliseconds since 1970)."""

    policy: RevocationPolicy
    revocations: Sequence[Revocation]
    moment: int


class Revoker:
    """Writes policies, proves them, and notes both. Kept between invocations."""

    def __init__(
        self,
        revocations: Revocations,
        iam_of: IamOf,
        sessions_of: Callable[[str], Sessions],
        ledger: Ledger,
        records: Records,
        catalog: Catalog,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is asked yet.

        Args:
            iam_of: the inline policies, given this function's ARN and the invocation's request id.
            sessions_of: sessions that ask, given the request id.
            clock: seconds since 1970.
        """
        self._revocations, self._iam_of, self._sessions_of = revocations, iam_of, sessions_of
        self._ledger, self._records, self._catalog, self._clock = ledger, records, catalog, clock

    def handle(self, event: Mapping[str, object], context: Context) -> dict[str, object]:
        """Carry out a batch of the stream, or sweep.

        Returns:
            Of a sweep, nothing; of a batch, the numbers of records that are to be brought again. The other records of
            the batch that come after them are as well, which does no harm.
            https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
        """
        invocation = _Invocation(self._iam_of(context.invoked_function_arn, context.aws_request_id), context)
        if is_sweep(event):
            self._sweep(invocation)
            return {}
        batch = read_batch(event)
        again = [
            number
            for role_arn, number in batch.to_write.items()
            if not invocation.has_time() or not self._write_and_note(role_arn, invocation)
        ]
        again += self._prove_all(batch.to_prove, invocation)
        again += [number for role_arn, number in batch.to_prove.items() if not self._tell(role_arn, invocation)]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in dict.fromkeys(again)]}

    def _sweep(self, invocation: "_Invocation") -> None:
        """Try again what the stream has given up, or holds up. Nothing is begun with after `_SWEEP_SECONDS`."""
        invocation = invocation.until(self._clock, self._clock() + _SWEEP_SECONDS)
        try:
            found = self._revocations.live(self._clock())
        except TableUnavailable:
            return  # the operators were told, and the next sweep comes
        pending = find_pending(found, self._clock(), self._is_probed)
        for role_arn in pending.to_write:
            if invocation.has_time():
                self._write_and_note(role_arn, invocation)
        # They are proved at once, in as long as one takes.
        some = pending.to_prove[:_PROBES_AT_ONCE]
        if some and invocation.has_time():
            self._prove_all({role_arn: role_arn for role_arn in some}, invocation)
        for role_arn in pending.to_tell:
            if invocation.has_time():
                self._tell(role_arn, invocation)

    def _is_probed(self, role_arn: str) -> bool:
        role = self._catalog.find_role(role_arn)
        return role is not None and role.probe is not None

    def _write_and_note(self, role_arn: str, invocation: "_Invocation") -> bool:
        """Have a role's policy be what the table says; whether that is done with, well or not."""
        try:
            written = self._write(role_arn, invocation.iam)
            # The record first: what is noted as written is on record.
            self._record_written(role_arn, written, invocation)
            for one in written.revocations:
                room = written.policy.room(one)
                if one.id in written.policy.covered and (one.written is None or one.room != room):
                    self._revocations.set_written(one, one.written or written.moment, room)
        except NotWritten as error:
            return self._note_failure(role_arn, error, invocation) and not error.passes
        except TableUnavailable:
            problem = "The table of revocations, or the ledger, could not be asked. It is tried again."
            self._record_failure(role_arn, NotWritten(problem, "table_unavailable"), (), invocation)
            return False
        except Exception as error:  # one role's trouble is not to keep the others from theirs
            tell_of_unforeseen(error, invocation.request_id)
            unforeseen = NotWritten("credvend failed: look into the revoker's log.", "unforeseen")
            self._record_failure(role_arn, unforeseen, (), invocation, type(error).__name__)
            return False
        return True

    def _write(self, role_arn: str, iam: InlinePolicies) -> _Written:
        """Write the policy until it is made from what the table holds after it was written.

        Raises:
            NotWritten, TableUnavailable: as they say.
        """
        found = self._revocations.of_role(role_arn)
        for _ in range(_ROUNDS):
            policy = self._put(role_arn, found, iam)
            moment = round(self._clock() * 1000)
            # Another invocation may have written an older state over a newer one: whoever comes last sees both.
            now = self._revocations.of_role(role_arn)
            if _asked(now) == _asked(found):
                return _Written(policy, found, moment)
            found = now
        raise NotWritten(
            "More was asked for each time that the policy was written. It is tried again.", "busy", passes=True
        )

    def _put(self, role_arn: str, found: Sequence[Revocation], iam: InlinePolicies) -> RevocationPolicy:
        now = self._clock()
        if not any(one.is_live(now) for one in found):
            iam.delete(role_arn)
            return build_policy(found, now, 0)
        if not self._is_known(role_arn):
            raise NotWritten(
                f"{role_arn} is no role of the catalog that is deployed, nor one that its roles chain to: revoke its "
                "sessions in IAM, or put it into roles.yaml, deploy, and ask again.",
                "not_in_catalog",
            )
        role = self._catalog.find_role(role_arn)
        room = iam.room(role_arn)
        for given_up in _GIVEN_UP_CHARACTERS:
            try:
                policy = build_policy(found, now, room - given_up, probed=role is not None and role.probe is not None)
            except NoRoom as error:
                raise _no_room(role_arn, room, error.needed) from None
            assert policy.document is not None  # noqa: S101 something is live
            try:
                iam.put(role_arn, policy.document)
            except PolicyFull:
                continue
            return policy
        raise _no_room(role_arn, room, len(policy.document or ""))

    def _is_known(self, role_arn: str) -> bool:
        if self._catalog.find_role(role_arn) is not None:
            return True
        return any(role_arn in role.chains_to for role in self._catalog.roles)

    def _prove_all(self, roles: Mapping[str, str], invocation: "_Invocation") -> list[str]:
        """See that policies are in force, several at once; the numbers of those to be brought again."""
        again: list[str] = []
        asked: list[_ToProve] = []
        for role_arn, number in roles.items():
            try:
                found = self._to_prove(role_arn, number, invocation.iam)
            except _NotThere:
                problem = (
                    "IAM shows another policy than the one that was written: an older one, or somebody changed it."
                )
                self._record_unproved(role_arn, (), Proof(False, problem, "not_as_written"), invocation)
                again.append(number)
                if invocation.sweeps:  # minutes later it is no older state that IAM shows, but another policy
                    self._write_and_note(role_arn, invocation)
            except (NotWritten, TableUnavailable) as error:
                self._record_unproved(role_arn, (), Proof(False, str(error), "not_read"), invocation)
                again.append(number)
            else:
                asked += [found] if found is not None else []
        if not invocation.has_time():
            return list(roles.values())
        sessions = self._sessions_of(invocation.request_id)
        with ThreadPoolExecutor(_PROBES_AT_ONCE) as pool:
            proofs = list(pool.map(lambda one: prove(one.role, one.probe_id, sessions), asked))
        for one, proof in zip(asked, proofs, strict=True):
            if not self._note_proof(one, proof, invocation):
                again.append(one.number)
        return again

    def _tell(self, role_arn: str, invocation: "_Invocation") -> bool:
        """Have the ledger know how far the revocations of a role are; whether that is done with."""
        try:
            for one in self._revocations.of_role(role_arn):
                told = one.to_tell
                if told is not None:
                    if not self._ledger.note(one, invocation.has_time):
                        return False
                    self._revocations.set_told(one, told)
        except TableUnavailable:
            return False
        return True

    def _to_prove(self, role_arn: str, number: str, iam: InlinePolicies) -> "_ToProve | None":
        """What is to be proved of a role; None: nothing.

        Raises:
            _NotThere: IAM shows a policy that is not the one that was written, or not yet.
            NotWritten, TableUnavailable: as they say.
        """
        role = self._catalog.find_role(role_arn)
        if role is None or role.probe is None:
            return None
        now = self._clock()
        waiting = [
            one
            for one in self._revocations.of_role(role_arn)
            if one.written is not None and one.in_force is None and one.is_live(now)
        ]
        if not waiting:
            return None
        document = iam.current(role_arn)
        if document is None or not all(is_denied(document, one) for one in waiting):
            raise _NotThere
        named = probe_id(document)
        return None if named is None else _ToProve(role, number, named, waiting)

    def _note_proof(self, one: "_ToProve", proof: Proof, invocation: "_Invocation") -> bool:
        """Whether it is done with: what is still let in is to be asked again."""
        try:
            if not proof.refused:
                self._record_unproved(one.role.arn, one.revocations, proof, invocation)
                return proof.cause != "still_let_in"
            moment = round(self._clock() * 1000)
            fields = self._fields(one.role.arn, one.revocations, invocation)
            slowest = max((moment - (each.written or moment) for each in one.revocations), default=0)
            self._records.write("revocation.in_force", fields | {"probe": one.role.probe, "milliseconds": slowest})
            for each in one.revocations:
                self._revocations.set_in_force(each, moment)
        except TableUnavailable:
            return False
        return True

    def _record_written(self, role_arn: str, written: _Written, invocation: "_Invocation") -> None:
        policy = written.policy
        covered = [one for one in written.revocations if one.id in policy.covered]
        fields = self._fields(role_arn, covered, invocation) | {
            "characters": len(policy.document or ""),
            "folded": sorted(policy.folded) or None,
            "widened": sorted(policy.widened) or None,
        }
        self._records.write("revocation.written", fields)

    def _note_failure(self, role_arn: str, error: NotWritten, invocation: "_Invocation") -> bool:
        """Say on each item that waits why it waits; whether that could be said."""
        waiting: list[Revocation] = []
        told = True
        try:
            now = self._clock()
            found = self._revocations.of_role(role_arn)
            waiting = [one for one in found if one.written is None and one.is_live(now)]
            known = bool(waiting) and all(one.problem == error.problem for one in waiting)
            if invocation.sweeps and known:
                return True  # noted and on record as it is
            for one in waiting:
                self._revocations.set_problem(one, error.problem)
        except TableUnavailable:
            told = False
        self._record_failure(role_arn, error, waiting, invocation)
        return told

    def _record_failure(
        self,
        role_arn: str,
        error: NotWritten,
        revocations: Sequence[Revocation],
        invocation: "_Invocation",
        error_type: str | None = None,
    ) -> None:
        told = {"cause": error.cause, "error": error.problem, "error_type": error_type}
        self._records.write("revocation.failed", self._fields(role_arn, revocations, invocation) | told)

    def _record_unproved(
        self, role_arn: str, revocations: Sequence[Revocation], proof: Proof, invocation: "_Invocation"
    ) -> None:
        told = {"cause": proof.cause, "error": proof.problem}
        self._records.write("revocation.unproved", self._fields(role_arn, revocations, invocation) | told)

    def _fields(self, role_arn: str, revocations: Sequence[Revocation], invocation: "_Invocation") -> dict[str, object]:
        role = self._catalog.find_role(role_arn)
        return {
            "request_id": invocation.request_id,
            "role": None if role is None else role.name,
            "role_arn": role_arn,
            "revocations": sorted(one.id for one in revocations),
            "count": len(revocations),
        }


class _NotThere(Exception):
    """What IAM shows of a policy is older than what it took, which may be for seconds: it is looked at again."""


class _ToProve(NamedTuple):
    """A role whose policy is to be seen in force.

    Attributes:
        number: of the first record about it.
        revocations: that the policy denies, and that nobody has seen denied.
    """

    role: Role
    number: str
    probe_id: str
    revocations: Sequence[Revocation]


class _Invocation:
    """One invocation of the function."""

    def __init__(self, iam: InlinePolicies, context: Context, may_begin: Callable[[], bool] | None = None) -> None:
        self.iam, self._context, self._may_begin = iam, context, may_begin
        self.request_id = context.aws_request_id

    @property
    def sweeps(self) -> bool:
        """It is a sweep's, after which another one comes by itself."""
        return self._may_begin is not None

    def until(self, clock: Callable[[], float], moment: float) -> "_Invocation":
        """The same for a sweep, which begins with nothing after a moment."""
        return _Invocation(self.iam, self._context, lambda: clock() < moment)

    def has_time(self) -> bool:
        if self._may_begin is not None and not self._may_begin():
            return False
        return self._context.get_remaining_time_in_millis() >= _ENOUGH_MILLISECONDS


def _asked(revocations: Sequence[Revocation]) -> set[Revocation]:
    """What was asked for, without what is noted of it."""
    noted = {"written": None, "in_force": None, "folded": False, "widened": False, "problem": None, "told": None}
    return {replace(one, **noted) for one in revocations}  # type: ignore[arg-type]


def _no_room(role_arn: str, room: int, needed: int) -> NotWritten:
    return NotWritten(
        f"The other inline policies of {role_arn} leave {max(room, 0)} of IAM's 10,240 characters, and {needed} are "
        "needed at least: make room, as by moving one of them into a managed policy, and ask again.",
        "no_room",
    )
