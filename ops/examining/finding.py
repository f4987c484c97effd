"""What was found: something out of order, or something that could not be asked; and what to do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ops.aws.reader import NotTold
from ops.documents.json_object import Json

# In the order of their importance. `problem`: it is not in order. `unknown`: it could not be asked, and so it is not
# known. `warning`: it works, and will not for long, or not for everybody. `note`: nothing to be done, or nothing here.
Level = Literal["problem", "unknown", "warning", "note"]
_SHOWN: Final = 5
LEVELS: Final[tuple[Level, ...]] = ("problem", "unknown", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        about: what it is about, such as `role readonly`.
        what: what is wrong with it.
        do: what to do; one line for each thing.
        statements: of IAM, to be added to the trust policy of the role.
        right: what could not be asked for want of this right.
    """

    level: Level
    about: str
    what: str
    do: tuple[str, ...] = ()
    statements: tuple[Json, ...] = ()
    right: str = ""


def not_asked(error: NotTold, about: str, level: Level = "unknown") -> Finding:
    """That something could not be asked, and what is missing for it."""
    if error.right:
        return Finding(level, about, f"not asked: {error}", (f"Have {error.right} granted.",), right=error.right)
    return Finding(level, about, f"not known: {error}")


def some(names: Sequence[str]) -> str:
    """Names, the first ones of many."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def in_order_of_importance(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first; those of one kind as they were found."""
    return sorted(findings, key=lambda one: LEVELS.index(one.level))


def is_in_order(findings: Iterable[Finding]) -> bool:
    """Whether all was asked, and nothing found that keeps credvend from its work."""
    return not any(one.level in ("problem", "unknown") for one in findings)
