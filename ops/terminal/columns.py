"""A table for people to read."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from ops.terminal.say import escaped

# No column is made narrower.
_NARROWEST: Final = 8
_CUT: Final = "…"
_BETWEEN: Final = "  "


def columns(names: Sequence[str], rows: Sequence[Mapping[str, object]], narrowed: Sequence[str] = ()) -> str:
    """Rows below a head of names, each column as wide as its widest cell.

    Args:
        narrowed: columns that are cut, the widest first, where a terminal has no room; their ends stay.
    """
    lines = [tuple(name.upper() for name in names)]
    lines += [tuple(_shown(row[name]) for name in names) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    room = terminal_width()
    if narrowed and room is not None:
        widths = _fitted(widths, [names.index(name) for name in narrowed], room)
    return "\n".join(
        _BETWEEN.join(_cut(cell, width).ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def rows(values: Mapping[str, object]) -> str:
    """One thing, a line for each that is known of it."""
    width = max(map(len, values))
    return "\n".join(f"{name.ljust(width)}  {_shown(value)}" for name, value in values.items())


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None: it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _fitted(widths: Sequence[int], narrowed: Sequence[int], room: int) -> list[int]:
    fitted = list(widths)
    while sum(fitted) + len(_BETWEEN) * (len(fitted) - 1) > room:
        widest = max(narrowed, key=lambda place: fitted[place])
        if fitted[widest] <= _NARROWEST:
            break
        fitted[widest] -= 1
    return fitted


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else _CUT + cell[len(cell) - width + 1 :]


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{escaped(str(key))}={_shown(text)}" for key, text in value.items()) or "-"
    if isinstance(value, list):
        return ",".join(map(_shown, value)) or "-"
    return "-" if value is None else escaped(str(value))
