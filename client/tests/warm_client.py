"""A Python that has what credvend imports from others, and is credvend in a fork for each line of standard input.

Most of a command's processor time are imports. A command that runs here is otherwise as ever: its own modules are
imported anew, in a process with its own environment, directory, output and exit status.

A request is a line of JSON; so is its answer on standard output. It ends where its input ends.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import runpy
import sys
import tempfile
from contextlib import suppress
from typing import IO, Any

_IMPORTED = (
    "botocore.auth",
    "botocore.awsrequest",
    "botocore.credentials",
    "botocore.session",
    "click",
    "email.utils",
    "filelock",
    "http.client",
    "importlib.metadata",
    "ssl",
    "urllib.parse",
)


def become(request: dict[str, Any], stdout: IO[bytes], stderr: IO[bytes]) -> None:
    """Do what `python -m credvend` does, in a process of its own."""
    os.chdir(request["directory"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environ"])
    for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), stdout.fileno(), stderr.fileno())):
        os.dup2(file, number)
    sys.path[:1] = [request["directory"], request["environ"]["PYTHONPATH"]]
    sys.argv = ["", *request["words"]]
    runpy.run_module("credvend", run_name="__main__", alter_sys=True)


def main() -> None:
    for name in _IMPORTED:
        with suppress(ImportError):  # what is optional for the client is so for its tests
            importlib.import_module(name)
    assert not [name for name in sys.modules if name.startswith("credvend")]
    gc.freeze()
    for line in sys.stdin:
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            process = os.fork()
            if process == 0:
                become(json.loads(line), stdout, stderr)
                return
            ended = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            for file in (stdout, stderr):
                file.seek(0)
            said = [io.TextIOWrapper(file).read() for file in (stdout, stderr)]
        print(json.dumps([ended, *said]), flush=True)


if __name__ == "__main__":
    main()
