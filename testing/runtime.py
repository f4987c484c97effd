"""Lambda's side of a function: the Runtime API on loopback, and execution environments under AWS's own runtime client.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html says what is spoken; `awslambdaric`, which Lambda's
runtimes for Python run, speaks it.
"""

import json
import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Final, cast

from ops.environments import ROOT, programs
from testing.http_answer import HttpAnswer
from testing.loopback import Request, Response, json_response, serve

Json = dict[str, object]

FUNCTION: Final = "credvend-runtime"
REGION: Final = "ap-northeast-2"
_ROOT: Final = "/2018-06-01/runtime/"
# The function's time, as it is deployed.
SECONDS: Final = int(json.loads((ROOT / ".chalice/config.json").read_text(encoding="utf-8"))["lambda_timeout"])
_WAIT_SECONDS: Final = 60


class FunctionFailed(Exception):
    """The runtime client reported an error instead of an answer: what it said."""


@dataclass(frozen=True)
class _Invocation:
    id: str
    event: bytes
    deadline: float


@dataclass
class RuntimeApi:
    """The Runtime API of one execution environment.

    Attributes:
        asked, sent, reported: when the runtime asked for an invocation, got it, and reported what became of it; seconds
            of `time.perf_counter`.
    """

    invocations: "SimpleQueue[_Invocation | None]" = field(default_factory=SimpleQueue)
    results: "SimpleQueue[tuple[str, Json]]" = field(default_factory=SimpleQueue)
    asked: "SimpleQueue[float]" = field(default_factory=SimpleQueue)
    sent: "SimpleQueue[float]" = field(default_factory=SimpleQueue)
    reported: "SimpleQueue[float]" = field(default_factory=SimpleQueue)

    def answer(self, request: Request) -> Response | None:
        """The answer to the runtime client, which asks for the next invocation or says what became of the last."""
        if request.method == "POST":
            self.reported.put(time.perf_counter())
            self.results.put((request.path.removeprefix(_ROOT), json.loads(request.body)))
            return json_response({}, 202)
        self.asked.put(time.perf_counter())
        invocation = self.invocations.get()
        if invocation is None:
            return None
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:{REGION}:111122223333:function:{FUNCTION}",
            "Lambda-Runtime-Trace-Id": "Root=1-67000000-0123456789abcdef01234567;Sampled=0",
        }
        self.sent.put(time.perf_counter())
        return Response(200, invocation.event, headers)


@dataclass
class Environment:
    """An execution environment: a process of the runtime client with the unpacked package.

    Attributes:
        started: when it was; seconds of `time.perf_counter`.
    """

    api: RuntimeApi
    process: "subprocess.Popen[bytes]"
    started: float
    _output: IO[bytes]

    @property
    def log(self) -> list[str]:
        """The lines that it has written so far, unless they went to a standard output of the test's own."""
        self._output.seek(0)
        return self._output.read().decode().splitlines()

    def send(self, event: Mapping[str, object], deadline: float | None = None) -> None:
        """Invoke the function.

        Args:
            deadline: seconds since 1970, UTC; None: after as many as the deployed function has.
        """
        # The ids of Lambda's requests are UUIDs, whichever environment answers.
        invocation = _Invocation(str(uuid.uuid4()), json.dumps(event).encode(), deadline or time.time() + SECONDS)
        self.api.invocations.put(invocation)

    def answer(self) -> HttpAnswer:
        """The answer to the last event.

        Raises:
            FunctionFailed: the function raised, or its process ended.
        """
        path, body = self.result()
        if not path.endswith("/response"):
            raise FunctionFailed(json.dumps(body))
        return HttpAnswer(cast(int, body["statusCode"]), cast(dict[str, str], body["headers"]), str(body["body"]))

    def result(self) -> tuple[str, Json]:
        """What the runtime client reported, and where to."""
        ends = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < ends:
            with suppress(Empty):
                return self.api.results.get(timeout=0.5)
            if self.process.poll() is not None and self.api.results.empty():
                raise FunctionFailed(f"ended with {self.process.returncode}: {self.log}")
        raise FunctionFailed("no answer")

    def call(self, event: Mapping[str, object], deadline: float | None = None) -> HttpAnswer:
        """Invoke the function, and wait for its answer."""
        self.send(event, deadline)
        return self.answer()

    def records(self) -> list[Json]:
        """The audit records so far: each line of the log that is JSON and names an event."""
        found = [cast(Json, json.loads(line)) for line in self.log if line.startswith("{")]
        return [record for record in found if "event" in record]


@contextmanager
def environment(
    tree: Path,
    variables: Mapping[str, str],
    *,
    handler: str = "app.app",
    stdout: int | None = None,
    search: Path | None = None,
    keep: Sequence[int] = (),
) -> Iterator[Environment]:
    """An execution environment, which ends with the block.

    Args:
        tree: the unpacked package.
        variables: beside those that Lambda always sets; they may take the place of these.
        stdout: a file descriptor for what it writes; None: `Environment.log`.
        search: a directory that Python looks into before the package.
        keep: further file descriptors that it has.
    """
    api = RuntimeApi()
    # Not a pipe: what stands in a file when the answer comes need not be waited for.
    with serve(api.answer) as server, tempfile.TemporaryFile("a+b") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [programs("runtime") / "python", "-B", "-m", "awslambdaric", handler],
            cwd=tree,
            env=_variables(tree, f"127.0.0.1:{server.port}", handler, search) | dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=output if stdout is None else stdout,
            stderr=output if stdout is None else subprocess.DEVNULL,
            pass_fds=keep,
        )
        try:
            yield Environment(api, process, started, output)
        finally:
            process.kill()
            process.wait()
            api.invocations.put(None)


@cache
def _version() -> str:
    """The version of the runtime client's Python."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.check_output([programs("runtime") / "python", "-c", ask], text=True).strip()


def _variables(tree: Path, api: str, handler: str, search: Path | None) -> dict[str, str]:
    """What Lambda sets: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""
    variables = {
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{_version()}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_NAME": FUNCTION,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{FUNCTION}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0123456789abcdef",
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_REGION": REGION,
        "AWS_SECRET_ACCESS_KEY": "service-secret",
        "AWS_SESSION_TOKEN": "service-token",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": str(tree),
        "LANG": "en_US.UTF-8",
        "PATH": os.defpath,
        "TZ": ":UTC",
        "_HANDLER": handler,
    }
    return variables | ({"PYTHONPATH": str(search)} if search is not None else {})
