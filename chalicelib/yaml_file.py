"""YAML without its surprises, for files that grant access.

A key that stands twice is an error, where YAML silently keeps the last. Numbers are decimal: `0900` is not octal, and
`15:00` is not base 60. Dates are text.
"""

import re
from collections.abc import Hashable
from pathlib import Path

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
