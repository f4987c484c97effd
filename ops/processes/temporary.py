"""Directories that are there for as long as the program runs, for nobody but whoever runs it."""

import atexit
import shutil
import tempfile
from pathlib import Path


def temporary_directory() -> Path:
    """A new one, empty."""
    directory = Path(tempfile.mkdtemp(prefix="credvend-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory
