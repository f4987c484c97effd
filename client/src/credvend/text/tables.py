"""Tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from credvend.errors import one_line


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be; the last one as long as it is."""
    lines = [[one_line(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def duration(seconds: object) -> str:
    """Seconds, as people say them: `15m`, `1h`, `1h30m`; `--duration` takes it."""
    if not isinstance(seconds, int) or seconds <= 0:
        return ""
    parts = ((seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s"))
    return "".join(f"{amount}{unit}" for amount, unit in parts if amount)
