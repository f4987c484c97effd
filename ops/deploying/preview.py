"""What a deployment is about to do, in words, for whoever is asked whether it should."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.aws.account import Account
from ops.building.summary import Summary, compare
from ops.cloudformation.change_set import ChangeSet, ResourceChange
from ops.stages.names import FUNCTION
from ops.stages.stage import Stage
from ops.terminal.say import escaped

# Nobody reads thousands of names; the number tells.
_MOST_NAMES: Final = 20
_SHORT_DIGEST: Final = 12
_SIGNS: Final = {"Add": "+", "Modify": "~", "Remove": "-"}
_OF_API: Final = ("AWS::ApiGateway::Deployment", "AWS::ApiGateway::Stage")


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
    return "\n".join(["This deploys", *map(escaped, lines)])


def _configuration(planned: Planned) -> Iterable[str]:
    if planned.old is None:
        known = "" if planned.is_first else "Which configuration is deployed is not known. "
        yield f"{known}The configuration has"
        for kind, entries in planned.new.kinds().items():
            yield from _named(kind, "+", tuple(sorted(entries)))
        return
    if planned.old == planned.new:
        yield "The configuration is the one that is deployed."
        return
    yield f"In the configuration, against the one that is deployed (digest {planned.old.digest[:_SHORT_DIGEST]})"
    differences = compare(planned.new, planned.old)
    for difference in differences:
        yield from _named(difference.kind, "+", difference.added)
        yield from _named(difference.kind, "~", difference.changed)
        yield from _named(difference.kind, "-", difference.taken)
    if not differences:
        yield "  the digests differ, and nothing that is named does"


def _named(kind: str, sign: str, names: Sequence[str]) -> Iterable[str]:
    if names:
        more = len(names) - _MOST_NAMES
        yield f"  {sign} {kind}: {', '.join(names[:_MOST_NAMES])}{f' and {more} more' if more > 0 else ''}"


def _resources(changes: ChangeSet | None) -> Iterable[str]:
    if changes is None:
        yield "No resource of the stack changes."
        return
    yield "In the stack"
    of_routes = [change for change in changes.changes if _is_of_route(change)]
    folded = Counter((change.action, change.type) for change in of_routes)
    lines = [
        (change.action, change.logical_id, _resource(change)) for change in changes.changes if change not in of_routes
    ]
    lines += [
        (action, "", f"  {_sign(action)} {number} {kind} of the routes") for (action, kind), number in folded.items()
    ]
    yield from (line for _, _, line in sorted(lines))


def _is_of_route(change: ResourceChange) -> bool:
    """Whether it lets API Gateway invoke the function for a route; no resource of an adopter's begins as these do."""
    return change.type == "AWS::Lambda::Permission" and change.logical_id.startswith(FUNCTION)


def _resource(change: ResourceChange) -> str:
    what = f" ({', '.join(change.attributes)})" if change.attributes else ""
    anew = {"True": ", made anew", "Conditional": ", made anew if what it refers to turns out to be another"}
    # Each deployment of an API is a new one, and its stage only points to it: it is not made anew.
    is_of_api = change.type in _OF_API and change.replacement == "Conditional"
    said = "" if is_of_api else anew.get(change.replacement, "")
    return f"  {_sign(change.action)} {change.logical_id}, {change.type}{what}{said}"


def _sign(action: str) -> str:
    return _SIGNS.get(action, action)
