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
from typing import Final

import pytest

from ops.aws import aws_cli
from ops.environments import programs
from ops.processes.run import Ended

_SERVER: Final = Path(__file__).with_name("warm_aws_server.py")


@contextmanager
def warm_aws() -> Iterator[None]:
    """Commands of `AwsCli` in this process run without a start of their own, within the block."""
    if sys.platform != "linux":  # macOS's libraries do not work in a fork
        yield
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

        def run(command: Sequence[str], *, environment: Mapping[str, str]) -> Ended:
            assert [*command[:3]] == cold
            arguments = list(command[3:])
            request = {"arguments": arguments, "environment": dict(environment), "directory": str(Path.cwd())}
            assert server.stdin is not None and server.stdout is not None
            with lock:
                server.stdin.write(json.dumps(request) + "\n")
                server.stdin.flush()
                answer = json.loads(server.stdout.readline())
            return subprocess.CompletedProcess(command, answer["returncode"], answer["stdout"], answer["stderr"])

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(aws_cli, "run", run)
            yield
