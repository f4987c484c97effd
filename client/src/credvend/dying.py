"""Ending by a signal."""

from __future__ import annotations

import contextlib
import os
import signal


def end_by(number: int) -> int:
    """End this process by a signal, so that whoever started it sees what happened.

    Returns:
        Where signals do not end processes: the exit code that a shell makes of one.
    """
    if os.name != "nt":
        # What a command has died of may leave an image of the memory behind; ours has secrets in it.
        with contextlib.suppress(ImportError, OSError, ValueError):
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError, ValueError):  # of SIGKILL nobody decides
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return 128 + number
