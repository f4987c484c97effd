"""Words for what is wrong with the entries of configuration files."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

import msgspec

from chalicelib.text.likeness import nearest

# Types as msgspec calls them.
_KINDS: Final = {
    "array": "a list",
    "object": "keys with values",
    "str": "a text",
    "int": "a whole number",
    "float": "a number with a point",
    "bool": "true or false",
    "null": "empty",
}
_OF_TYPE: Final = re.compile("Expected `([^`]+)`, got `([^`]+)`")
_OF_SIZE: Final = re.compile("Expected `([^`]+)`( of length)? (>=|<=) ([0-9]+)")
# `groups[0]` is of the key `groups`.
_KEY: Final = re.compile("`([A-Za-z_]+)")
# YAML reads 123 as a number and yes as true where a text is meant. Durations are numbers, too.
_DURATION: Final = "int | str"
_SCALARS: Final = frozenset({"int", "float", "bool"})


class Located(Protocol):
    """Where an entry is: yaml_file.py knows."""

    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def lines(self) -> Mapping[str, int]: ...


def field_message(message: str, entry: type[msgspec.Struct], patterns: Mapping[str, str]) -> str:
    """What is wrong with an entry, in words: the field first.

    Args:
        message: msgspec's, such as "Expected `str`, got `int` - at `$.name`".
        entry: the type of the entry.
        patterns: for fields that must match a pattern, or be one of some values, that in words.
    """
    if "unknown field" in message and " - at `$." not in message:
        own = [name for name in entry.__struct_fields__ if name in entry.__annotations__]
        # The inherited ones after its own.
        return unknown_key("has an unknown field", message.split("`")[1], [*own, *entry.__struct_fields__])
    what, separator, where = message.replace("at `key` in `$.", "at `$.").rpartition(" - at `$.")
    if not separator:
        return _in_words(message.replace("Object missing", "lacks the"))
    field = where.rstrip("`")
    is_of_form = "matching regex" in what or what.startswith("Invalid enum value")
    return f"`{field}` {patterns.get(field.partition('[')[0], what) if is_of_form else _in_words(what)}"


def unknown_key(what: str, key: str, known: Iterable[str]) -> str:
    """Says that a key is none of those that there are, and which is meant.

    Args:
        what: how the message begins, such as "has an unknown key".
    """
    keys = list(dict.fromkeys(known))
    meant = nearest(key, keys)
    hint = f": did you mean `{meant}`? The" if meant else "; the"
    return f"{what} `{key}`{hint} {'keys are' if len(keys) > 1 else 'only one is'} {', '.join(keys)}"


def _in_words(what: str) -> str:
    """What msgspec says of a value."""
    match = _OF_TYPE.fullmatch(what)
    if match is not None:
        wanted, got = match[1].split(" | "), match[2]
        kinds = " or ".join(_KINDS.get(kind, kind) for kind in wanted if kind != "null")
        hint = ""
        if "str" in wanted and got in _SCALARS and match[1] != _DURATION:
            hint = ": write it in quotes"
        elif "array" in wanted and got == "str":
            hint = ": put it in brackets"
        return f"must be {kinds}, and is {_KINDS.get(got, got)}{hint}"
    match = _OF_SIZE.fullmatch(what)
    if match is None:
        return what
    wanted_type, counted, sign, bound = match.groups()
    if sign == ">=" and counted and bound == "1":
        return "must not be empty"
    unit = {"str": " characters", "array": " entries"}.get(wanted_type.split(" | ")[0], "") if counted else ""
    verb = "have" if counted else "be"
    return f"must {verb} at {'least' if sign == '>=' else 'most'} {bound}{unit}"


def label(entry: object, index: int) -> str:
    """How an entry is named in messages: its name, or its place."""
    name = entry.get("name") if isinstance(entry, dict) else None
    return repr(name) if isinstance(name, str) else f"number {index + 1}"


def located(kind: str, entry: object, index: int, where: Located, problem: str) -> str:
    """A line about an entry: file, what it is, on which line, and what is wrong with it.

    Args:
        index: its place among all.
        problem: the line is that of the first key that this names, if the entry has one of these.
    """
    line = next((where.lines[key] for key in _KEY.findall(problem) if key in where.lines), where.line)
    return f"{where.file}: {kind} {label(entry, index)} (line {line}): {problem}"


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
