"""The clipboard, through the program that the system has for it. What is copied is on no command line."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

from credvend.errors import UsageError

# Each with the variable without which it is of no use.
_PROGRAMS = (
    ("pbcopy", None),
    ("wl-copy", "WAYLAND_DISPLAY"),
    ("xclip", "DISPLAY"),
    ("xsel", "DISPLAY"),
    ("clip.exe", None),  # of Windows, for WSL
)
_ARGUMENTS = {"xclip": ("-selection", "clipboard"), "xsel": ("--clipboard", "--input")}
_SECONDS = 10


def copy(text: str, environ: Mapping[str, str]) -> None:
    """Put a text into the clipboard.

    Raises:
        UsageError: there is no program for it, or none that works.
    """
    found = False
    for name, variable in _PROGRAMS:
        program = shutil.which(name, path=environ.get("PATH"))
        if program is None or (variable and not environ.get(variable)):
            continue
        found = True
        if _run([program, *_ARGUMENTS.get(name, ())], text, environ):
            return
    if found:
        raise UsageError("The clipboard cannot be written: its program failed. --print prints the address.")
    raise UsageError(
        "There is no program for the clipboard: install wl-clipboard (Wayland), or xclip or xsel (X11), and have "
        "WAYLAND_DISPLAY or DISPLAY set. --print prints the address."
    )


def _run(command: list[str], text: str, environ: Mapping[str, str]) -> bool:
    quiet = subprocess.DEVNULL  # what stays to hand the text out keeps these open
    try:
        done = subprocess.run(
            command,
            input=text.encode("ascii"),
            env=dict(environ),
            stdout=quiet,
            stderr=quiet,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
