"""Who has really had a role, and what a caller has really had: from the ledger."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from chalicelib.ledger.entry import Entry
from chalicelib.ledger.index_keys import at

_NOT_HAD = "failed"


class Had(NamedTuple):
    """Sessions that are alike.

    Attributes:
        what: their caller, or their role.
        sessions: how many of them there were.
        last: when the last one was asked for; milliseconds since 1970, UTC.
    """

    what: str
    sessions: int
    last: int

    @property
    def last_asked(self) -> str:
        """The same, in RFC 3339."""
        return at(self.last)


def had_by(entries: Iterable[Entry], what: Callable[[Entry], str]) -> list[Had]:
    """Sessions, counted by what they have in common; the latest first. Those that STS refused are none."""
    found: dict[str, Had] = {}
    for entry in entries:
        if entry.state != _NOT_HAD:
            known = found.get(what(entry), Had(what(entry), 0, 0))
            found[known.what] = Had(known.what, known.sessions + 1, max(known.last, entry.requested_at))
    return sorted(found.values(), key=lambda one: (-one.last, one.what))
