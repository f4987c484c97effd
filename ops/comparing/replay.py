"""Requests that were really made, from audit records: to be decided again."""

import json
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TextIO

from ops.deciding.deciding import Asking
from ops.deciding.logged import Record, records_in
from ops.deciding.recorded import SERVICE, NotRecorded, is_vend, recorded
from ops.documents.json_object import json_object

PATTERN: Final = (
    f'{{ ($.service = "{SERVICE}") && (($.event = "credentials.requested") || ($.event = "credentials.denied")) }}'
)
"""Of CloudWatch Logs: each request for a role has one such record."""


class Counts(NamedTuple):
    """What became of records.

    Attributes:
        requests: that are decided again.
        dry_runs: which are no requests for credentials.
        undecided: refused before policies were asked.
        unreadable: whose records do not tell enough.
        untold: of those that are decided again, how many sent a policy, or had more groups than a record holds.
        first, last: when the earliest and the latest of them was made; empty: there is none.
    """

    requests: int = 0
    dry_runs: int = 0
    undecided: int = 0
    unreadable: int = 0
    untold: int = 0
    first: str = ""
    last: str = ""


class Replay:
    """Reads records once, each request once.

    Attributes:
        counts: so far.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        """Nothing is read yet.

        Args:
            lines: each holds a record; what stands before it is not looked at.
        """
        self._lines = lines
        self.counts = Counts()

    def requests(self) -> Iterator[Asking]:
        """The requests, in the order of the records."""
        seen: set[str] = set()
        for record in map(_record, self._lines):
            id_ = "" if record is None else str(record.get("request_id", ""))
            if record is None or "requested_role" not in record or id_ in seen:
                continue
            seen.add(id_)
            asking = self._request(record)
            if asking is not None:
                yield asking

    def _request(self, record: Record) -> Asking | None:
        counts = self.counts
        if record.get("dry_run") is True:
            self.counts = counts._replace(dry_runs=counts.dry_runs + 1)
            return None
        if not is_vend(record):
            self.counts = counts._replace(undecided=counts.undecided + 1)
            return None
        try:
            found = recorded(record)
        except NotRecorded:
            self.counts = counts._replace(unreadable=counts.unreadable + 1)
            return None
        when = found.asking.time.isoformat(timespec="seconds")
        self.counts = counts._replace(
            requests=counts.requests + 1,
            untold=counts.untold + bool(found.unknown),
            first=min(counts.first, when) or when,
            last=max(counts.last, when),
        )
        return found.asking


def _record(line: str) -> Record | None:
    start = line.find("{")
    found = None if start < 0 else json_object(line[start:])
    return found if found is not None and found.get("service") == SERVICE else None


def lines_of(file: TextIO) -> Iterator[str]:
    """A line for each record of a file: JSON lines, read one by one; or one JSON document that holds them."""
    first = file.readline()
    if _record(first) is not None or not first.strip().startswith(("[", "{")):
        yield first
        yield from file
        return
    yield from (json.dumps(record) for record in records_in(first + file.read()))
