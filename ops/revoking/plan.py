"""What is to be asked for, so that the sessions that are meant end, and as few others as can be."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from chalicelib.aws.durations import MAXIMUM_SECONDS
from chalicelib.ledger.entry import Entry
from chalicelib.revocation.requests import Asked, Item, caller_item, role_item, session_item
from chalicelib.revocation.revocation import Form

# `sessions`: these alone. `caller`: all that these callers have. `roles`: all of these roles, whoever has them.
Scope = Literal["sessions", "caller", "roles"]
# A session ends a while after the time that was asked for: it begins when STS answers, and clocks differ.
LATER_SECONDS: Final = 300
# Of a role that sessions go on to: beyond as many, all its sessions are revoked. A policy has room for 258.
_MOST_CHAINED: Final = 100


@dataclass(frozen=True, slots=True)
class Request:
    """One item of the table of revocations that is to be.

    Attributes:
        role_arn: the role whose policy is written.
        form: by what its sessions are told.
        entries: the sessions that are meant.
        others: whom else it hits; None: nobody.
        chained: the role is one that the sessions may have gone on to.
        until: when the last session that is meant has ended; seconds since 1970, UTC.
    """

    role_arn: str
    form: Form
    entries: tuple[Entry, ...]
    until: int
    others: str | None = None
    chained: bool = False

    def item(self, at: int, by: str, reason: str | None, ahead: int = 0) -> Item:
        """As the table holds it.

        Args:
            at: when it is asked for; milliseconds since 1970, UTC.
            by: the ARN of the operator.
            ahead: seconds for which sessions of a caller that is blocked are issued yet.
        """
        until = max(self.until, at // 1000 + (0 if self.form == "session" else MAXIMUM_SECONDS + LATER_SECONDS))
        asked = Asked(self.role_arn, at, until, by, reason, self.chained, ahead)
        first = self.entries[0]
        match self.form:
            case "session":
                return session_item(asked, first.tag, first.caller_tag)
            case "caller":
                tag, identity = first.caller_tag, first.source_identity
                return caller_item(asked, first.caller, tag, identity if self.chained or tag is None else None)
            case "issued_before":
                return role_item(asked, () if self.chained else {entry.role for entry in self.entries})


def plan(scope: Scope, entries: Sequence[Entry], chains: Callable[[str], Sequence[str]], now: int) -> list[Request]:
    """What is to be asked for.

    Args:
        entries: those that are meant; one that has ended counts where its sessions may have gone on. One that is denied
            already counts as well: its policy may be gone, as with a role that was made anew, and is written again.
        chains: ARNs of the roles that sessions of a role may have gone on to.
        now: seconds since 1970, UTC.
    """
    live = [entry for entry in entries if entry.state != "failed" and entry.expires > now]
    found: dict[tuple[object, ...], Request] = {}
    for one in (*_requests(scope, live), *_chained(scope, entries, chains)):
        key = identity(one)
        found[key] = _together(found[key], one) if key in found else one
    return list(found.values())


def _requests(scope: Scope, live: Sequence[Entry]) -> Iterator[Request]:
    match scope:
        case "sessions":
            for entry in live:
                yield _of_session(entry)
        case "caller":
            for entries in _grouped(live, lambda entry: (entry.role_arn, entry.caller, *_told_by(entry))):
                yield _of_caller(entries)
        case "roles":
            for entries in _grouped(live, lambda entry: (entry.role_arn,)):
                yield _of_role(entries)


def _of_session(entry: Entry) -> Request:
    if entry.tagged:
        return Request(entry.role_arn, "session", (entry,), entry.expires + LATER_SECONDS)
    return _of_caller((entry,))


def _of_caller(entries: Sequence[Entry]) -> Request:
    """By the caller's tag where its sessions have it, by their source identity where they have that: all the same."""
    first = entries[0]
    if first.caller_tag is None and first.source_identity is None:
        return _of_role(entries)
    until = max(entry.expires for entry in entries) + LATER_SECONDS
    others = f"other sessions that {first.caller} has of it"
    if first.caller_tag is None:
        others = f"other sessions with the source identity {first.source_identity}"
    return Request(first.role_arn, "caller", tuple(entries), until, others)


def _told_by(entry: Entry) -> tuple[str | None, str | None]:
    """Tag and source identity, by which a caller's sessions are told; the latter where they have no tag."""
    return entry.caller_tag, None if entry.caller_tag is not None else entry.source_identity


def _of_role(entries: Sequence[Entry]) -> Request:
    until = max(entry.expires for entry in entries) + LATER_SECONDS
    others = "all sessions of it that were issued until now, whoever has them"
    return Request(entries[0].role_arn, "issued_before", tuple(entries), until, others)


def _chained(scope: Scope, entries: Iterable[Entry], chains: Callable[[str], Sequence[str]]) -> Iterator[Request]:
    """The same of the roles that the sessions may have gone on to, there by what goes on with a session."""
    begun = [entry for entry in entries if entry.state != "failed"]
    for of_role in _grouped(begun, lambda entry: (entry.role_arn,)):
        for chained in chains(of_role[0].role_arn):
            one_by_one = scope == "sessions" or (
                scope == "roles" and len(of_role) <= _MOST_CHAINED and all(entry.tagged for entry in of_role)
            )
            for request in _requests("sessions" if one_by_one else scope, of_role):
                yield Request(chained, request.form, request.entries, request.until, request.others, chained=True)


def identity(request: Request) -> tuple[object, ...]:
    """What the item's key is made of."""
    first = request.entries[0]
    who = {"session": first.tag, "caller": (first.caller, *_told_by(first)), "issued_before": None}[request.form]
    return request.role_arn, request.form, request.chained, who


def _together(one: Request, other: Request) -> Request:
    """Two that are one item."""
    entries = tuple(dict.fromkeys([*one.entries, *other.entries]))
    return replace(one, entries=entries, until=max(one.until, other.until))


def _grouped(entries: Iterable[Entry], key: Callable[[Entry], tuple[str | None, ...]]) -> Iterator[tuple[Entry, ...]]:
    groups: dict[tuple[str | None, ...], list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[key(entry)].append(entry)
    return (tuple(group) for group in groups.values())
