"""What a comparison found, as lines, as Markdown for a pull request, and as JSON."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ops.comparing.access import SOURCES, Access, Found, Kind
from ops.comparing.changes import Changed
from ops.comparing.replay import Counts
from ops.comparing.report import Report

Json = dict[str, object]

# So many lines of a part are told to people; JSON has them all.
MOST_TOLD: Final = 50
_MOST_ROLES: Final = 5
_PLURALS: Final = {
    "role": "Roles",
    "account": "Accounts",
    "policy": "Policies",
    "issuer": "Issuers",
    "quota": "Quotas",
    "setting": "Settings",
}
_TITLES: Final[dict[Kind, str]] = {
    "granted": "Access granted",
    "taken": "Access taken",
    "session": "Sessions that are others",
}
_SIGNS: Final[dict[Kind, str]] = {"granted": "+", "taken": "-", "session": "~"}
_FROM: Final = {"records": "requests of records", "tests": "tests", "policies": "made for policies"}
_SAME: Final = "Nothing differs."
_NO_CHANGES: Final = "No role, account, policy, issuer, quota or setting differs."
_NO_ACCESS: Final = "Nobody's access differs, of all that was asked."


def lines(report: Report) -> Iterator[str]:
    """For a terminal."""
    yield f"From {report.old.name} (digest {_digest(report.old.configuration.digest)})"
    yield f"to   {report.new.name} (digest {_digest(report.new.configuration.digest)})"
    if report.is_same:
        yield _SAME
        return
    if not report.changes:
        yield from ("", _NO_CHANGES)
    for kind, title in _PLURALS.items():
        of_kind = [one for one in report.changes if one.kind == kind]
        if of_kind:
            yield ""
            yield title
            yield from (f"  {_changed(one)}" for one in of_kind[:MOST_TOLD])
            yield from _more(of_kind, "  ")
    yield from _access_lines(report.access)
    yield ""
    yield from _asked(report)


def _access_lines(access: Access) -> Iterator[str]:
    for kind, title in _TITLES.items():
        found = access.of(kind)
        if not found:
            continue
        yield ""
        yield f"{title} ({len(found):,})"
        for one in found[:MOST_TOLD]:
            row = one.row
            yield f"  {_SIGNS[kind]} {_roles(one)}: {_who(one)}{_when(one)}"
            yield f"      {row.before} -> {row.after}{_times(one)}"
        yield from _more(found, "  ")
    if not access.changes:
        yield ""
        yield _NO_ACCESS


def markdown(report: Report) -> Iterator[str]:
    """For a pull request."""
    granted, taken = (len(report.access.of(kind)) for kind in ("granted", "taken"))
    yield f"### credvend: {_code(report.old.name)} → {_code(report.new.name)}"
    yield ""
    if report.is_same:
        yield _SAME
        return
    yield f"**{granted:,} granted, {taken:,} taken.** {'' if report.access.changes else _NO_ACCESS}".rstrip()
    for kind, title in _TITLES.items():
        found = report.access.of(kind)
        if found:
            yield from ("", f"#### {title}", "", "| Role | Who | Before | After |", "| --- | --- | --- | --- |")
            for one in found[:MOST_TOLD]:
                who = f"{_cell(_who(one))}{_cell(_when(one))}{_cell(_times(one))}"
                yield f"| {_cell(_roles(one))} | {who} | {_cell(one.row.before)} | {_cell(one.row.after)} |"
            yield from _paragraph(_more(found, ""))
    if report.changes:
        yield from ("", "#### Changes", "")
        yield from (f"- {_cell(one.kind)} {_cell(_changed(one))}" for one in report.changes[:MOST_TOLD])
        yield from _paragraph(_more(report.changes, ""))
    yield ""
    yield from (f"- {_cell(line)}" for line in _asked(report))


def as_json(report: Report) -> Json:
    """All of it."""
    return {
        "Old": {"Name": report.old.name, "Configuration": report.old.configuration.digest},
        "New": {"Name": report.new.name, "Configuration": report.new.configuration.digest},
        "AccessChanges": report.access.changes,
        "Changes": [
            {"Kind": one.kind, "Sign": one.sign, "Name": one.name, "Words": list(one.words)} for one in report.changes
        ],
        **{name: [_found_json(one) for one in report.access.of(kind)] for name, kind in _KEYS.items()},
        "Asked": {source: report.access.asked[source] for source in SOURCES},
        "LeftOut": list(report.access.left_out),
        "Records": None if report.replayed is None else _counts_json(report.replayed),
    }


_KEYS: Final[dict[str, Kind]] = {"Granted": "granted", "Taken": "taken", "Sessions": "session"}


def _found_json(one: Found) -> Json:
    row = one.row
    return {
        "Roles": list(one.roles),
        "Who": row.who or row.example,
        "Example": row.example or None,
        "From": row.source,
        "Before": row.before,
        "After": row.after,
        "When": row.when or None,
        "Requests": one.requests,
        "Partly": one.partly,
    }


def _counts_json(counts: Counts) -> Json:
    return {
        "Requests": counts.requests,
        "DryRuns": counts.dry_runs,
        "Undecided": counts.undecided,
        "Unreadable": counts.unreadable,
        "Untold": counts.untold,
        "First": counts.first or None,
        "Last": counts.last or None,
    }


def _changed(one: Changed) -> str:
    return f"{one.sign} {one.name}{': ' if one.words else ''}{'; '.join(one.words)}"


def _roles(one: Found) -> str:
    more = len(one.roles) - _MOST_ROLES
    return f"{', '.join(one.roles[:_MOST_ROLES])}{f' and {more} more' if more > 0 else ''}"


def _who(one: Found) -> str:
    row = one.row
    return f"{row.who}, such as {row.example}" if row.who and row.example else row.who or row.example


def _when(one: Found) -> str:
    partly = {"granted": "in more cases: ", "taken": "in some cases: "}.get(one.row.kind, "")
    when = f"{partly if one.partly else ''}{one.row.when}"
    return f" [{when.removesuffix(': ')}]" if when else ""


def _times(one: Found) -> str:
    if one.row.source == "policies":
        return ""
    return f" ({one.requests:,} {_FROM[one.row.source]})" if one.row.source == "records" else " (tests)"


def _asked(report: Report) -> Iterator[str]:
    asked = report.access.asked
    told = [f"{asked[source]:,} {_FROM[source]}" for source in SOURCES if asked[source] or source != "records"]
    yield f"Decided by both: {', '.join(told)}."
    counts = report.replayed
    if counts is not None:
        yield from _replayed(counts)
    for one in report.access.left_out:
        yield f"Left out: {one}."


def _replayed(counts: Counts) -> Iterator[str]:
    if counts.first:
        yield f"Records: {counts.requests:,} requests from {counts.first} to {counts.last}."
    for number, what in (
        (counts.dry_runs, "dry runs"),
        (counts.undecided, "requests that were refused before policies were asked"),
        (counts.unreadable, "requests whose records do not tell enough"),
    ):
        if number:
            yield f"Left out: {number:,} {what}."
    if counts.untold:
        yield f"Of {counts.untold:,} requests the records do not tell all: a policy that they sent, or long lists."


def _more(found: Sequence[object], indent: str) -> Iterator[str]:
    if len(found) > MOST_TOLD:
        yield f"{indent}and {len(found) - MOST_TOLD:,} more: --json has them all"


def _paragraph(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield from ("", line)


def _digest(digest: str) -> str:
    return digest[:12]


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


_MARKS: Final = re.compile(r"([\\`*_{}\[\]<>#|~])")
# GitHub tells whoever is named so, whatever stands before the sign.
_MENTION: Final = re.compile(r"(?<![A-Za-z0-9])@(?=[A-Za-z0-9])")


def _cell(text: str) -> str:
    """Text in Markdown that means itself, and calls nobody: names come from files and from callers."""
    return _MENTION.sub("@<!-- -->", _MARKS.sub(r"\\\1", text))
