"""The tests of a configuration directory, `tests/**/*.yaml`, read and checked whole before the first one is run."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, get_args

import msgspec

from chalicelib.configuration.entry_problems import field_message, label, unknown_key
from chalicelib.errors import ConfigError
from chalicelib.text.likeness import did_you_mean, nearest
from ops.deciding.described import CallerEntry, Described
from ops.documents.yaml_document import Lines, read_yaml_and_lines
from ops.errors import OperationFailed
from ops.policy_tests.entries import CODE, CaseEntry, CasesFile, Code, Expected, SessionEntry

FOLDER: Final = "tests"
TIME: Final = datetime(2026, 1, 7, 12, tzinfo=UTC)
"""When it is where no test says it and no policy looks at it: always the same, so that no test depends on its day."""

_KEYS: Final = ("address", "time", "callers", "tests")
_FIELD: Final = re.compile(r" - at `\$\.(?P<field>[A-Za-z_]+)")
_UNKNOWN: Final = re.compile("unknown field `(?P<field>[^`]+)`")
_CHOICE: Final = re.compile("`(?P<field>[a-z]+)` Invalid enum value '(?P<value>.*)'", re.DOTALL)
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {"expect": get_args(Expected), "code": get_args(Code)}


class Case(NamedTuple):
    """A test, ready to be run.

    Attributes:
        file: as messages call it: `tests/ci.yaml`.
        line: that it begins on.
        described: what it asks.
        unsaid: of `address` and `time`, those that neither the test nor its file says.
        entry: what it expects.
    """

    file: str
    line: int
    described: Described
    unsaid: frozenset[str]
    entry: CaseEntry

    @property
    def name(self) -> str:
        return self.entry.name


class Cases(NamedTuple):
    """What a directory holds.

    Attributes:
        callers: those that have a name.
    """

    callers: Mapping[str, CallerEntry]
    cases: tuple[Case, ...]

    def named(self, name: str) -> Case:
        """The test of that name, or the only one that has it in its name.

        Raises:
            OperationFailed: there is none, or several.
        """
        for case in self.cases:
            if case.name == name:
                return case
        having = [case for case in self.cases if name in case.name]
        if len(having) == 1:
            return having[0]
        if having:
            raise OperationFailed(
                f"{len(having)} tests have {name!r} in their names: say more of the one that is meant."
            )
        hint = did_you_mean(nearest(name, [case.name for case in self.cases], cutoff=0.5)) or "."
        raise OperationFailed(f"There is no test {name!r} in {FOLDER}/{hint}")


def read_tests(config: Path) -> Cases:
    """Read the tests of a configuration directory; none where it has no folder `tests`.

    Raises:
        ConfigError: one line for every problem, naming file, test, line and field.
    """
    reader = _Reader()
    for path in sorted(_files(config / FOLDER)):
        reader.read(path, path.relative_to(config).as_posix())
    return reader.result()


def _files(folder: Path) -> Iterable[Path]:
    """What editors and version control hide is not looked at, nor what is no YAML.

    Raises:
        ConfigError: it cannot be told what is there.
    """
    try:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name.startswith("."):
                continue
            if path.is_dir() and not path.is_symlink():
                yield from _files(path)
            elif path.suffix in (".yaml", ".yml") and path.is_file():
                yield path
    except OSError as error:
        raise ConfigError([f"{folder.name}/: cannot be read: {error.strerror}"]) from None


class _Written(NamedTuple):
    """A test as it is written, and what its file says."""

    file: str
    line: int
    entry: CaseEntry
    address: str | None
    time: str | None
    time_line: int


class _Reader:
    """Reads one file after the other, and gathers what is wrong."""

    def __init__(self) -> None:
        self._problems: list[str] = []
        self._callers: dict[str, CallerEntry] = {}
        self._written: list[_Written] = []
        self._lines_of_names: dict[str, str] = {}

    def read(self, path: Path, name: str) -> None:
        try:
            document, lines = read_yaml_and_lines(path)
        except ConfigError as error:
            self._problems += [problem.replace(path.name, name, 1) for problem in error.problems]
            return
        for key in document.keys() - set(_KEYS):
            self._problems.append(f"{name} (line {lines.of(key)}): {unknown_key('unknown key', key, _KEYS)}")
        try:
            head = {key: document.get(key) for key in ("address", "time")}
            file = msgspec.convert(head, CasesFile, strict=True)
        except msgspec.ValidationError as error:
            field = _field_of(str(error))
            self._problems.append(f"{name} (line {lines.of(*field)}): {field_message(str(error), CasesFile, {})}")
            file = CasesFile()
        self._read_callers(name, document.get("callers"), lines)
        self._read_tests(name, document.get("tests"), file, lines)

    def _read_callers(self, file: str, callers: object, lines: Lines) -> None:
        if callers is None:
            return
        if not isinstance(callers, dict):
            self._problems.append(f"{file} (line {lines.of('callers')}): `callers` must be keys with values")
            return
        for name, entry in callers.items():
            where = f"{file}: caller {name!r} (line {{}})"
            try:
                caller = msgspec.convert(entry, CallerEntry, strict=True)
            except msgspec.ValidationError as error:
                line = lines.of("callers", name, *_field_of(str(error)))
                self._problems.append(f"{where.format(line)}: {field_message(str(error), CallerEntry, {})}")
                continue
            if not isinstance(name, str) or name in self._callers:
                says = (
                    "is there already: callers have their names in all files"
                    if isinstance(name, str)
                    else ("must be a text: quote it")
                )
                self._problems.append(f"{where.format(lines.of('callers', name))}: the name {says}")
            else:
                self._callers[name] = caller

    def _read_tests(self, file: str, tests: object, head: CasesFile, lines: Lines) -> None:
        if tests is None:
            return
        if not isinstance(tests, list):
            self._problems.append(f"{file} (line {lines.of('tests')}): `tests` must be a list")
            return
        for index, entry in enumerate(tests):
            try:
                checked = _checked(entry)
            except _Wrong as error:
                line = lines.of("tests", index, *error.field)
                self._problems.append(f"{file}: test {label(entry, index)} (line {line}): {error}")
                continue
            line = lines.of("tests", index)
            self._check_name(file, line, checked)
            time_line = line if checked.time is None else lines.of("tests", index, "time")
            self._written.append(_Written(file, line, checked, head.address, head.time, time_line))

    def _check_name(self, file: str, line: int, entry: CaseEntry) -> None:
        where = self._lines_of_names.setdefault(entry.name, f"{file}, line {line}")
        if where != f"{file}, line {line}":
            self._problems.append(f"{file}: test {entry.name!r} (line {line}): the name is that of {where} too")

    def result(self) -> Cases:
        """All that was read.

        Raises:
            ConfigError: something is wrong with it.
        """
        cases = [case for written in self._written if (case := self._case(written)) is not None]
        if self._problems:
            raise ConfigError(self._problems)
        return Cases(self._callers, tuple(cases))

    def _case(self, written: _Written) -> Case | None:
        entry = written.entry
        said = {"address": entry.address or written.address, "time": entry.time or written.time}
        try:
            caller = self._caller(entry.caller)
            time = TIME if said["time"] is None else moment(said["time"])
        except ValueError as error:
            self._problems.append(f"{written.file}: test {entry.name!r} (line {written.time_line}): {error}")
            return None
        described = Described(
            caller=caller,
            role=entry.role,
            time=time,
            duration=entry.duration,
            reason=entry.reason,
            tags=entry.tags,
            params=entry.params,
            policy=entry.policy,
            format=entry.format,
            address=said["address"],
        )
        unsaid = frozenset(name for name, value in said.items() if value is None)
        return Case(written.file, written.line, described, unsaid, entry)

    def _caller(self, caller: CallerEntry | str) -> CallerEntry:
        if isinstance(caller, CallerEntry):
            return caller
        if caller not in self._callers:
            hint = did_you_mean(nearest(caller, self._callers))
            raise ValueError(f"`caller` {caller!r} is none of `callers`{hint}")
        return self._callers[caller]


class _Wrong(ValueError):
    """What is wrong with a test, and where."""

    def __init__(self, message: str, field: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.field = field


def _checked(entry: object) -> CaseEntry:
    """A test as it is written, if it is one."""
    if isinstance(entry, dict):  # msgspec does not say what is wrong within them
        for key, kind in (("caller", CallerEntry), ("session", SessionEntry)):
            if isinstance(entry.get(key), dict):
                try:
                    msgspec.convert(entry[key], kind, strict=True)
                except msgspec.ValidationError as error:
                    message = field_message(str(error), kind, {})
                    raise _Wrong(f"`{key}`: {message}", (key, *_field_of(str(error)))) from None
    try:
        test = msgspec.convert(entry, CaseEntry, strict=True)
    except msgspec.ValidationError as error:
        raise _Wrong(_choices(field_message(str(error), CaseEntry, {})), _field_of(str(error))) from None
    if test.expect == "allow" and test.code != CODE:
        raise _Wrong("has `code`, which only what is denied has", ("code",))
    if test.expect == "deny" and test.session is not msgspec.UNSET:
        raise _Wrong("has `session`, which only what is allowed has", ("session",))
    return test


def _field_of(message: str) -> tuple[str, ...]:
    """The field that a message of msgspec's is about."""
    match = _FIELD.search(message) or _UNKNOWN.search(message)
    return () if match is None else (match["field"],)


def _choices(message: str) -> str:
    """Says what a value may be, where it is one of a few."""
    match = _CHOICE.fullmatch(message)
    if match is None:
        return message
    choices = _CHOICES[match["field"]]
    hint = did_you_mean(nearest(match["value"], choices))
    return f"`{match['field']}` must be {', '.join(choices[:-1])} or {choices[-1]}, and is {match['value']!r}{hint}"


def moment(text: str) -> datetime:
    """A moment with its zone.

    Raises:
        ValueError: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError(f"`time` must be a moment with its zone, such as 2026-01-31T12:00:00Z, and is {text!r}")
    return found
