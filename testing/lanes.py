"""Two lanes side by side: `pytest --second-lane tests/e2e` runs those tests in a process of its own, beside the rest.

Either lane mostly waits: for CloudFormation, for processes that start, for a clock. The second lane reports each of its
tests to the first, which counts and prints them as its own, so that there is one summary, and it is pytest's.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Final, cast

import pytest

Json = dict[str, object]
_REPORTS: Final = "--lane-reports"
# What a failure of the lane itself is reported as.
_LANE: Final = "second lane"
# What the reports tell of, or there was nothing to report.
_ORDINARY_ENDS: Final = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--second-lane",
        action="append",
        default=[],
        metavar="PATH",
        help="run the tests of this file or folder beside the others; may stand several times",
    )
    parser.addoption(_REPORTS, type=int, help="this is the second lane: the file descriptor to report to")


def pytest_configure(config: pytest.Config) -> None:
    descriptor = cast(int | None, config.getoption(_REPORTS))
    if descriptor is not None:
        config.pluginmanager.register(SecondLane(config, descriptor))
    elif config.getoption("--second-lane"):
        config.pluginmanager.register(FirstLane(config))


class SecondLane:
    """The process of the second lane: runs its tests, and reports them."""

    def __init__(self, config: pytest.Config, descriptor: int) -> None:
        self._config = config
        self._reports = os.fdopen(descriptor, "w", encoding="utf-8")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if _is_of_second_lane(item)]
        self._tell({"collected": len(items)})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._tell({"report": data})

    def _tell(self, message: Json) -> None:
        self._reports.write(json.dumps(message) + "\n")
        self._reports.flush()


@dataclass(frozen=True)
class _Process:
    """The second lane, as the first one sees it. The queue ends with None."""

    process: "subprocess.Popen[bytes]"
    messages: "SimpleQueue[Json | None]"
    output: IO[bytes]


class FirstLane:
    """The process that people started: runs all other tests, and prints the reports of both lanes."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._second: _Process | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not _is_of_second_lane(item)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        if session.testsfailed or self._config.getoption("collectonly"):
            return (yield)
        with _second_lane(self._config) as self._second:
            done = yield
            self._print(session, wait=True)
            if self._second.process.wait() not in _ORDINARY_ENDS:
                self._config.hook.pytest_runtest_logreport(report=_broken_off(self._second))
            return done

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        done = yield
        if nextitem is None or nextitem.path != item.path:  # else their lines would be mixed
            self._print(item.session, wait=False)
        return done

    def _print(self, session: pytest.Session, wait: bool) -> None:
        """Print what the second lane has reported: so far, or until its end."""
        assert self._second is not None
        while True:
            try:
                message = self._second.messages.get(block=wait)
            except Empty:
                return
            if message is None:
                self._second.messages.put(None)
                return
            if "collected" in message:
                session.testscollected += cast(int, message["collected"])
                continue
            report = self._config.hook.pytest_report_from_serializable(config=self._config, data=message["report"])
            if report.when == "setup":
                self._config.hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
            self._config.hook.pytest_runtest_logreport(report=report)
            if session.shouldfail and wait:
                raise session.Failed(session.shouldfail)


def _is_of_second_lane(item: pytest.Item) -> bool:
    paths = cast(list[str], item.config.getoption("--second-lane"))
    return any(item.path.is_relative_to(item.config.invocation_params.dir / path) for path in paths)


def _broken_off(second: _Process) -> pytest.TestReport:
    """A failure that stands for all that was not run."""
    second.output.seek(0)
    said = second.output.read().decode(errors="replace")
    message = f"the second lane broke off with {second.process.returncode}:\n{said[-4000:]}"
    return pytest.TestReport(_LANE, (_LANE, None, _LANE), {}, "failed", message, "call")


@contextmanager
def _second_lane(config: pytest.Config) -> Iterator[_Process]:
    """The second lane's process; it ends with the block, in order, whatever the end is."""
    reading, writing = os.pipe()
    # Coverage is measured of what the first lane runs; without the plugin, there is no such option.
    measured = ["--no-cov"] if config.pluginmanager.hasplugin("pytest_cov") else []
    arguments = [*map(str, config.invocation_params.args), *measured]
    command = [sys.executable, "-m", "pytest", *arguments, f"{_REPORTS}={writing}"]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=config.invocation_params.dir,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(writing,),
            process_group=0,  # so that a Ctrl-C reaches it once, from us: a second one would break off its cleaning up
        )
        os.close(writing)
        messages: SimpleQueue[Json | None] = SimpleQueue()
        thread = Thread(target=_read, args=(reading, messages), daemon=True)
        thread.start()
        try:
            yield _Process(process, messages, output)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)  # it stops what it has started
            process.wait()
            thread.join()


def _read(reading: int, messages: "SimpleQueue[Json | None]") -> None:
    with os.fdopen(reading, encoding="utf-8") as reports:
        for line in reports:
            messages.put(cast(Json, json.loads(line)))
    messages.put(None)
