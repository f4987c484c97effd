"""Lanes side by side: `pytest --lanes` runs the tests in three processes, which share them out between them.

Each lane often waits: for CloudFormation, for processes that start, for a clock. The second lane begins with the tests
of the stack that they share, which is slow to make, and the first lane with all the others, file by file. A lane that
has done its own takes of the other's from the back, so that both end at about the same time. The third lane, which
makes no stack and counts no coverage, helps with the files that need neither, from the back as well.

The others report each of their tests to the first lane, which counts and prints them as its own, so that there is one
summary, and it is pytest's.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
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
_ASIDE: Final = "--lane-aside"
_TOGETHER: Final = "together"  # the mark of files whose tests of the stack one lane takes, in their order
_UNCOUNTED: Final = "no_cover"  # pytest-cov's mark of tests that cover nothing
# What the reports tell of, or there was nothing to report.
_ORDINARY_ENDS: Final = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lanes", action="store_true", help="run the tests in processes side by side")
    parser.addoption(_REPORTS, type=int, help="this is not the first lane: the file descriptor to report to")
    parser.addoption(_CLAIMS, type=Path, help="where all lanes note which files they take")
    parser.addoption(
        _ASIDE, action="store_true", help="this is the third lane, which makes no stack and counts nothing"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{_TOGETHER}: one lane takes all tests of the file, in their order")
    descriptor = cast(int | None, config.getoption(_REPORTS))
    if descriptor is not None:
        config.pluginmanager.register(OtherLane(config, descriptor))
    elif config.getoption("--lanes"):
        config.pluginmanager.register(FirstLane(config))


@dataclass(frozen=True)
class _Shares:
    """What a lane takes as a whole, each by its name, in the order in which tests run.

    Attributes:
        on_stack: the tests of the stack, one by one, for they are slow, but for files that are marked.
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

    def of_third_lane(self) -> Iterator[tuple[str, list[pytest.Item]]]:
        """In the order in which the third lane takes them: what needs no stack, and is not counted."""
        for name, group in reversed(self.others.items()):
            if all(item.get_closest_marker(_UNCOUNTED) for item in group):
                yield name, group


def _share(items: list[pytest.Item]) -> _Shares:
    shares = _Shares({}, {}, [])
    for item in items:
        if item.name == LAST:
            shares.last.append(item)
        elif _STACK in cast(pytest.Function, item).fixturenames:
            name = str(item.path) if item.get_closest_marker(_TOGETHER) else item.nodeid
            shares.on_stack.setdefault(name, []).append(item)
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


class OtherLane:
    """The process of the second or third lane: runs its tests, and reports them."""

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
        is_aside = cast(bool, self._config.getoption(_ASIDE))
        shares = _share(items)
        for name, group in shares.of_third_lane() if is_aside else shares.of_second_lane():
            if _takes(claims, name):
                yield from group
        if not is_aside:
            yield from shares.last

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._reports.write(json.dumps(data) + "\n")
        self._reports.flush()


Message = tuple[str, Json | None]
"""Which lane says it, and a report, or None at its end."""


@dataclass(frozen=True)
class _Process:
    """Another lane, as the first one sees it.

    Attributes:
        name: `second` or `third`.
    """

    name: str
    process: "subprocess.Popen[bytes]"
    output: IO[bytes]


class FirstLane:
    """The process that people started: runs its tests, and prints the reports of all lanes."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._others: list[_Process] = []
        self._messages: SimpleQueue[Message] = SimpleQueue()
        self._running = 0  # others whose end was not read yet
        self._reported: set[str] = set()

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if not _is_runnable(session):
            return None
        with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
            claims = Path(directory)
            mine = self._taken(session.items, claims)
            begun = list(islice(mine, 1))  # so that the first file is this lane's
            names = ["second"]
            if len(list(_share(session.items).of_third_lane())) > 1:
                names.append("third")
            for name in names:
                self._others.append(stack.enter_context(_other_lane(name, self._config, claims, self._messages)))
                self._running += 1
            _run(session, chain(begun, mine))
            self._print(session, wait=True)
            broken = [other for other in self._others if other.process.wait() not in _ORDINARY_ENDS]
            for other in broken:
                self._config.hook.pytest_runtest_logreport(report=_broken_off(other))
            left = [item.nodeid for item in session.items if item.nodeid not in self._reported]
            if left and not broken:
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
        """Print what the others have reported: so far, or until they have ended."""
        while self._running and (messages := self._said(wait)):
            for _, message in messages:
                if message is None:
                    self._running -= 1
                    continue
                report = self._config.hook.pytest_report_from_serializable(config=self._config, data=message)
                if isinstance(report.longrepr, list):  # of a skipped test: pytest's summary wants what JSON has not
                    report.longrepr = tuple(report.longrepr)
                if report.when == "setup":
                    self._config.hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
                self._config.hook.pytest_runtest_logreport(report=report)
                if session.shouldfail and wait:
                    raise session.Failed(session.shouldfail)

    def _said(self, wait: bool) -> list[Message]:
        """What has come, lane by lane: else their lines would be mixed."""
        messages = [self._messages.get()] if wait else []
        with suppress(Empty):
            while True:
                messages.append(self._messages.get_nowait())
        return sorted(messages, key=lambda message: message[0])


def _broken_off(other: _Process) -> pytest.TestReport:
    """A failure that stands for all that was not run."""
    other.output.seek(0)
    said = other.output.read().decode(errors="replace")
    return _failed(f"the {other.name} lane broke off with {other.process.returncode}:\n{said[-4000:]}")


def _failed(message: str) -> pytest.TestReport:
    return pytest.TestReport("lanes", ("lanes", None, "lanes"), {}, "failed", message, "call")


@contextmanager
def _other_lane(name: str, config: pytest.Config, claims: Path, messages: "SimpleQueue[Message]") -> Iterator[_Process]:
    """Another lane's process; it ends with the block, in order, whatever the end is."""
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*_command(name, config), f"{_REPORTS}={writing}", f"{_CLAIMS}={claims}"],
            cwd=config.invocation_params.dir,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(writing,),
            process_group=0,  # so that a Ctrl-C reaches it once, from us: a second one would break off its cleaning up
        )
        os.close(writing)
        thread = Thread(target=_read, args=(name, reading, messages), daemon=True)
        thread.start()
        try:
            yield _Process(name, process, output)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)  # it stops what it has started
            process.wait()
            thread.join()


def _command(name: str, config: pytest.Config) -> list[str]:
    arguments = [str(argument) for argument in config.invocation_params.args if argument != "--lanes"]
    if name == "third":
        arguments = [argument for argument in arguments if not argument.startswith("--cov")] + [_ASIDE]
    elif config.getoption("cov_source", None):
        # The first lane, which ends later, adds what it has to what the second one leaves, and reports both.
        arguments += ["--cov-report=", "--cov-fail-under=0"]
    return [sys.executable, "-m", "pytest", *arguments]


def _read(name: str, reading: int, messages: "SimpleQueue[Message]") -> None:
    with os.fdopen(reading, encoding="utf-8") as reports:
        for line in reports:
            messages.put((name, cast(Json, json.loads(line))))
    messages.put((name, None))
