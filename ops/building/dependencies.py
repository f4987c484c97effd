"""What `requirements.txt` names, as Lambda gets it: installed, made slim and compiled once, and kept for next time.

That takes longer than all the rest of packaging, and gives the same bytes each time. What is kept is found by a digest
of everything that it is made from, and used only if it is, byte for byte, what was made.
"""

import hashlib
import os
import shutil
import zipfile
from pathlib import Path
from typing import Final

from ops.building import service_models, slim, vendor
from ops.processes.file_lock import file_lock
from ops.processes.run import run

# As many as there are runtimes; those of other pinned versions go.
_MOST_KEPT: Final = 4
# What makes the dependencies out of the requirements: where it changes, they are made anew.
_MAKERS: Final = (Path(__file__), Path(service_models.__file__), Path(slim.__file__), Path(vendor.__file__))
_ASK: Final = "import importlib.metadata, sys; print(sys.version, importlib.metadata.version('pip'))"


def dependencies(requirements: Path, python: Path, kept: Path) -> bytes:
    """The packages of a requirements file, as a zip archive of their files as they are in Lambda.

    Args:
        python: an interpreter of the version that Lambda runs, in a virtualenv that has pip.
        kept: a directory that holds nothing else. Several processes may use it at once: one makes what is missing.

    Raises:
        CommandFailed: a package has no wheel for Lambda, or one with another hash, or holds what is no Python.
    """
    digest = _digest(requirements, python)
    with file_lock(kept / "lock"):
        kept.chmod(0o700)  # whoever writes here writes the function's code
        archive = kept / f"{digest}.zip"
        content = _find(archive)
        if content is None:
            content = _make(requirements, python, archive)
            _forget_old(kept)
        os.utime(archive)
    return content


def _digest(requirements: Path, python: Path) -> str:
    """Changes with whatever the archive is made from, and by."""
    asked = run([str(python), "-c", _ASK])
    asked.check_returncode()
    digest = hashlib.sha256()
    for part in (asked.stdout.encode(), requirements.read_bytes(), *(maker.read_bytes() for maker in _MAKERS)):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _stamp(archive: Path) -> Path:
    """Holds the SHA-256 of an archive that is whole, and is written after it."""
    return archive.with_suffix(".sha256")


def _find(archive: Path) -> bytes | None:
    """The archive, or None where it is not there, or is not what was made: cut short, or changed since."""
    try:
        content, expected = archive.read_bytes(), _stamp(archive).read_bytes()
    except FileNotFoundError:
        return None
    return content if hashlib.sha256(content).hexdigest().encode() == expected else None


def _make(requirements: Path, python: Path, archive: Path) -> bytes:
    making = archive.with_name("making")
    shutil.rmtree(making, ignore_errors=True)  # of somebody who was killed
    making.mkdir()
    try:
        vendor.vendor(requirements, making / "tree", python)
        made = making / archive.name
        with zipfile.ZipFile(made, "w") as stored:
            for path in sorted(path for path in (making / "tree").rglob("*") if path.is_file()):
                stored.write(path, path.relative_to(making / "tree"))
        slim.slim(made, str(python))
        content = made.read_bytes()
        made.replace(archive)
        _stamp(archive).write_bytes(hashlib.sha256(content).hexdigest().encode())
        return content
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _forget_old(kept: Path) -> None:
    """Keep those that were used last."""
    archives = sorted(kept.glob("*.zip"), key=lambda path: path.stat().st_mtime)
    for archive in archives[:-_MOST_KEPT]:
        _stamp(archive).unlink(missing_ok=True)
        archive.unlink()
