"""Whose access is granted, and whose is taken? Both sides decide each request; what differs is put together."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

from chalicelib.callers.caller import Caller
from chalicelib.errors import ConfigError, CredvendError
from chalicelib.sessions.plan import SessionPlan
from ops.comparing.affected import Affected
from ops.comparing.building import REASON
from ops.comparing.circumstances import caller_in_words, in_words
from ops.comparing.examples import Examples, LeftOut
from ops.comparing.sides import Side
from ops.comparing.verdicts import Judge, Verdict
from ops.deciding.deciding import Asking
from ops.deciding.described import CallerEntry, Described, NotDescribed, caller_of
from ops.errors import OperationFailed
from ops.policy_tests.read import Case, read_tests

Kind = Literal["granted", "taken", "session"]
Source = Literal["policies", "tests", "records"]
_KINDS: Final[tuple[Kind, ...]] = ("granted", "taken", "session")
SOURCES: Final[tuple[Source, ...]] = ("records", "tests", "policies")


class Row(NamedTuple):
    """Somebody whose access to a role is not the same.

    Attributes:
        kind: `session`: may have it on both sides, and the session is another one.
        who: whom it is about, in words or by name.
        example: such a caller, where `who` is words.
        before, after: what each side answers.
        when: the circumstances of the first such request; empty: they do not matter.
    """

    kind: Kind
    source: Source
    who: str
    example: str
    role: str
    before: str
    after: str
    when: str


class Found(NamedTuple):
    """Rows that say the same.

    Attributes:
        row: the first of them.
        roles: that they are about, by name.
        requests: how many there are.
        partly: in other cases, the role may be had before, if it is granted, or after, if it is taken.
    """

    row: Row
    roles: tuple[str, ...]
    requests: int
    partly: bool


class Access(NamedTuple):
    """What was found.

    Attributes:
        asked: how many requests both sides decided, by where they come from.
        left_out: in words, what was not asked, and why.
    """

    found: tuple[Found, ...]
    asked: Mapping[Source, int]
    left_out: tuple[str, ...]

    def of(self, kind: Kind) -> tuple[Found, ...]:
        """Those of a kind."""
        return tuple(one for one in self.found if one.row.kind == kind)

    @property
    def changes(self) -> bool:
        """Whether anybody gains or loses access."""
        return any(one.row.kind != "session" for one in self.found)


class Gathered:
    """What was found so far."""

    def __init__(self) -> None:
        self.asked: dict[Source, int] = dict.fromkeys(SOURCES, 0)
        self._rows: dict[tuple[str, ...], list[Row]] = {}
        self._allowed: set[tuple[str, str, str, str]] = set()

    def add(self, row: Row, before: Verdict, after: Verdict) -> None:
        """What both sides answer to a request.

        Args:
            row: about it; its kind is not looked at.
        """
        self.asked[row.source] += 1
        someone = (row.source, row.who or row.example, row.role)
        for name, verdict in (("before", before), ("after", after)):
            if verdict.allowed:
                self._allowed.add((*someone, name))
        kind = _kind(before, after)
        if kind is not None:
            key = (kind, *someone, row.before, row.after)
            self._rows.setdefault(key, []).append(row._replace(kind=kind))

    def found(self) -> tuple[Found, ...]:
        """All of it: what is granted first, then by where it comes from, and by caller."""
        alike: dict[tuple[object, ...], list[tuple[Row, int]]] = {}
        for rows in self._rows.values():
            row = min(rows, key=lambda one: (len(one.when), one.when))
            other = {"granted": "before", "taken": "after"}.get(row.kind, "")
            partly = (row.source, row.who or row.example, row.role, other) in self._allowed
            alike.setdefault((*_order(row), partly), []).append((row, len(rows)))
        found = []
        for (*_, in_part), those in sorted(alike.items(), key=lambda item: str(item[0])):
            roles = sorted(row.role for row, _ in those)
            row = min(row for row, _ in those)
            found.append(Found(row, tuple(roles), sum(number for _, number in those), bool(in_part)))
        return tuple(found)


def _order(row: Row) -> tuple[object, ...]:
    """What rows of several roles have in common."""
    return (_KINDS.index(row.kind), SOURCES.index(row.source), row.who, row.example, row.before, row.after, row.when)


def _kind(before: Verdict, after: Verdict) -> Kind | None:
    if before.allowed != after.allowed:
        return "granted" if after.allowed else "taken"
    return "session" if before.allowed and _of_sessions(before.plan, after.plan) else None


def _of_sessions(before: SessionPlan | None, after: SessionPlan | None) -> list[str]:
    """What of two sessions is not the same."""
    if before is None or after is None:
        return []
    was, now = (
        plan._asdict() | {"role": plan.role.arn, "external_id": plan.role.external_id} for plan in (before, after)
    )
    return [name.replace("_", " ") for name, value in now.items() if value != was[name]]


class Comparison:
    """Both sides, asked the same."""

    def __init__(self, old: Side, new: Side, now: datetime) -> None:
        """Nothing is asked yet.

        Args:
            now: when requests are made that do not say it; with a time zone.
        """
        self.affected = Affected(old, new)
        self.gathered = Gathered()
        self._judges = (Judge(old), Judge(new))
        self._sides = (old, new)
        self._now = now
        self._left_out: list[str] = []

    def ask_examples(self, most: int, progress: Callable[[int], None] = lambda _: None) -> None:
        """Ask for callers that are made for the policies that differ.

        Args:
            most: up to so many requests.
            progress: told how many there were so far.
        """
        examples = Examples(*self._sides, self.affected, self._now)
        old, new = self._judges
        asked: set[str] = set()
        for example in examples.all():
            asking = example.asking
            key = repr(asking)
            if key in asked:
                continue
            if len(asked) >= most:
                self._left_out.append(f"what is made for policies beyond {most:,} requests: --most asks for more")
                break
            asked.add(key)
            progress(len(asked))
            before, after = old.policies_say(asking), new.policies_say(asking)
            who = caller_in_words(asking.caller)
            when = in_words(asking, self._now)
            row = _row("policies", example.who, who, asking.request.role, before, after, when)
            self.gathered.add(row, before._replace(plan=None), after._replace(plan=None))
        self._count(examples.left_out)

    def ask_tests(self) -> None:
        """Ask what tests ask, of both sides; and for their callers, each role of which decisions may differ."""
        seen: set[str] = set()
        callers: dict[str, CallerEntry] = {}
        for side in reversed(self._sides):
            for case in _tests(side):
                self._describe(case.described, f"test {case.name}", seen)
                callers.setdefault(repr(case.described.caller), case.described.caller)
        for entry in callers.values():
            for role in self._roles_for(entry):
                self._describe(Described(entry, role, self._now, reason=REASON), "", seen)

    def _describe(self, described: Described, when: str, seen: set[str]) -> None:
        key = repr(described)
        if key in seen:
            return
        seen.add(key)
        before, after = (judge.answers_described(described) for judge in self._judges)
        who = self._called(described.caller)
        self.gathered.add(_row("tests", who, "", described.role, before, after, when), before, after)

    def _called(self, entry: CallerEntry) -> str:
        for caller in self._callers(entry):
            if caller is not None:
                return caller_in_words(caller)
        return entry.arn or f"a token of issuer {entry.issuer}" if entry.token is None else f"token:{entry.token}"

    def _callers(self, entry: CallerEntry) -> Iterator[Caller | None]:
        for side in reversed(self._sides):
            try:
                yield caller_of(side.configuration, entry, self._now)
            except (CredvendError, NotDescribed):
                yield None

    def _roles_for(self, entry: CallerEntry) -> list[str]:
        """Roles of which the decision about a caller may differ."""
        found = [caller for caller in self._callers(entry) if caller is not None]
        roles = {role.name: role for side in self._sides for role in side.configuration.catalog.roles}
        return [name for name in sorted(roles) if any(self.affected.may_differ(caller, name) for caller in found)]

    def ask_recorded(self, recorded: Iterable[Asking], progress: Callable[[int], None]) -> None:
        """Ask again what was asked; what cannot differ is counted only.

        Args:
            progress: told how many there were so far.
        """
        old, new = self._judges
        for number, asking in enumerate(recorded, start=1):
            progress(number)
            if not self.affected.may_differ(asking.caller, asking.request.role):
                self.gathered.asked["records"] += 1
                continue
            before, after = old.answers(asking), new.answers(asking)
            who = caller_in_words(asking.caller)
            when = in_words(asking, self._now)
            self.gathered.add(_row("records", who, "", asking.request.role, before, after, when), before, after)

    def leave_out(self, what: str) -> None:
        """Have it told that something was not asked."""
        self._left_out.append(what)

    def access(self) -> Access:
        """What was found."""
        return Access(self.gathered.found(), self.gathered.asked, tuple(self._left_out))

    def _count(self, left_out: LeftOut) -> None:
        if left_out.roles:
            self.leave_out(f"{left_out.roles:,} roles of policies that are about many: the first ones stand for them")
        if left_out.policies:
            self.leave_out(f"{left_out.policies:,} policies that may have a say beside those that differ")


def _row(source: Source, who: str, example: str, role: str, before: Verdict, after: Verdict, when: str) -> Row:
    differs = _of_sessions(before.plan, after.plan) if before.allowed and after.allowed else []
    words = f"Another session: {', '.join(differs)}." if differs else after.words
    return Row("granted", source, who, example, role, before.words, words, when)


def _tests(side: Side) -> Iterable[Case]:
    try:
        return read_tests(side.directory).cases
    except ConfigError as error:
        raise OperationFailed(f"The tests of {side.name} are not in order:\n{error}") from None
