"""What a caller may ask for besides a role."""

from __future__ import annotations

from dataclasses import dataclass

from credvend.errors import UsageError
from credvend.lean import seconds_of

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Options:
    """The options of one request.

    Attributes:
        duration: seconds, or "90m", "1h30m"; None for the role's default.
        reason: one line, for the audit log.
        params, tags: pairs of name and value.
        policy: an IAM policy document, as JSON, that narrows the session.
    """

    duration: str | None = None
    reason: str | None = None
    params: Pairs = ()
    tags: Pairs = ()
    policy: str | None = None

    def __post_init__(self) -> None:
        if self.duration is not None and seconds_of(self.duration) is None:
            raise UsageError(
                "A duration is seconds, or numbers with units (d, h, m, s, in this order), such as 15m or 1h30m."
            )
        for what, pairs in (("param", self.params), ("tag", self.tags)):
            names = [name for name, _ in pairs]
            if len(set(names)) != len(names) or "" in names:
                raise UsageError(f"Each --{what} must be name=value, and each name be given once.")
