"""Lambda's side of a function: the Runtime API on loopback, and execution environments under AWS's own runtime client.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html says what is spoken; `awslambdaric`, which Lambda's
Python runtimes run, speaks it.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Final, cast

from ops.environments import programs

Json = dict[str, object]
FUNCTION: Final = "credvend-runtime"
REGION: Final = "ap-northeast-2"
_ROOT: Final = "/2018-06-01/runtime/"
_WAIT_SECONDS: Final = 60


@dataclass(frozen=True)
class Answer:
    """What the function answered to an event of API Gateway."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Json:
        return cast(Json, json.loads(self.text))


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
        taken: set once the runtime has taken the last invocation.
    """

    address: str = ""
    invocations: "SimpleQueue[_Invocation | None]" = field(default_factory=SimpleQueue)
    results: "SimpleQueue[tuple[str, Json]]" = field(default_factory=SimpleQueue)
    taken: Event = field(default_factory=Event)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def api(self) -> RuntimeApi:
        return cast(_Server, self.server).api

    def do_GET(self) -> None:
        invocation = self.api.invocations.get()
        if invocation is None:
            self.close_connection = True
            return
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:{REGION}:111122223333:function:{FUNCTION}",
            "Lambda-Runtime-Trace-Id": "Root=1-67000000-0123456789abcdef01234567;Sampled=0",
        }
        self._send(200, headers, invocation.event)
        self.api.taken.set()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.api.results.put((self.path.removeprefix(_ROOT), body))
        self._send(202, {}, b"{}")

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: RuntimeApi


@dataclass
class Environment:
    """An execution environment: a process of the runtime client with the unpacked package.

    Attributes:
        log: what it has written so far, if the test did not bring a standard output of its own.
    """

    api: RuntimeApi
    process: "subprocess.Popen[bytes]"
    log: list[str] = field(default_factory=list)
    _count: int = 0

    def send(self, event: Mapping[str, object], deadline: float | None = None) -> None:
        """Invoke the function.

        Args:
            deadline: seconds since 1970, UTC; None: in 25 s.
        """
        self._count += 1
        self.api.taken.clear()
        invocation = _Invocation(f"invocation-{self._count}", json.dumps(event).encode(), deadline or time.time() + 25)
        self.api.invocations.put(invocation)

    def answer(self) -> Answer:
        """The answer to the last event.

        Raises:
            FunctionFailed: the function raised, or its process ended.
        """
        path, body = self.result()
        if not path.endswith("/response"):
            raise FunctionFailed(json.dumps(body))
        return Answer(cast(int, body["statusCode"]), cast(dict[str, str], body["headers"]), str(body["body"]))

    def result(self) -> tuple[str, Json]:
        """What the runtime client reported, and where to."""
        ends = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < ends:
            try:
                return self.api.results.get(timeout=0.5)
            except Empty:
                if self.process.poll() is not None and self.api.results.empty():
                    raise FunctionFailed(f"ended with {self.process.returncode}: {self.log}") from None
        raise FunctionFailed("no answer")

    def call(self, event: Mapping[str, object], deadline: float | None = None) -> Answer:
        """Invoke the function, and wait for its answer."""
        self.send(event, deadline)
        return self.answer()

    def records(self) -> list[Json]:
        """The audit records so far: each line of the log that is JSON and names an event."""
        found = [cast(Json, json.loads(line)) for line in self.log if line.startswith("{")]
        return [record for record in found if "event" in record]


@contextmanager
def environment(
    tree: Path, variables: Mapping[str, str], stdout: int | None = None, search: Path | None = None
) -> Iterator[Environment]:
    """An execution environment, which ends with the block.

    Args:
        tree: the unpacked package.
        variables: beside those that Lambda always sets; they may take the place of these.
        stdout: a file descriptor for what it writes; None: `Environment.log`.
        search: a directory that Python looks into before the package.
    """
    server = _Server(("127.0.0.1", 0), _Handler)
    server.api = RuntimeApi(f"127.0.0.1:{server.server_address[1]}")
    serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    serving.start()
    process = subprocess.Popen(
        [programs("runtime") / "python", "-B", "-m", "awslambdaric", "app.app"],
        cwd=tree,
        env=_variables(tree, server.api.address, search) | dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if stdout is None else stdout,
        stderr=subprocess.STDOUT if stdout is None else subprocess.DEVNULL,
    )
    running = Environment(server.api, process)
    reading = Thread(target=_read, args=(running,), daemon=True)
    reading.start()
    try:
        yield running
    finally:
        process.kill()
        process.wait()
        server.api.invocations.put(None)
        server.shutdown()
        server.server_close()
        serving.join()
        reading.join()


def _read(running: Environment) -> None:
    if running.process.stdout is not None:
        with running.process.stdout as lines:
            for line in lines:
                running.log.append(line.decode().rstrip("\n"))


def _variables(tree: Path, api: str, search: Path | None) -> dict[str, str]:
    """What Lambda sets: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""
    version = subprocess.run(
        [programs("runtime") / "python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    variables = {
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
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
        "_HANDLER": "app.app",
    }
    return variables | ({"PYTHONPATH": str(search)} if search is not None else {})
