"""What the machine of a CI job has: a Python, and libraries where pip would find them on an index."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CLIENT = ROOT / ".venv/client"
_PIP = ROOT / ".venv/pip-{}.{}".format(*sys.version_info)


def installed_libraries(directory: Path) -> Path:
    """A directory of the client's libraries, pinned as in CI, without the client."""
    (found,) = (_CLIENT / "lib").glob("python*/site-packages")
    directory.mkdir()
    for one in found.iterdir():
        if not one.name.startswith(("credvend", "__pycache__")):
            (directory / one.name).symlink_to(one)
    return directory


# What stands in for python3. Each virtualenv that it makes has the libraries instead of what Python's own has, as there
# is no index.
_PYTHON = """#!/bin/sh
for last; do :; done
"{python}" "$@" {options} || exit
for found in "$last"/lib/python3*/site-packages; do
    [ -d "$found" ] || continue
    rm -rf "$found"/setuptools* "$found"/*distutils*
    ln -s "{libraries}"/* "$found"
done
"""


def machine(directory: Path, has_pip: bool = False) -> dict[str, str]:
    """The environment of a job's shell: nothing of whoever runs the tests, and no network for pip.

    As in many jobs, Python looks into the working directory, whatever it is started with, unless it is isolated.

    Args:
        has_pip: whether pip is among the libraries. Python takes 6 s to put its own into a virtualenv.
    """
    (directory / "bin").mkdir()
    (directory / "home").mkdir(mode=0o700)
    libraries = installed_libraries(directory / "libraries")
    if has_pip:
        for one in _PIP.glob("lib/python*/site-packages/pip*"):
            (libraries / one.name).symlink_to(one)
    options = "--without-pip" if has_pip else ""
    python = _PYTHON.format(python=sys.executable, libraries=libraries, options=options)
    (directory / "bin/python3").write_text(python)
    (directory / "bin/python3").chmod(0o755)
    return {
        "PATH": f"{directory}/bin:/usr/bin:/bin",
        "HOME": f"{directory}/home",
        "PYTHONPATH": ".",
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_CONFIG_FILE": "/dev/null",
    }


def job(shell: list[str], script: str, environ: Mapping[str, str], workspace: Path) -> subprocess.CompletedProcess[str]:
    """Run a script as a runner does: from a file, in the workspace."""
    file = workspace.parent / "script"
    file.write_text(script)
    return subprocess.run(
        [*shell, str(file)], env=dict(environ), cwd=workspace, capture_output=True, text=True, check=False, timeout=180
    )
