"""Words for what is wrong with the entries of configuration files."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

# YAML reads 123 as a number and yes as true where a text is meant. Durations are numbers, too.
_NEEDS_QUOTES: Final = re.compile(r"^Expected `(?!int \| str`)[^`]*\bstr\b[^`]*`, got `(int|float|bool)`")


def field_message(message: str, entry: type[msgspec.Struct], patterns: Mapping[str, str]) -> str:
    """What is wrong with an entry, in words: the field first.

    Args:
        message: msgspec's, such as "Expected `str`, got `int` - at `$.name`".
        entry: the type of the entry.
        patterns: for fields that must match a pattern, the pattern in words.
    """
    if "unknown field" in message and " - at `$." not in message:
        own = [name for name in entry.__struct_fields__ if name in entry.__annotations__]
        keys = ", ".join(dict.fromkeys([*own, *entry.__struct_fields__]))  # the inherited ones after its own
        return f"{message.replace('Object contains', 'has an')}; the keys are {keys}"
    what, separator, where = message.replace("at `key` in `$.", "at `$.").rpartition(" - at `$.")
    if not separator:
        return message.replace("Object missing", "lacks the")
    field = where.rstrip("`")
    if _NEEDS_QUOTES.search(what):
        what += ": write it in quotes"
    return f"`{field}` {patterns.get(field.partition('[')[0], what) if 'matching regex' in what else what}"


def label(entry: object, index: int) -> str:
    """How an entry is named in messages: its name, or its place."""
    name = entry.get("name") if isinstance(entry, dict) else None
    return repr(name) if isinstance(name, str) else f"number {index + 1}"


def duplicates(path: Path, kind: str, entries: list[object], fields: tuple[str, ...]) -> list[str]:
    """A line for each value that stands in the same field of two entries."""
    problems: list[str] = []
    for field in fields:
        first: dict[str, int] = {}
        for index, entry in enumerate(entries):
            value = entry.get(field) if isinstance(entry, dict) else None
            if not isinstance(value, str):
                continue
            if value in first:
                both = f"{kind} number {index + 1}: `{field}` {value} is that of {kind} number {first[value] + 1} too"
                problems.append(f"{path.name}: {both}")
            first.setdefault(value, index)
    return problems
