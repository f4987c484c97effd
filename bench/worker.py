"""One execution environment: `python -I -S -B worker.py ORDERS`, the orders a JSON object. Standard library alone.

It does what Lambda's runtime does: puts the unzipped package first on the path, imports the handler's module, and then
calls the handler. Commands come as lines of JSON on standard input, answers go to a file descriptor of their own, so
that standard output is the handler's, as in Lambda.
"""

# What Lambda's runtime client has imported before it looks at the handler.
import decimal  # noqa: F401
import importlib
import json
import logging  # noqa: F401
import os
import socket
import sys
import time
import traceback  # noqa: F401
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def main(tree: str, module: str, handler: str, port: int, answers: int) -> None:
    _lead_sts_to(port)
    sys.path.insert(0, tree)
    os.chdir(tree)
    started = time.perf_counter()
    handle = getattr(importlib.import_module(module), handler)
    initialised = (time.perf_counter() - started) * 1000
    with os.fdopen(answers, "w", encoding="utf-8") as answering:
        answering.write(json.dumps({"init": initialised}) + "\n")
        answering.flush()
        for line in sys.stdin:
            answering.write(json.dumps(_obey(json.loads(line), handle)) + "\n")
            answering.flush()


def _lead_sts_to(port: int) -> None:
    """Every connection goes to the stub, by whatever name: endpoints are resolved, and TLS is spoken, as in Lambda."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    socket.getaddrinfo = lambda *names, **options: found  # type: ignore[assignment]


def _obey(command: Json, handler: Callable[[Json, None], Json]) -> Json:
    if command["do"] == "call":
        return {"ms": _call(command, handler)}
    if command["do"] == "memory":
        return _memory()
    if command["do"] == "load":
        return {"ms": _load()}
    return _decide(command)


def _call(command: Json, handler: Callable[[Json, None], Json]) -> list[float]:
    taken: list[float] = []
    for _ in range(int(str(command["times"]))):
        event = json.loads(str(command["event"]))
        started = time.perf_counter()
        answer = handler(event, None)
        taken.append((time.perf_counter() - started) * 1000)
        if answer["statusCode"] != 200 or "SecretAccessKey" not in answer["body"]:
            raise SystemExit(f"not vended: {answer}")
    return taken


def _load() -> list[float]:
    """Time to load the configuration once more: the modules are there, nothing of the configuration is kept."""
    from chalicelib.assembly import CONFIG
    from chalicelib.configuration.load import load_configuration
    from chalicelib.configuration.settings import read_settings

    settings = read_settings(os.environ)
    started = time.perf_counter()
    load_configuration(CONFIG, settings)
    return [(time.perf_counter() - started) * 1000]


def _decide(command: Json) -> Json:
    """Decisions about one role after the other, as callers who may have them and callers who may not."""
    from datetime import UTC, datetime

    from chalicelib.callers.iam_user import IamUser
    from chalicelib.decisions.decision import Circumstances

    app = sys.modules["app"]
    configuration = app.service.configuration()
    now = datetime.now(UTC)
    taken: list[float] = []
    allowed = 0
    for user, role in command["questions"]:
        caller = IamUser("aws", "111122223333", "/", user, "AIDAEXAMPLE")
        started = time.perf_counter()
        asked_about = configuration.catalog.find_role(role)
        decision = configuration.authorizer.decide(caller, asked_about, Circumstances(900, "198.51.100.7", True, now))
        taken.append((time.perf_counter() - started) * 1000)
        allowed += decision.allowed
    return {"ms": taken, "allowed": allowed}


def _memory() -> Json:
    """Kilobytes: in use now, and the most so far."""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 pathlib would be imported for it
        fields = dict(line.split(":", 1) for line in status if ":" in line)
    return {"rss": int(fields["VmRSS"].split()[0]), "peak": int(fields["VmHWM"].split()[0])}


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
