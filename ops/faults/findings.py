"""What is wrong, and where: a message of whatever reads a configuration, given its file and its line."""

import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from chalicelib.errors import ConfigError
from ops.documents.yaml_document import Lines, lines_of

Severity = Literal["error", "warning"]

# The list of a file whose entries have names, and what messages call them.
_LISTS: Final = {
    "roles.yaml": ("role", "roles"),
    "issuers.yaml": ("issuer", "issuers"),
    "sessions.yaml": ("quota", "quotas"),
}
_FILE: Final = re.compile(r"(?P<file>[^\s:]+): (?P<rest>.*)", re.DOTALL)
_ENTRY: Final = re.compile(r"(?P<kind>[a-z]+) (?:'(?P<name>[^']*)'|number (?P<number>[0-9]+)): (?P<rest>.*)", re.DOTALL)
_FIELD: Final = re.compile(r"`([A-Za-z_]+)")
_RESOURCE: Final = re.compile(r"(?:Conditions|Mappings|Metadata|Outputs|Resources)(?:\.\w+)+")
# YAML's parser and Cedar's messages name lines of their own; the last of YAML's is where it gave up.
_YAML_LINE: Final = re.compile(r"at line ([0-9]+), column")
_SAID_LINE: Final = re.compile(r"[(,] ?line ([0-9]+)")


class Finding(NamedTuple):
    """One thing that is wrong, or likely so.

    Attributes:
        file: below the directory, or None: it is about the whole.
        line: from 1 on; None where none is known.
    """

    severity: Severity
    message: str
    file: str | None = None
    line: int | None = None


def found(config: Path, severity: Severity, messages: Iterable[str]) -> Iterator[Finding]:
    """Findings of messages that begin with the file: `roles.yaml: role 'x': ...`."""
    places = _Places(config)
    for message in messages:
        match = _FILE.fullmatch(message)
        if match is None or not os.path.lexists(config / match["file"]):
            yield Finding(severity, message)
        else:
            yield Finding(severity, match["rest"], match["file"], places.line(match["file"], match["rest"]))


class _Places:
    """Where things stand in the files of a directory, each read once."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._lines_of = cache(self._read)

    def line(self, file: str, message: str) -> int | None:
        if "not valid YAML" in message:
            said = _YAML_LINE.findall(message)
            return int(said[-1]) if said else None
        match = _SAID_LINE.search(message)
        if match is not None:
            return int(match[1])
        lines = self._lines_of(file)
        if lines is None:
            return None
        resource = _RESOURCE.match(message) if file.startswith("template.") else None
        if resource is not None:
            return lines.of(*resource[0].split("."))
        kind, name = _LISTS.get(file, ("", ""))
        entry = _ENTRY.fullmatch(message)
        if entry is None or entry["kind"] != kind:
            field = _FIELD.search(message)
            return lines.of(field[1]) if field is not None else 1
        place = int(entry["number"]) - 1 if entry["number"] else lines.place(name, entry["name"])
        field = _FIELD.search(entry["rest"])
        return lines.of(name, *([] if place is None else [place, *([field[1]] if field else [])]))

    def _read(self, file: str) -> Lines | None:
        path = self._config / file
        if path.suffix not in (".yaml", ".yml"):
            return None
        try:
            return lines_of(path)
        except ConfigError:
            return None
