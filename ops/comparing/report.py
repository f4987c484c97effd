"""What a comparison found, put together once for all who print it."""

from typing import NamedTuple

from ops.comparing.access import Access
from ops.comparing.changes import Changed
from ops.comparing.replay import Counts
from ops.comparing.sides import Side


class Report(NamedTuple):
    """All of it.

    Attributes:
        replayed: of records, where they were asked for.
    """

    old: Side
    new: Side
    changes: tuple[Changed, ...]
    access: Access
    replayed: Counts | None = None

    @property
    def is_same(self) -> bool:
        """Whether both sides hold the same files."""
        return self.old.configuration.digest == self.new.configuration.digest
