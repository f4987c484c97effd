"""A table for people to read."""

from collections.abc import Mapping, Sequence


def columns(names: Sequence[str], rows: Sequence[Mapping[str, object]]) -> str:
    """Rows below a head of names, each column as wide as its widest cell."""
    lines = [tuple(name.upper() for name in names)]
    lines += [tuple(_shown(row[name]) for name in names) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def rows(values: Mapping[str, object]) -> str:
    """One thing, a line for each that is known of it."""
    width = max(map(len, values))
    return "\n".join(f"{name.ljust(width)}  {_shown(value)}" for name, value in values.items())


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={text}" for key, text in value.items()) or "-"
    if isinstance(value, list):
        return ",".join(value) or "-"
    return "-" if value is None else str(value)
