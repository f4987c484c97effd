"""Three lanes side by side: `pytest --lanes` runs the tests in processes which share them out between them.

Each lane often waits: for CloudFormation, for processes that start, for a clock, so that two cores have time for three.
A lane that is free takes the next file. The first lane begins with the quick tests and goes on to the slow ones, the
second begins with the end-to-end tests, the third with the walk-throughs; each then helps with what the others have not
come to, from the back, so that all end at about the same time. The others report each of their tests to the first,
which counts and prints them as its own, so that there is one summary, and it is pytest's.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Final, cast

import pytest

from testing.order import LAST

Json = dict[str, object]
_ENDS: Final = "e2e"  # the folder whose tests the second lane begins with
# Folders that the third lane takes from: none whose tests run the service in their own process, since their coverage is
# measured in two lanes only.
_APART: Final = frozenset({"walkthroughs", "runtime", "client"})
_HELPERS: Final = (2, 3)
_LANE: Final = "--lane"
_REPORTS: Final = "--lane-reports"
_CLAIMS: Final = "--lane-claims"
# What the reports tell of, or there was nothing to report.
_ORDINARY_ENDS: Final = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lanes", action="store_true", help="run the tests in three processes side by side")
    parser.addoption(_LANE, type=int, help="this is the second or the third lane")
    parser.addoption(_REPORTS, type=int, help="the file descriptor that it reports to")
    parser.addoption(_CLAIMS, type=Path, help="where the lanes note which files they take")


def pytest_configure(config: pytest.Config) -> None:
    descriptor = cast(int | None, config.getoption(_REPORTS))
    if descriptor is not None:
        config.pluginmanager.register(HelpingLane(config, descriptor))
    elif config.getoption("--lanes"):
        config.pluginmanager.register(FirstLane(config))


@dataclass(frozen=True)
class _Shares:
    """What a lane takes as a whole, each by its name: files, in the order in which tests run.

    Attributes:
        ends: the end-to-end tests. They share a stack, which is slow to make, so the second lane begins with them.
        last: what looks back on the whole run of the stack that the second lane has made.
    """

    others: dict[str, list[pytest.Item]]
    ends: dict[str, list[pytest.Item]]
    last: list[pytest.Item]

    def of_first_lane(self) -> Iterator[tuple[str, list[pytest.Item]]]:
        """In the order in which the first lane takes them. The first of the end-to-end tests are not for it."""
        yield from self.others.items()
        yield from reversed(list(self.ends.items())[1:])

    def of_helper(self, lane: int) -> Iterator[tuple[str, list[pytest.Item]]]:
        """In the order in which the second or the third lane takes them."""
        if lane == 2:
            yield from self.of_second_lane()
        else:
            yield from self.of_third_lane()

    def of_third_lane(self) -> Iterator[tuple[str, list[pytest.Item]]]:
        """In the order in which the third lane takes them."""
        for name, items in reversed(self.others.items()):
            if not _APART.isdisjoint(items[0].path.parts):
                yield name, items
        yield from reversed(list(self.ends.items())[1:])

    def of_second_lane(self) -> Iterator[tuple[str, list[pytest.Item]]]:
        """In the order in which the second lane takes them."""
        yield from self.ends.items()
        yield from reversed(self.others.items())


def _share(items: list[pytest.Item]) -> _Shares:
    shares = _Shares({}, {}, [item for item in items if item.name == LAST])
    for item in items:
        if item.name != LAST:
            files = shares.ends if _ENDS in item.path.parts else shares.others
            files.setdefault(str(item.path), []).append(item)
    return shares


def _takes(claims: Path, name: str) -> bool:
    """Whether this lane is the one that takes a file. The other one is told no from then on."""
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


class HelpingLane:
    """The process of the second or the third lane: runs its tests, and reports them."""

    def __init__(self, config: pytest.Config, descriptor: int) -> None:
        self._config = config
        self._reports = os.fdopen(descriptor, "w", encoding="utf-8")

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if not _is_runnable(session):
            return None
        _run(session, self._taken(session.items))
        return True

    def _taken(self, items: list[pytest.Item]) -> Iterator[pytest.Item]:
        claims, lane = cast(Path, self._config.getoption(_CLAIMS)), cast(int, self._config.getoption(_LANE))
        shares = _share(items)
        for name, group in shares.of_helper(lane):
            if _takes(claims, name):
                yield from group
        if lane == 2:
            yield from shares.last

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._reports.write(json.dumps(data) + "\n")
        self._reports.flush()


@dataclass(frozen=True)
class _Process:
    """Another lane, as the first one sees it. The queue ends with None."""

    lane: int
    process: "subprocess.Popen[bytes]"
    messages: "SimpleQueue[Json | None]"
    output: IO[bytes]


class FirstLane:
    """The process that people started: runs its tests, and prints the reports of all lanes."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._helpers: list[_Process] = []
        self._reported: set[str] = set()

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if not _is_runnable(session):
            return None
        with tempfile.TemporaryDirectory() as directory:
            claims = Path(directory)
            mine = self._taken(session.items, claims)
            begun = list(islice(mine, 1))  # so that the first file is this lane's
            with ExitStack() as lanes:
                self._helpers = [lanes.enter_context(_helper(self._config, claims, lane)) for lane in _HELPERS]
                _run(session, chain(begun, mine))
                self._print(session, wait=True)
                broken_off = [lane for lane in self._helpers if lane.process.wait() not in _ORDINARY_ENDS]
                for lane in broken_off:
                    self._config.hook.pytest_runtest_logreport(report=_broken_off(lane))
                left = [item.nodeid for item in session.items if item.nodeid not in self._reported]
                if left and not broken_off:
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
        """Print what the other lanes have reported: so far, or until their end."""
        for lane in self._helpers:
            self._print_lane(lane, session, wait)

    def _print_lane(self, lane: _Process, session: pytest.Session, wait: bool) -> None:
        while True:
            try:
                message = lane.messages.get(block=wait)
            except Empty:
                return
            if message is None:
                lane.messages.put(None)
                return
            report = self._config.hook.pytest_report_from_serializable(config=self._config, data=message)
            if report.when == "setup":
                self._config.hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
            self._config.hook.pytest_runtest_logreport(report=report)
            if session.shouldfail and wait:
                raise session.Failed(session.shouldfail)


def _broken_off(broken: _Process) -> pytest.TestReport:
    """A failure that stands for all that was not run."""
    broken.output.seek(0)
    said = broken.output.read().decode(errors="replace")
    return _failed(f"lane {broken.lane} broke off with {broken.process.returncode}:\n{said[-4000:]}")


def _failed(message: str) -> pytest.TestReport:
    return pytest.TestReport("lanes", ("lanes", None, "lanes"), {}, "failed", message, "call")


@contextmanager
def _helper(config: pytest.Config, claims: Path, lane: int) -> Iterator[_Process]:
    """Another lane's process; it ends with the block, in order, whatever the end is."""
    reading, writing = os.pipe()
    arguments = [argument for argument in config.invocation_params.args if argument != "--lanes"]
    own = [f"{_LANE}={lane}", f"{_REPORTS}={writing}", f"{_CLAIMS}={claims}"]
    command = [sys.executable, "-m", "pytest", *map(str, arguments), *own]
    if config.getoption("cov_source", None):
        # The first lane, which ends later, adds what it has to what the second one leaves, and reports both.
        command += ["--cov-report=", "--cov-fail-under=0"] if lane == 2 else ["--no-cov"]
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
            yield _Process(lane, process, messages, output)
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
