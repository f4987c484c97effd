"""Two lanes side by side: `pytest --lanes` runs the tests in two processes, which share them out between them.

Either lane often waits: for CloudFormation, for processes that start, for a clock. The second lane begins with the
tests of the stack that they share, which is slow to make, and the first lane with all the others, file by file. A lane
that has done its own takes of the other's from the back, so that both end at about the same time. The second lane
reports each of its tests to the first, which counts and prints them as its own, so that there is one summary, and it is
pytest's.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Final, cast

import pytest

from testing.order import LAST

Json = dict[str, object]
_STACK: Final = "stack"  # the fixture whose tests are the second lane's
_REPORTS: Final = "--lane-reports"
_CLAIMS: Final = "--lane-claims"
# What the reports tell of, or there was nothing to report.
_ORDINARY_ENDS: Final = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lanes", action="store_true", help="run the tests in two processes side by side")
    parser.addoption(_REPORTS, type=int, help="this is the second lane: the file descriptor to report to")
    parser.addoption(_CLAIMS, type=Path, help="where both lanes note which files they take")


def pytest_configure(config: pytest.Config) -> None:
    descriptor = cast(int | None, config.getoption(_REPORTS))
    if descriptor is not None:
        config.pluginmanager.register(SecondLane(config, descriptor))
    elif config.getoption("--lanes"):
        config.pluginmanager.register(FirstLane(config))


@dataclass(frozen=True)
class _Shares:
    """What a lane takes as a whole, each by its name, in the order in which tests run.

    Attributes:
        on_stack: the tests of the stack, one by one, for they are slow.
        others: files.
        last: what looks back on the whole run of the stack that the second lane has made.
    """

    on_stack: dict[str, list[pytest.Item]]
    others: dict[str, list[pytest.Item]]
    last: list[pytest.Item]

    def of_first_lane(self) -> Iterator[tuple[str, list[pytest.Item]]]:
        """In the order in which the first lane takes them. The first test of the stack is not for it."""
        yield from self.others.items()
        yield from reversed(list(self.on_stack.items())[1:])

    def of_second_lane(self) -> Iterator[tuple[str, list[pytest.Item]]]:
        """In the order in which the second lane takes them."""
        yield from self.on_stack.items()
        yield from reversed(self.others.items())


def _share(items: list[pytest.Item]) -> _Shares:
    shares = _Shares({}, {}, [])
    for item in items:
        if item.name == LAST:
            shares.last.append(item)
        elif _STACK in cast(pytest.Function, item).fixturenames:
            shares.on_stack[item.nodeid] = [item]
        else:
            shares.others.setdefault(str(item.path), []).append(item)
    return shares


def _takes(claims: Path, name: str) -> bool:
    """Whether this lane is the one that takes it. The other one is told no from then on."""
    try:
        (claims / hashlib.sha256(name.encode()).hexdigest()).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _run(session: pytest.Session, items: Iterator[pytest.Item]) -> None:
    """Run tests as pytest does, but find out as late as possible which ones.

    Raises:
        pytest.Session.Failed: as many failed as are to be had.
        pytest.Session.Interrupted: a test or a hook wants it to end.
    """
    item = next(items, None)
    while item is not None:
        following = next(items, None)  # a test takes down the fixtures that this one does not need
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = following


def _is_runnable(session: pytest.Session) -> bool:
    """Whether pytest would run what was collected."""
    return not (session.testsfailed or session.config.getoption("collectonly"))


class SecondLane:
    """The process of the second lane: runs its tests, and reports them."""

    def __init__(self, config: pytest.Config, descriptor: int) -> None:
        self._config = config
        self._reports = os.fdopen(descriptor, "w", encoding="utf-8")

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if not _is_runnable(session):
            return None
        _run(session, self._taken(session.items))
        return True

    def _taken(self, items: list[pytest.Item]) -> Iterator[pytest.Item]:
        claims = cast(Path, self._config.getoption(_CLAIMS))
        shares = _share(items)
        for name, group in shares.of_second_lane():
            if _takes(claims, name):
                yield from group
        yield from shares.last

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._reports.write(json.dumps(data) + "\n")
        self._reports.flush()


@dataclass(frozen=True)
class _Process:
    """The second lane, as the first one sees it. The queue ends with None."""

    process: "subprocess.Popen[bytes]"
    messages: "SimpleQueue[Json | None]"
    output: IO[bytes]


class FirstLane:
    """The process that people started: runs its tests, and prints the reports of both lanes."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._second: _Process | None = None
        self._reported: set[str] = set()

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if not _is_runnable(session):
            return None
        with tempfile.TemporaryDirectory() as directory:
            claims = Path(directory)
            mine = self._taken(session.items, claims)
            begun = list(islice(mine, 1))  # so that the first file is this lane's
            with _second_lane(self._config, claims) as self._second:
                _run(session, chain(begun, mine))
                self._print(session, wait=True)
                if self._second.process.wait() not in _ORDINARY_ENDS:
                    self._config.hook.pytest_runtest_logreport(report=_broken_off(self._second))
                elif left := [item.nodeid for item in session.items if item.nodeid not in self._reported]:
                    self._config.hook.pytest_runtest_logreport(report=_failed(f"no lane has run {', '.join(left)}"))
        return True

    def _taken(self, items: list[pytest.Item], claims: Path) -> Iterator[pytest.Item]:
        for name, group in _share(items).of_first_lane():
            if _takes(claims, name):
                yield from group

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":  # which each test has, and none whose process ended within it
            self._reported.add(report.nodeid)

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
            report = self._config.hook.pytest_report_from_serializable(config=self._config, data=message)
            if report.when == "setup":
                self._config.hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
            self._config.hook.pytest_runtest_logreport(report=report)
            if session.shouldfail and wait:
                raise session.Failed(session.shouldfail)


def _broken_off(second: _Process) -> pytest.TestReport:
    """A failure that stands for all that was not run."""
    second.output.seek(0)
    said = second.output.read().decode(errors="replace")
    return _failed(f"the second lane broke off with {second.process.returncode}:\n{said[-4000:]}")


def _failed(message: str) -> pytest.TestReport:
    return pytest.TestReport("lanes", ("lanes", None, "lanes"), {}, "failed", message, "call")


@contextmanager
def _second_lane(config: pytest.Config, claims: Path) -> Iterator[_Process]:
    """The second lane's process; it ends with the block, in order, whatever the end is."""
    reading, writing = os.pipe()
    arguments = [argument for argument in config.invocation_params.args if argument != "--lanes"]
    command = [sys.executable, "-m", "pytest", *map(str, arguments), f"{_REPORTS}={writing}", f"{_CLAIMS}={claims}"]
    if config.getoption("cov_source", None):
        # The first lane, which ends later, adds what it has to what the second one leaves, and reports both.
        command += ["--cov-report=", "--cov-fail-under=0"]
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
