"""Rows, as a table for people and as JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, and what it is measured against.

    Attributes:
        what, against: in words. `against` is empty where there is nothing.
        figure, reference: both in `unit`; `reference` is None where there is nothing to compare with.
        kind: what is held against the goal: `figure / reference`, `figure - reference`, or the figure itself.
        goal: the most that it may be; None: for information.
        p99: of the figure, where it is the median of many.
    """

    what: str
    against: str
    figure: float
    reference: float | None
    unit: str
    kind: Literal["ratio", "added", "absolute"]
    goal: float | None
    p99: float | None = None

    @property
    def score(self) -> float:
        """What is held against the goal."""
        if self.reference is None or self.kind == "absolute":
            return self.figure
        return self.figure / self.reference if self.kind == "ratio" else self.figure - self.reference

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached, None where there is none."""
        return None if self.goal is None else self.score <= self.goal


def write_json(rows: Sequence[Row], path: Path) -> None:
    """Write rows as a JSON array of objects: the fields of `Row`, `score` and `met`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = [asdict(row) | {"score": row.score, "met": row.met} for row in rows]
    path.write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> list[Row]:
    """Rows that another program has written in this form; what is none of `Row`'s fields is left out."""
    fields = Row.__dataclass_fields__
    return [
        Row(**{name: value for name, value in row.items() if name in fields})
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]


def render(rows: Sequence[Row]) -> str:
    """The table, in Markdown."""
    head = ("what", "measured", "p99", "against", "reference", "ratio or rest", "goal", "")
    cells = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    verdict = {True: "reached", False: "MISSED", None: ""}[row.met]
    return (
        row.what,
        _shown(row.figure, row.unit),
        "" if row.p99 is None else _shown(row.p99, row.unit),
        row.against,
        "" if row.reference is None else _shown(row.reference, row.unit),
        _scored(row.score, row),
        "" if row.goal is None else f"at most {_scored(row.goal, row)}",
        verdict,
    )


def _scored(value: float, row: Row) -> str:
    if row.kind == "ratio":
        return f"{value:.2f}x"
    return ("+" if row.kind == "added" and value >= 0 else "") + _shown(value, row.unit)


def _shown(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 3
    return f"{value:.{digits}f} {unit}"
