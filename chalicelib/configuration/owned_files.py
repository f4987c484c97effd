"""Which files hold the catalog? One, or one for each owner, in a folder of the same name: `roles.yaml`, `roles/`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_SUFFIX: Final = ".yaml"


class OwnedFile(NamedTuple):
    """A file, and what messages call it."""

    path: Path
    name: str


def owned_files(path: Path) -> Iterator[OwnedFile]:
    """What lies in the folder beside a file, in the order of the names; hidden files are no part of it.

    Args:
        path: of the file without which there may be none: `roles.yaml`.
    """
    folder = path.with_suffix("")
    for found in sorted(folder.rglob("*")):
        relative = found.relative_to(path.parent)
        if not found.is_dir() and not any(part.startswith(".") for part in relative.parts):
            yield OwnedFile(found, relative.as_posix())


def problem_with_file(file: OwnedFile) -> str | None:
    """Why it would not be read."""
    if file.path.suffix == _SUFFIX and file.path.is_file():
        return None
    return f"{file.name}: not a *{_SUFFIX} file, so it would not be read: rename or remove it"
