"""YAML without its surprises, for files that grant access.

A key that stands twice is an error, where YAML silently keeps the last. Numbers are decimal: `0900` is not octal, and
`15:00` is not base 60. Dates are text.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from chalicelib.configuration.entry_problems import unknown_key
from chalicelib.errors import ConfigError

_INTEGER = "tag:yaml.org,2002:int"
_DATE = "tag:yaml.org,2002:timestamp"
# libyaml reads a catalog of 20,000 roles in a fourth of the time. Where PyYAML was built without it, there is Python.
_Base: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# No configuration comes near it; libyaml's loader would run out of stack, and the process end, at some 100,000.
_DEEPEST: Final = 64


class Entry(NamedTuple):
    """An entry of a list.

    Attributes:
        file: as messages call it.
        line: on which it begins.
        lines: on which its keys stand.
    """

    value: object
    file: str
    line: int
    lines: Mapping[str, int]

    @property
    def place(self) -> str:
        """Where it is, for messages about another one."""
        return f"{self.file}, line {self.line}"


class Listing(NamedTuple):
    """What a file holds.

    Attributes:
        entries: under the key that holds a list; None: it has no such key.
        settings: what it holds under others.
    """

    entries: tuple[Entry, ...] | None
    settings: Mapping[str, object]


def read_listing(path: Path, name: str, key: str, settings: tuple[str, ...] = ()) -> Listing:
    """The list that a file holds under a key, each entry with its lines, and what it holds under others.

    Args:
        name: what messages call the file.
        settings: the other keys.

    Raises:
        ConfigError: the file cannot be read, or is of another shape.
    """
    lines: list[tuple[int, Mapping[str, int]]] = []
    document = _read(path, name, lambda node: lines.extend(_lines_of_entries(node, key)))
    if not isinstance(document, dict):
        raise ConfigError([f'{name}: must hold a list "{key}"'])
    _refuse_unknown_keys(name, document, (key, *settings))
    if key not in document:
        return Listing(None, document)
    values = document.pop(key)
    if not isinstance(values, list):
        raise ConfigError([f'{name}: must hold a list "{key}"'])
    return Listing(tuple(Entry(value, name, *where) for value, where in zip(values, lines, strict=True)), document)


def _lines_of_entries(root: yaml.Node | None, key: str) -> list[tuple[int, Mapping[str, int]]]:
    """For each entry of the list under a key, the line on which it begins, and those of its keys."""
    lists = [
        value
        for name, value in (root.value if isinstance(root, yaml.MappingNode) else ())
        if name.value == key and isinstance(value, yaml.SequenceNode)
    ]
    return [
        (
            entry.start_mark.line + 1,
            {str(name.value): name.start_mark.line + 1 for name, _ in entry.value}
            if isinstance(entry, yaml.MappingNode)
            else {},
        )
        for entry in (lists[-1].value if lists else ())
    ]


def read_entries(path: Path, key: str) -> list[object]:
    """The list that a file holds under its only key.

    Raises:
        ConfigError: the file cannot be read, or is of another shape.
    """
    entries = read_listing(path, path.name, key).entries
    if entries is None:
        raise ConfigError([f'{path.name}: must hold a list "{key}"'])
    return [entry.value for entry in entries]


def read_settings(path: Path, keys: tuple[str, ...]) -> Mapping[str, object]:
    """What a file holds under keys, each of which may be left out; a file without any is empty.

    Raises:
        ConfigError: the file cannot be read, or is of another shape.
    """
    document = _read(path, path.name)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError([f"{path.name}: must hold keys with values: {', '.join(keys)}"])
    _refuse_unknown_keys(path.name, document, keys)
    return document


def _read(path: Path, name: str, look: Callable[[yaml.Node | None], None] | None = None) -> object:
    """What a file holds.

    Args:
        name: what messages call it.
        look: is shown what it is made from, which has lines.
    """
    try:
        return load_yaml(path.read_text(encoding="utf-8"), look=look)
    except OSError as error:
        raise ConfigError([f"{name}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{name}: {not_utf8(error)}"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([f"{name}: not valid YAML: {yaml_problem(error)}"]) from None


def _refuse_unknown_keys(name: str, document: Mapping[object, object], keys: tuple[str, ...]) -> None:
    unknown = sorted(str(other) for other in document.keys() - set(keys))
    if unknown:
        raise ConfigError([f"{name}: {unknown_key('unknown key', other, keys)}" for other in unknown])


def load_yaml(
    text: str,
    loader: "type[StrictLoader] | None" = None,
    look: Callable[[yaml.Node | None], None] | None = None,
) -> object:
    """What a text holds.

    Args:
        loader: for tags of its own, where there are any.
        look: is shown what it is made from, which has lines.

    Raises:
        yaml.YAMLError, ValueError, RecursionError: it is not YAML, or nested too deeply.
    """
    _check_depth(text)
    reader = (loader or StrictLoader)(text)
    try:
        node = reader.get_single_node()
        if look is not None:
            look(node)
        document: object = None if node is None else reader.construct_document(node)
        return document
    finally:
        reader.dispose()


def not_utf8(error: UnicodeDecodeError) -> str:
    """What is wrong with a text that is in some other encoding, with its first such line."""
    return f"not in UTF-8 (line {error.object.count(10, 0, error.start) + 1}): save it so"


def yaml_problem(error: Exception) -> str:
    """What is wrong with a text that `load_yaml` does not take, in one line."""
    said = " ".join(str(error).split()).replace('in "<unicode string>", ', "at ")
    for sign, hint in _HINTS:
        if sign in said:
            return f"{said}: {hint}"
    return said


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise ValueError(f"nested more than {_DEEPEST} levels deep")


# What often lies behind something that YAML says.
_HINTS: Final = (
    (
        "that cannot start any token",
        "indent with spaces, not with tabs; a text that begins with a sign stands in quotes",
    ),
    ("mapping values are not allowed", "is the indentation right? A text with `: ` in it stands in quotes"),
)


class StrictLoader(_Base):  # type: ignore[misc,valid-type]
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        mapping: dict[Hashable, object] = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            seen: set[object] = set()
            for key_node, _ in node.value:
                key = self.construct_object(key_node, deep=True)
                if key in seen:
                    problem = f"a key stands twice in one mapping: {key!r}"
                    raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
                seen.add(key)
        return mapping


StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_INTEGER, _DATE)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
StrictLoader.add_implicit_resolver(_INTEGER, re.compile(r"(?:0|[1-9][0-9]*)\Z", re.ASCII), list("0123456789"))
