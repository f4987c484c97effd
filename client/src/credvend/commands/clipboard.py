"""The clipboard, through the program that the system has for it. What is copied is on no command line."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

from credvend.errors import UsageError

# Each with its arguments, behind the variable without which it is of no use.
_PROGRAMS = (
    ("", "pbcopy"),
    ("WAYLAND_DISPLAY", "wl-copy"),
    ("DISPLAY", "xclip", "-selection", "clipboard"),
    ("DISPLAY", "xsel", "--clipboard", "--input"),
    ("", "clip.exe"),  # of Windows, for WSL
)
_SECONDS = 10


def copy(text: str, environ: Mapping[str, str]) -> None:
    """Put a text into the clipboard.

    Raises:
        UsageError: there is no program for it, or none that works.
    """
    useful = [command for variable, *command in _PROGRAMS if not variable or environ.get(variable)]
    programs = [(shutil.which(name, path=environ.get("PATH")), arguments) for name, *arguments in useful]
    found = [[program, *arguments] for program, arguments in programs if program]
    if not found:
        raise UsageError(
            "There is no program for the clipboard: install wl-clipboard (Wayland), or xclip or xsel (X11), and have "
            "WAYLAND_DISPLAY or DISPLAY set. --print prints the address."
        )
    if not any(_run(command, text, environ) for command in found):
        raise UsageError("The clipboard cannot be written: its program failed. --print prints the address.")


def _run(command: list[str], text: str, environ: Mapping[str, str]) -> bool:
    quiet = subprocess.DEVNULL  # what stays to hand the text out keeps these open
    typed = text.encode("ascii")
    try:
        subprocess.run(command, input=typed, env=environ, stdout=quiet, stderr=quiet, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True
