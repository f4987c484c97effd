"""Tables for people."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from itertools import chain, repeat

from credvend.errors import one_line

_BETWEEN = "  "
# For a blank where no line may break; no cell has one, as it cannot be printed.
_BLANK = "\0"
# Columns for the last cell of a row; where fewer are left, the terminal breaks the lines as it likes.
_LEAST = 20


def terminal_width() -> int | None:
    """The columns of the terminal that standard output goes to; None if it goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """Columns as wide as they need to be.

    Args:
        width: of the terminal, in columns. A last cell that is too long for it goes on below, in its column; a word
            that is, such as an address, stays whole. None: the last cells are as long as they are.
    """
    lines = [[one_line(cell) for cell in row] for row in (head, *rows)]
    sizes = [max(len(line[column]) for line in lines) for column in range(len(head) - 1)]
    room = None if width is None else width - sum(sizes) - len(_BETWEEN) * len(sizes)
    return "\n".join(
        _BETWEEN.join((*(f"{cell:{size}}" for cell, size in zip(cells, sizes, strict=True)), part)).rstrip()
        for *first, last in lines
        for cells, part in zip(chain([first], repeat([""] * len(first))), _broken(last, room), strict=False)
    )


def fitting(rows: Sequence[Mapping[str, str]], head: Sequence[str], spare: Sequence[str], width: int) -> list[str]:
    """The columns of a table that a terminal has room for.

    Args:
        rows: cells by column.
        spare: columns that are left out where there is no room, the first of them first.
        width: of the terminal, in columns.
    """
    shown = list(head)
    for name in spare:
        sizes = [max(len(column), *(len(one_line(row[column])) for row in rows)) for column in shown]
        sizes[-1] = min(sizes[-1], _LEAST)  # it goes on below
        if sum(sizes) + len(_BETWEEN) * (len(sizes) - 1) <= width:
            break
        shown = [column for column in shown if column != name]
    return shown


def _broken(text: str, room: int | None) -> list[str]:
    """A cell's lines. What is to be typed stands between backticks, and stays whole as well."""
    if room is None or room < _LEAST:
        return [text]
    whole = re.sub("`[^`]*`", lambda typed: typed[0].replace(" ", _BLANK), text)
    lines = textwrap.wrap(whole, room, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_BLANK, " ") for line in lines] or [""]


def duration(seconds: object) -> str:
    """Seconds, as people say them: `15m`, `1h`, `1h30m`; `--duration` takes it."""
    if not isinstance(seconds, int) or seconds <= 0:
        return ""
    parts = ((seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s"))
    return "".join(f"{amount}{unit}" for amount, unit in parts if amount)
