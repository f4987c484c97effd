"""Which configuration is it? A digest over the files of its directory."""

import hashlib
from pathlib import Path
from typing import Final

# Tests of policies, which are for whoever changes them: never shipped (ops/building/configuration_files.py).
_BESIDE: Final = frozenset({"tests", "tests.schema.json"})


def configuration_digest(config: Path) -> str:
    """SHA-256, 64 hexadecimal digits, over names and content of a directory's files.

    Hidden files and tests are no part of it. What is deployed says this of the directory that is packaged: the
    adopter's files, laid over the shipped ones.
    """
    digest = hashlib.sha256()
    for path in shipped_files(config):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(config).as_posix()}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def shipped_files(config: Path) -> list[Path]:
    """The files of a configuration directory that its digest is of."""
    return [path for path in sorted(config.rglob("*")) if path.is_file() and _is_part(path.relative_to(config))]


def _is_part(path: Path) -> bool:
    return path.parts[0] not in _BESIDE and not any(part.startswith(".") for part in path.parts)
