"""For the walk-throughs: a clone, where commands may leave things behind."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ops.environments import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this checkout, where commands may leave things behind."""
    copy = tmp_path / "credvend"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    # And what packaging keeps of its last time: the packages of Lambda need not be put together anew.
    (copy / ".build").symlink_to(ROOT / ".build")
    return copy
