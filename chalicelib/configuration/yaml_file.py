"""YAML without its surprises, for files that grant access.

A key that stands twice is an error, where YAML silently keeps the last. Numbers are decimal: `0900` is not octal, and
`15:00` is not base 60. Dates are text.
"""

import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Final

import yaml

from chalicelib.configuration.entry_problems import unknown_key
from chalicelib.errors import ConfigError

_INTEGER = "tag:yaml.org,2002:int"
_DATE = "tag:yaml.org,2002:timestamp"
# libyaml reads a catalog of 20,000 roles in a fourth of the time. Where PyYAML was built without it, there is Python.
_Base: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# No configuration comes near it; libyaml's loader would run out of stack, and the process end, at some 100,000.
_DEEPEST: Final = 64


def read_entries(path: Path, key: str) -> list[object]:
    """The list that a file holds under its only key.

    Raises:
        ConfigError: the file cannot be read, or is of another shape.
    """
    return read_entries_and_settings(path, key, ())[0]


def read_entries_and_settings(
    path: Path, key: str, settings: tuple[str, ...]
) -> tuple[list[object], Mapping[str, object]]:
    """The list that a file holds under a key, and what it holds under others.

    Args:
        settings: the other keys, each of which may be left out.

    Raises:
        ConfigError: the file cannot be read, or is of another shape.
    """
    document = _read(path)
    if not isinstance(document, dict):
        raise ConfigError([f'{path.name}: must hold a list "{key}"'])
    _refuse_unknown_keys(path, document, (key, *settings))
    if not isinstance(document.get(key), list):
        raise ConfigError([f'{path.name}: must hold a list "{key}"'])
    entries: list[object] = document.pop(key)
    return entries, document


def read_settings(path: Path, keys: tuple[str, ...]) -> Mapping[str, object]:
    """What a file holds under keys, each of which may be left out; a file without any is empty.

    Raises:
        ConfigError: the file cannot be read, or is of another shape.
    """
    document = _read(path)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError([f"{path.name}: must hold keys with values: {', '.join(keys)}"])
    _refuse_unknown_keys(path, document, keys)
    return document


def _read(path: Path) -> object:
    try:
        return load_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path.name}: cannot be read: {error.strerror}"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([f"{path.name}: not valid YAML: {yaml_problem(error)}"]) from None


def _refuse_unknown_keys(path: Path, document: Mapping[object, object], keys: tuple[str, ...]) -> None:
    unknown = sorted(str(other) for other in document.keys() - set(keys))
    if unknown:
        raise ConfigError([f"{path.name}: {unknown_key('unknown key', other, keys)}" for other in unknown])


def load_yaml(text: str, loader: "type[StrictLoader] | None" = None) -> object:
    """What a text holds.

    Args:
        loader: for tags of its own, where there are any.

    Raises:
        yaml.YAMLError, ValueError, RecursionError: it is not YAML, or nested too deeply.
    """
    _check_depth(text)
    document: object = yaml.load(text, Loader=loader or StrictLoader)  # noqa: S506 a SafeLoader
    return document


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
