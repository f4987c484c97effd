"""The aws command line without its start: what tests deploy in their own process calls it some hundred times.

Three quarters of a command's processor time, 0.3 s, are the imports of the aws command line. Here a process that has
them forks itself for each command, which otherwise runs as ever: the same program, its own environment, output and exit
status. What `make` starts, in tests as anywhere, starts a process for each command.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final, Protocol

import pytest

from ops.aws import aws_cli
from ops.environments import programs
from ops.processes.run import Ended, run

_SERVER: Final = Path(__file__).with_name("warm_aws_server.py")


class Run(Protocol):
    """Runs a program, and keeps what it prints."""

    def __call__(self, command: Sequence[str], *, environment: Mapping[str, str]) -> Ended: ...


@contextmanager
def warm_aws() -> Iterator[Run]:
    """Commands of `AwsCli` in this process run without a start of their own, within the block: by what this yields."""
    if sys.platform != "linux":  # macOS's libraries do not work in a fork
        yield run
        return
    cold = [str(programs("aws") / "python"), "-m", "awscli"]
    # Only our closing of its input is to end it: a Ctrl-C is for us, and then for it.
    with subprocess.Popen(
        [cold[0], str(_SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
        env={name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ},
    ) as server:
        lock = Lock()

        def run_warm(command: Sequence[str], *, environment: Mapping[str, str]) -> Ended:
            assert [*command[:3]] == cold
            arguments = list(command[3:])
            request = {"arguments": arguments, "environment": dict(environment), "directory": str(Path.cwd())}
            assert server.stdin is not None and server.stdout is not None
            with lock:
                try:
                    server.stdin.write(json.dumps(request) + "\n")
                    server.stdin.flush()
                    answer = json.loads(server.stdout.readline())
                except BaseException:
                    server.kill()  # or the next command would be told what this one has done
                    raise
            return subprocess.CompletedProcess(command, answer["returncode"], answer["stdout"], answer["stderr"])

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(aws_cli, "run", run_warm)
            yield run_warm
