"""The commands that read the ledger: `credvend-admin sessions`, `sessions show` and `sessions rebuild`."""

import argparse
import json
from typing import TYPE_CHECKING, Final

from chalicelib.ledger.reading import Wanted
from ops.aws.operator import Operator, find_operator
from ops.errors import OperationFailed
from ops.ledger.described import describe, row
from ops.ledger.sessions import AHEAD_SECONDS, Found, sessions_of
from ops.stages.stage import DEFAULT_STAGE
from ops.terminal.arguments import When, positive, when
from ops.terminal.columns import columns, rows
from ops.terminal.say import say

if TYPE_CHECKING:
    # argparse has no public name for what add_subparsers returns.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_COLUMNS: Final = ("Asked", "State", "Role", "Caller", "Id")
_NARROWED: Final = ("Role", "Caller")
_SINCE: Final = When(seconds=86_400)
_LIMIT: Final = 50


def add_session_commands(groups: "Commands") -> None:
    """Add `sessions` to the groups of a command line. Each command sets `run`, which raises `OperationFailed`."""
    about = "which sessions were vended, to whom, and which are live; the latest first"
    parser = groups.add_parser("sessions", help=about, description=about)
    parser.add_argument("--stage", default=DEFAULT_STAGE, help=f"a stage of .chalice/config.json ({DEFAULT_STAGE})")
    parser.add_argument("--json", action="store_true", help="as JSON, and all of them where --limit is not given")
    parser.add_argument("--role", help="of this role of the catalog, by its name")
    parser.add_argument(
        "--caller", help="of this caller, as audit records name it; or the ARN of an IAM role behind it"
    )
    parser.add_argument("--account", help="of roles in this account: 12 digits")
    parser.add_argument(
        "--key", action="append", default=[], metavar="ASIA...", help="with this access key id; may be repeated"
    )
    parser.add_argument("--live", action="store_true", help="those alone that can be used now, as far as is known")
    parser.add_argument(
        "--since", type=when, metavar="TIME", help="asked for since: 2h, or 2026-01-31T12:00:00Z (1d; with --key: ever)"
    )
    parser.add_argument("--limit", type=positive, help=f"so many at most ({_LIMIT})")
    parser.set_defaults(run=_list)
    commands = parser.add_subparsers(metavar="COMMAND")

    show = commands.add_parser("show", help="show all that is known of one session")
    show.add_argument("id", metavar="ID", help="its id, or its access key id")
    _also_here(show)
    show.set_defaults(run=_show)


def _also_here(parser: argparse.ArgumentParser) -> None:
    """Options that may stand before a command's name as well: left out here, they keep what stands there."""
    parser.add_argument("--stage", default=argparse.SUPPRESS, help=f"a stage of .chalice/config.json ({DEFAULT_STAGE})")
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="as JSON")


def _list(options: argparse.Namespace) -> None:
    operator = find_operator(say)
    sessions = sessions_of(operator, options.stage)
    limit = options.limit or (None if options.json else _LIMIT)
    found = sessions.some(_wanted(options, operator), limit)
    now = operator.now()
    if options.json:
        print(json.dumps([describe(entry, now, revocation) for entry, revocation in found.shown], indent=2))
    elif found.shown:
        print(columns(_COLUMNS, [row(entry, now, revocation) for entry, revocation in found.shown], _NARROWED))
    _say_what_is_left_out(options, found)


def _wanted(options: argparse.Namespace, operator: Operator) -> Wanted:
    now = operator.now()
    since = options.since or (When(moment=0) if options.key else _SINCE)
    if options.account is not None and not (options.account.isdigit() and len(options.account) == 12):
        raise OperationFailed(f"{options.account!r} is no account: write its 12 digits.")
    if options.role is not None and options.role.startswith("arn:"):
        raise OperationFailed("Write the role's name in roles.yaml, not its ARN; or its account, with --account.")
    return Wanted(
        since=since.before(now) * 1000,
        until=(now + AHEAD_SECONDS) * 1000,
        caller=options.caller,
        role=options.role,
        account=options.account,
        keys=tuple(options.key),
        live_at=now if options.live else None,
    )


def _say_what_is_left_out(options: argparse.Namespace, found: Found) -> None:
    shown = len(found.shown)
    if found.more:
        say(f"More than {found.left_out:,} others are left out: --role, --caller and --since narrow it down.")
    elif found.left_out:
        say(f"{found.left_out:,} more: --limit {shown + found.left_out} shows them.")
    elif not shown and not options.json:
        since = "" if options.key or options.live else " since then; --since 7d looks further back"
        say(f"There are no such sessions{since}.")


def _show(options: argparse.Namespace) -> None:
    operator = find_operator(say)
    sessions = sessions_of(operator, options.stage)
    if options.id.startswith("ASIA"):
        wanted = Wanted(since=0, until=(operator.now() + AHEAD_SECONDS) * 1000, keys=(options.id,))
        with_key = sessions.some(wanted, 1).shown
        if not with_key:
            raise OperationFailed(
                f"No session of the ledger has the access key id {options.id}: credvend did not vend it, or has "
                "forgotten it. CloudTrail tells who made it."
            )
        found = with_key[0]
    else:
        found = sessions.get(options.id)
    described = describe(found[0], operator.now(), found[1])
    if options.json:
        print(json.dumps(described, indent=2))
    else:
        print(rows(described))
