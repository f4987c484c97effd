"""Cold starts under AWS's own runtime client: from the start of its process to the first answer."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.environment import Sts, lambda_environment
from bench.trees import BUILD
from testing.runtime import FunctionFailed, environment

# What bench/worker.py does in its interpreter: every connection but those to the Runtime API, which are the runtime
# client's own and made without Python, goes to the stub.
_LEAD_STS_TO: Final = """
import os, socket
_found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(os.environ["BENCH_STS_PORT"])))]
socket.getaddrinfo = lambda *names, **options: _found
"""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Milliseconds.

    Attributes:
        init: from the start of the process until it asks for its first event: interpreter, runtime client, handler.
        first: from then, that event being sent, until its answer is reported.
    """

    init: float
    first: float


def cold_start(tree: Path, handler: str, sts: Sts, event: str) -> ColdStart:
    """Start an execution environment, and have it answer an event.

    Raises:
        FunctionFailed: it vended nothing.
    """
    search = BUILD / "search"
    search.mkdir(parents=True, exist_ok=True)
    (search / "sitecustomize.py").write_text(_LEAD_STS_TO, encoding="ascii")
    variables = lambda_environment(tree, sts) | {"BENCH_STS_PORT": str(sts.port)}
    with environment(tree, variables, handler=handler, search=search) as started:
        ready = started.api.asked.get(timeout=60)
        answer = started.call(json.loads(event))
        if answer.status != 200 or "SecretAccessKey" not in answer.text:
            raise FunctionFailed(f"not vended: {answer.text}")
        sent, reported = started.api.sent.get(), started.api.reported.get()
    return ColdStart((ready - started.started) * 1000, (reported - sent) * 1000)
