"""Standard output, where it is done with before the program ends."""

from __future__ import annotations

import os
import sys


def end_output() -> None:
    """Write nothing more: who reads standard output sees its end, and Python does not try to write the rest."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
