"""Revoking, from what an operator means to what is seen in force."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from chalicelib.aws.durations import MAXIMUM_SECONDS
from chalicelib.ledger.entry import Entry
from chalicelib.ledger.index_keys import at
from chalicelib.ledger.reading import Wanted
from chalicelib.revocation.revocation import CLOCKS_SECONDS, UNDER_WAY_SECONDS, Revocation
from ops.ledger.described import state
from ops.ledger.revocations import progress
from ops.ledger.sessions import AHEAD_SECONDS, Sessions
from ops.revoking.asking import Asking, Key
from ops.revoking.chains import Chains
from ops.revoking.plan import LATER_SECONDS, Request, Scope, identity, plan
from ops.revoking.stragglers import stragglers
from ops.revoking.watching import PATIENCE_SECONDS, Watching

_SHOWN: Final = 5
# A session that was vended just now is found by caller, role or day when the index knows it, and by its id at once.
_INDEX_SECONDS: Final = 2.0


class Target(NamedTuple):
    """Whose sessions are to end: one of these; nothing: all.

    Attributes:
        session: its id.
        keys: access key ids.
        caller: its identifier, or an IAM role: all its sessions.
        role: catalog name.
        account: of roles.
        issuer: whose tokens the callers came with, by its name in issuers.yaml.
        blocked: the caller, or the issuer, is: what is issued yet was under way.
    """

    session: str | None = None
    keys: tuple[str, ...] = ()
    caller: str | None = None
    role: str | None = None
    account: str | None = None
    issuer: str | None = None
    blocked: bool = False

    @property
    def scope(self) -> Scope:
        """By what they are told."""
        if self.session is not None or self.keys:
            return "sessions"
        return "caller" if self.caller is not None or self.issuer is not None else "roles"

    @property
    def words(self) -> str:
        """Whose they are."""
        named = {"caller": self.caller, "issuer": self.issuer, "role": self.role, "account": self.account}
        return next((f"of {kind} {name} " for kind, name in named.items() if name is not None), "")


@dataclass(frozen=True, slots=True)
class Revoking:
    """Revokes sessions of a stage.

    Attributes:
        chains: where sessions may have gone on to.
        say: told what is going on.
    """

    sessions: Sessions
    chains: Chains
    say: Callable[[str], None]
    monotonic: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep

    def look(self, target: Target) -> list[Entry]:
        """The sessions that are meant: those that have not ended, denied already or not; and, where they may have gone
        on, those that ended a while ago. One that is named counts whenever it ended, if it may have gone on.

        Raises:
            OperationFailed: there is no such session, or they cannot be read.
        """
        now = self.sessions.operator.now()
        longer = self.chains.longest()
        since = (now - MAXIMUM_SECONDS - LATER_SECONDS - longer) * 1000
        if target.session is not None:
            found = [self.sessions.entry(target.session)]
        else:
            wanted = Wanted(
                since=0 if target.keys else since,
                until=(now + AHEAD_SECONDS) * 1000,
                caller=target.caller,
                role=target.role,
                account=target.account,
                keys=target.keys,
            )
            found = list(self.sessions.find(wanted, target.issuer))
        named = target.scope == "sessions" and longer > 0
        return [entry for entry in found if entry.state != "failed" and (named or entry.expires + longer > now)]

    def look_well(self, target: Target) -> list[Entry]:
        """The same; where there is nothing to revoke, once more, as an index follows its table by a second.

        Raises:
            OperationFailed: there is no such session, or they cannot be read.
        """
        found = self.look(target)
        if target.session is not None or self.plan(target, found):
            return found
        self.wait(_INDEX_SECONDS)
        return self.look(target)

    def nothing(self, target: Target) -> str:
        """Why nothing is to be revoked, where no session that is meant is live.

        Raises:
            OperationFailed: no session is meant: what was asked for hits nobody, and was meant to hit somebody.
        """
        if target.scope != "sessions":
            unheard = target.role is not None and not self.chains.is_named(target.role)
            hint = f" The roles.yaml of --config holds no role {target.role}: is that its name?" if unheard else ""
            return f"No session {target.words}is live: there is nothing to revoke.{hint}"
        sessions = self.sessions
        entry, revocation = (
            sessions.with_key(target.keys[0]) if target.session is None else sessions.get(target.session)
        )
        return f"Session {entry.id} is {state(entry, sessions.operator.now(), revocation)}: there is nothing to revoke."

    def plan(self, target: Target, entries: Sequence[Entry]) -> list[Request]:
        """What is to be asked for."""
        return plan(target.scope, entries, self.chains.of, self.sessions.operator.now())

    def told(self, requests: Sequence[Request]) -> Iterator[str]:
        """What it will hit, in lines for people."""
        own = {entry.id: entry for one in requests if not one.chained for entry in one.entries}
        callers = sorted({entry.caller for entry in own.values()})
        roles = {one.role_arn: one.entries[0].role for one in requests if not one.chained}
        on = f"{_many(len(roles), 'role')}{_some(sorted(set(roles.values())))}"
        yield f"{_many(len(own), 'live session')} of {_many(len(callers), 'caller')} on {on}:"
        for caller in callers[:_SHOWN]:
            yield f"  {sum(entry.caller == caller for entry in own.values()):5}  {caller}"
        if len(callers) > _SHOWN:
            yield f"         and {len(callers) - _SHOWN} more callers"
        others = {(one.role_arn, one.chained, one.others) for one in requests if one.others is not None}
        for role_arn, chained, whom in sorted(others, key=str):
            gone = ", to which they may have gone on:" if chained else ":"
            yield f"It also ends, of {role_arn}{gone} {whom}."
        for role_arn in sorted({one.role_arn for one in requests if one.chained and one.others is None}):
            yield f"It also ends, of {role_arn}, to which they may have gone on: what came from these sessions."
        for name in self.chains.unknown(roles):
            yield (
                f"roles.yaml does not hold role {name}, so it is not known to which roles its sessions may have gone "
                "on: name them by --also, or the deployed configuration by --config."
            )

    def ask(self, target: Target, requests: Sequence[Request], reason: str | None) -> "Pending":
        """Ask for it, now.

        Raises:
            NotFinished: not all could be asked for.
            OperationFailed: the table cannot be written.
        """
        operator = self.sessions.operator
        asking = Asking(
            operator,
            self.sessions.revocations.table,
            self.sessions.reader.table,
            operator.who_if_told(),
            reason,
            UNDER_WAY_SECONDS + CLOCKS_SECONDS if target.blocked else 0,
        )
        asked = asking.ask(requests)
        return Pending(self, target, tuple(requests), asked.keys, asking, asked.at)


@dataclass(frozen=True, slots=True)
class Pending:
    """What was asked for. It is carried out whether anybody waits or not."""

    revoking: Revoking
    target: Target
    requests: tuple[Request, ...]
    keys: tuple[Key, ...]
    asking: Asking
    asked: float

    def finish(self, patience: float = PATIENCE_SECONDS) -> dict[Key, Revocation]:
        """Wait until it is written, and seen in force where a role is probed; and for sessions that were under way.

        Raises:
            OperationFailed: the tables cannot be read.
        """
        revoking = self.revoking
        watching = Watching(
            revoking.sessions.revocations, revoking.chains.is_proved, revoking.say, revoking.monotonic, revoking.wait
        )
        keys = list(self.keys)
        found = watching.watch(keys, patience)
        if self.target.scope != "sessions":
            late, every = stragglers(
                lambda: revoking.look(self.target),
                self.asked,
                clock=revoking.sessions.operator.now,
                wait=revoking.wait,
            )
            asked = {identity(one) for one in self.requests}
            more = revoking.plan(self.target, late)
            again = {identity(one) for one in more}
            more += [one for one in revoking.plan(self.target, every) if identity(one) not in asked | again]
            if more:
                count = len({entry.id for one in more for entry in one.entries})
                revoking.say(f"{_many(count, 'session')} had been under way, and came later: asked for as well.")
                keys += [key for key in self.asking.ask(more).keys if key not in keys]
                found = watching.watch(keys, patience)
        return found

    def problems(self, found: dict[Key, Revocation]) -> str | None:
        """What is not as it should be, and what to do; None: all is."""
        open_ = [one for one in found.values() if progress(one) in ("requested", "failed")]
        proved = self.revoking.chains.is_proved
        unseen = [one for one in found.values() if progress(one) == "written" and proved(one.role_arn)]
        unseen = [one for one in unseen if not one.chained]
        if open_:
            roles = ", ".join(sorted({one.role_arn for one in open_}))
            return (
                f"Not written for {roles}. What was asked for stays, and is tried again; give the command again once "
                "what is in its way is gone. Until then, these sessions go on: docs/incidents.md says what else helps."
            )
        if unseen:
            roles = ", ".join(sorted({one.role_arn for one in unseen}))
            return f"Written, but not seen in force, for {roles}. `sessions show` tells when it is."
        if len(found) < len(self.keys):
            return "Some of it is not in the table of revocations any more. Give the same command again."
        return None

    def described(self, found: dict[Key, Revocation]) -> list[dict[str, object]]:
        """As JSON."""
        return [
            {
                "RoleArn": one.role_arn,
                "Id": one.id,
                "Form": one.form,
                "Chained": one.chained,
                "Progress": progress(one),
                "Requested": at(one.requested),
                "Written": None if one.written is None else at(one.written),
                "InForce": None if one.in_force is None else at(one.in_force),
                "Folded": one.folded,
                "Widened": one.widened,
                "Problem": one.problem,
            }
            for one in found.values()
        ]


def _some(roles: Sequence[str]) -> str:
    """Their names; of many, some."""
    more = f", and {len(roles) - _SHOWN} more" if len(roles) > _SHOWN else ""
    return f" ({', '.join(roles[:_SHOWN])}{more})" if roles else ""


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
