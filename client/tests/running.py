"""credvend as a process of its own, and as a command of a shell."""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

SOURCES: Final = str(Path(__file__).resolve().parents[1] / "src")
_WARM: Final = Path(__file__).with_name("warm_client.py")
_SECONDS: Final = 60


def credvend(environ: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run it, and wait for its end.

    Where the environment leaves Python itself as it is, a process that has imported what others wrote forks itself.
    """
    command = [sys.executable, "-m", "credvend", *words]
    changed = [name for name in environ if name.startswith(("LANG", "LC_", "LD_", "MALLOC", "PYTHON", "SSL_"))]
    # Libraries of macOS do not work in a fork.
    if sys.platform != "linux" or changed != ["PYTHONPATH"] or environ["PYTHONPATH"] != SOURCES:
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=_SECONDS)
    umask = os.umask(0)
    os.umask(umask)
    request = {"environ": dict(environ), "words": words, "directory": str(Path.cwd()), "umask": umask}
    warm = _warm()
    assert warm.stdin is not None and warm.stdout is not None
    print(json.dumps(request), file=warm.stdin, flush=True)
    if not select.select([warm.stdout], [], [], _SECONDS)[0]:
        warm.kill()
        raise subprocess.TimeoutExpired(command, _SECONDS)
    return subprocess.CompletedProcess(command, *json.loads(warm.stdout.readline()))


@cache
def _warm() -> subprocess.Popen[str]:
    warm = subprocess.Popen(
        [sys.executable, str(_WARM)],
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C is for the tests, which then close its input
    )
    atexit.register(warm.communicate)
    return warm


def with_command(environ: Mapping[str, str], directory: Path) -> dict[str, str]:
    """An environment in which `credvend` is a command, in `directory`/bin."""
    program = directory / "bin" / "credvend"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m credvend "$@"\n')
    program.chmod(0o755)
    return {**environ, "PATH": f"{program.parent}:{environ['PATH']}"}
