"""Which configuration is it? A digest over the files of its directory."""

import hashlib
from pathlib import Path


def configuration_digest(config: Path) -> str:
    """SHA-256, 64 hexadecimal digits, over names and content of a directory's files.

    Hidden files are no part of it. What is deployed says this of the directory that is packaged: the adopter's files,
    laid over the shipped ones.
    """
    digest = hashlib.sha256()
    for path in shipped_files(config):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(config).as_posix()}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def shipped_files(config: Path) -> list[Path]:
    """The files of a configuration directory that its digest is of."""
    return [
        path
        for path in sorted(config.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(config).parts)
    ]
