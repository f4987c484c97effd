"""What a deployment is about to do, in words, for whoever is asked whether it should."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.account import Account
from ops.stack import ChangeSet, ResourceChange
from ops.stage import Stage
from ops.summary import Summary, compare

# Of thousands of names nobody reads all; the number tells.
_MOST_NAMES: Final = 20
_SHORT_DIGEST: Final = 12
_SIGNS: Final = {"Add": "+", "Modify": "~", "Remove": "-"}


@dataclass(frozen=True, slots=True)
class Planned:
    """A deployment that is ready to be made.

    Attributes:
        new, old: summaries of the configurations; `old` is None where it is not known.
        changes: of the stack's resources, or None where nothing changes.
    """

    stage: Stage
    config: Path
    new: Summary
    old: Summary | None
    is_first: bool
    changes: ChangeSet | None


def preview(account: Account, planned: Planned) -> str:
    """All that a deployment changes, as lines of text."""
    lines = [
        f"  as             {account.arn}",
        f"  to             account {account.number}, {account.region}, {account.endpoint or 'AWS'}",
        f"  stack          {planned.stage.stack}{' (the first deployment)' if planned.is_first else ''}",
        f"  runtime        {planned.stage.runtime}",
        f"  configuration  {planned.config}, digest {planned.new.digest[:_SHORT_DIGEST]}",
        *_configuration(planned),
        *_resources(planned.changes),
    ]
    return "\n".join(["This deploys", *lines])


def _configuration(planned: Planned) -> Iterable[str]:
    if planned.old is None:
        known = "" if planned.is_first else "Which configuration is deployed is not known. "
        yield f"{known}The configuration has"
        for kind, entries in planned.new.kinds().items():
            yield from _named(kind, "+", tuple(sorted(entries)))
        return
    if planned.old.digest == planned.new.digest:
        yield "The configuration is the one that is deployed."
        return
    yield f"In the configuration, against the one that is deployed (digest {planned.old.digest[:_SHORT_DIGEST]})"
    differences = compare(planned.new, planned.old)
    for difference in differences:
        yield from _named(difference.kind, "+", difference.added)
        yield from _named(difference.kind, "~", difference.changed)
        yield from _named(difference.kind, "-", difference.taken)
    if not differences:
        yield "  no role, policy or issuer changes"


def _named(kind: str, sign: str, names: Sequence[str]) -> Iterable[str]:
    if names:
        more = len(names) - _MOST_NAMES
        yield f"  {sign} {kind}: {', '.join(names[:_MOST_NAMES])}{f' and {more} more' if more > 0 else ''}"


def _resources(changes: ChangeSet | None) -> Iterable[str]:
    if changes is None:
        yield "No resource of the stack changes."
        return
    yield "In the stack"
    yield from map(_resource, sorted(changes.changes, key=lambda change: (change.action, change.logical_id)))


def _resource(change: ResourceChange) -> str:
    what = f" ({', '.join(change.attributes)})" if change.attributes else ""
    anew = {"True": ", made anew", "Conditional": ", perhaps made anew"}.get(change.replacement, "")
    return f"  {_SIGNS.get(change.action, change.action)} {change.logical_id}, {change.type}{what}{anew}"
