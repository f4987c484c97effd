"""YAML without its surprises, for files that grant access.

A key that stands twice is an error, where YAML silently keeps the last. Numbers are decimal: `0900` is not octal, and
`15:00` is not base 60. Dates are text.
"""

import json
import re
from collections.abc import Hashable, Mapping
from pathlib import Path

import msgspec
import yaml

from chalicelib.errors import ConfigError

_INTEGER = "tag:yaml.org,2002:int"
_DATE = "tag:yaml.org,2002:timestamp"


def read_entries(path: Path, key: str) -> list[object]:
    """The list that a file holds under its only key.

    Raises:
        ConfigError: the file cannot be read, or is of another shape.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 a SafeLoader
    except OSError as error:
        raise ConfigError([f"{path.name}: cannot be read: {error.strerror}"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([f"{path.name}: not valid YAML: {' '.join(str(error).split())}"]) from None
    if not isinstance(document, dict) or not isinstance(document.get(key), list):
        raise ConfigError([f'{path.name}: must hold a list "{key}"'])
    unknown = sorted(str(other) for other in document.keys() - {key})
    if unknown:
        raise ConfigError([f"{path.name}: unknown key {other!r}; the only one is {key!r}" for other in unknown])
    entries: list[object] = document[key]
    return entries


def json_schema(file: type[msgspec.Struct], title: str) -> dict[str, object]:
    """The JSON Schema of a file, made from the type of its content."""
    # In the regular expressions of JSON Schema (ECMA-262), the end of the text is `$` and `\\Z` does not exist.
    schema: dict[str, object] = json.loads(json.dumps(msgspec.json.schema(file)).replace(r"\\Z", "$"))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title} | schema


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


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        mapping: dict[Hashable, object] = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice in one mapping", node.start_mark)
        return mapping


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_INTEGER, _DATE)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_INTEGER, re.compile(r"(?:0|[1-9][0-9]*)\Z", re.ASCII), list("0123456789"))
