"""Builds the wheels of the client and of credvend-admin: `python -m ops.dist` writes them into `dist/`.

The same sources give the same bytes.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ops.environments import ROOT, programs
from ops.errors import CommandFailed
from ops.processes.run import run
from ops.terminal.say import say

_CLIENT = ROOT / "client"
# Of the checkout, what credvend-admin is made of.
_ADMIN = ("chalicelib", "ops", "pyproject.toml")
_DIST = ROOT / "dist"
# By the setuptools that is pinned beside the client's libraries: no front end, which would fetch one. What a build
# copies gets its mode from the umask.
_BUILD = "import os, sys; os.umask(0o022); from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
# The first moment that a ZIP file can tell, unless the environment names another: https://reproducible-builds.org/specs/source-date-epoch/
_MOMENT = "315532800"
_LEFT_BEHIND = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", "tests")


def build(package: Path, into: Path, parts: Sequence[str] | None = None) -> Path:
    """Build the wheel of a package. Nothing is fetched, and nothing is left in the package's directory.

    Args:
        parts: of the directory, what belongs to the package; None: all.

    Raises:
        CommandFailed: it cannot be built.
    """
    into.mkdir(exist_ok=True)
    # Beside its place, so that it gets there whole or not at all.
    with tempfile.TemporaryDirectory(dir=into) as directory:
        copy = _copied(package, Path(directory) / "package", parts)
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH") or _MOMENT,
        }
        python = str(programs("client") / "python")
        done = run([python, "-I", "-c", _BUILD, directory], environment=environment, directory=copy)
        built = list(Path(directory).glob("*.whl"))
        if done.returncode != 0 or len(built) != 1:
            raise CommandFailed("\n".join(["The wheel cannot be built:", *done.stderr.strip().splitlines()[-20:]]))
        return built[0].rename(into / built[0].name)


def _copied(package: Path, copy: Path, parts: Sequence[str] | None) -> Path:
    if parts is None:
        return shutil.copytree(package, copy, ignore=_LEFT_BEHIND)
    copy.mkdir()
    for part in parts:
        if (package / part).is_dir():
            shutil.copytree(package / part, copy / part, ignore=_LEFT_BEHIND)
        else:
            shutil.copyfile(package / part, copy / part)
    return copy


def main() -> int:
    try:
        wheels = [build(_CLIENT, _DIST), build(ROOT, _DIST, _ADMIN)]
    except CommandFailed as error:
        say(str(error))
        return 1
    for wheel in wheels:
        print(f"wheel   {wheel}")
        # As pip takes it behind a `#` of the wheel's address.
        print(f"sha256  {hashlib.sha256(wheel.read_bytes()).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
