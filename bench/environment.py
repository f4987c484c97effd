"""Execution environments, and the STS that all of them reach."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from bench.stub_sts import ALIAS
from bench.trees import BUILD, REGION
from ops.environments import ROOT
from ops.stages.names import TABLES
from testing.certificate import make_certificate

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Sts:
    """The stub.

    Attributes:
        port: on 127.0.0.1.
        authorities: PEM file of those that clients trust: all that botocore brings, and the stub's own.
    """

    port: int
    authorities: Path


@contextmanager
def stub_sts() -> Iterator[Sts]:
    """STS, for as long as the block runs."""
    directory = BUILD / "sts"
    directory.mkdir(parents=True, exist_ok=True)
    own = make_certificate(directory, *(f"{service}.{REGION}.amazonaws.com" for service in ("sts", "dynamodb", "kms")))
    authorities = directory / "authorities.pem"
    authorities.write_bytes((BUILD / "bare/botocore/cacert.pem").read_bytes() + own.read_bytes())
    command = [sys.executable, "-m", "bench.stub_sts", str(directory)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 pipes, as asked for
        yield Sts(int(process.stdout.readline()), authorities)
        process.stdin.close()


class Environment:
    """An execution environment: a fresh interpreter with the handler imported. Times are milliseconds, memory kB."""

    def __init__(self, tree: Path, module: str, handler: str, sts: Sts) -> None:
        reading, writing = os.pipe()
        orders = {"tree": str(tree), "module": module, "handler": handler, "port": sts.port, "answers": writing}
        # The bare interpreter: what is neither in the standard library nor in the tree must be missing, as in Lambda.
        python = str(Path(sys.base_prefix) / "bin/python3")
        # As in Lambda, what the handler prints goes into a pipe that another process empties.
        self._drain = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self._process = subprocess.Popen(
            [python, "-I", "-S", "-B", str(ROOT / "bench/worker.py"), json.dumps(orders)],
            env=lambda_environment(tree, sts),
            stdin=subprocess.PIPE,
            stdout=self._drain.stdin,
            pass_fds=(writing,),
            text=True,
        )
        os.close(writing)
        self._answers = os.fdopen(reading, encoding="utf-8")
        started = self._answer()
        self.init = cast(float, started["init"])

    def call(self, event: str, times: int = 1) -> list[float]:
        """How long each of so many calls of the handler took."""
        return cast(list[float], self._order({"do": "call", "event": event, "times": times})["ms"])

    def load(self) -> float:
        """How long it takes to load the configuration."""
        return cast(list[float], self._order({"do": "load"})["ms"])[0]

    def decide(self, questions: list[tuple[str, str]]) -> list[float]:
        """How long each decision took."""
        return cast(list[float], self._order({"do": "decide", "questions": questions})["ms"])

    def memory(self) -> tuple[int, int]:
        """In use now, and the most so far."""
        answer = self._order({"do": "memory"})
        return cast(int, answer["rss"]), cast(int, answer["peak"])

    def end(self) -> None:
        cast(IO[str], self._process.stdin).close()
        if self._process.wait() != 0:
            raise RuntimeError("an execution environment failed")
        self._answers.close()
        cast(IO[bytes], self._drain.stdin).close()
        self._drain.wait()

    def _order(self, order: Json) -> Json:
        stdin = cast(IO[str], self._process.stdin)
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        return self._answer()

    def _answer(self) -> Json:
        line = self._answers.readline()
        if not line:
            raise RuntimeError("an execution environment ended early; see above")
        return cast(Json, json.loads(line))


def lambda_environment(tree: Path, sts: Sts) -> dict[str, str]:
    """The variables that Lambda sets, as far as anything looks at them."""
    return {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_SESSION_TOKEN": "example",
        "AWS_CA_BUNDLE": str(sts.authorities),
        "AWS_LAMBDA_FUNCTION_NAME": "credvend-bench",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "LAMBDA_TASK_ROOT": str(tree),
        **{f"CREDVEND_{name.replace('-', '_').upper()}_TABLE": f"bench-{name}" for name in TABLES.values()},
        "CREDVEND_SIGNING_ALIAS": ALIAS,
        "CREDVEND_ISSUER": "https://id.example.com",
        "LANG": "en_US.UTF-8",
        "PATH": os.defpath,
    }
