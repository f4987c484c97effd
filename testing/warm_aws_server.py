"""The aws command line, ready to run: a program for the Python of its virtualenv. Each command is a fork of it.

A request is a line of JSON on standard input; so is its answer on standard output. It ends where its input ends.
"""

import gc
import importlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import IO

clidriver = importlib.import_module("awscli.clidriver")
PROGRAM = str(Path(str(clidriver.__file__)).with_name("__main__.py"))
# What awscli's import puts into the environment of each command: where its own data is.
DATA_PATH = os.environ["AWS_DATA_PATH"]


def run(request: dict[str, object], stdout: IO[bytes], stderr: IO[bytes]) -> None:
    """What `python -m awscli` does, in a process with the environment and the directory of the request."""
    os.chdir(str(request["directory"]))
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    os.environ["AWS_DATA_PATH"] = DATA_PATH
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(stdout.fileno(), 1)
    os.dup2(stderr.fileno(), 2)
    sys.argv = [PROGRAM, *request["arguments"]]  # type: ignore[misc]
    sys.exit(clidriver.main())


def main() -> None:
    clidriver.create_clidriver()  # imports what each command imports
    for name in ("awscli.customizations.s3.subcommands", "botocore.httpsession"):
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            process = os.fork()
            if process == 0:
                run(json.loads(line), stdout, stderr)
            ended = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            stdout.seek(0)
            stderr.seek(0)
            texts = {"stdout": io.TextIOWrapper(stdout).read(), "stderr": io.TextIOWrapper(stderr).read()}
        print(json.dumps({"returncode": ended, **texts}), flush=True)


if __name__ == "__main__":
    main()
