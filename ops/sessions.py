"""The commands that read the ledger: `credvend-admin sessions`, `sessions show` and `sessions rebuild`."""

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Final

from chalicelib.configuration.session_settings import KEEP_SECONDS
from chalicelib.ledger.reading import Wanted
from chalicelib.text.timestamps import moment
from ops.aws.account import find_account
from ops.aws.logs import logs_client, messages
from ops.aws.operator import Operator, find_operator
from ops.blocking.named import known_caller
from ops.cloudformation.stack import find_stack
from ops.deployed.deployment import deployment_of
from ops.errors import CommandFailed, OperationFailed
from ops.ledger.audit_records import PATTERN
from ops.ledger.described import describe, lines, row
from ops.ledger.rebuilding import Rebuilding
from ops.ledger.sessions import AHEAD_SECONDS, Found, sessions_of
from ops.stages.names import SESSIONS_TABLE, table_name
from ops.stages.stage import DEFAULT_STAGE
from ops.terminal.arguments import When, duration, positive, when
from ops.terminal.columns import columns, rows
from ops.terminal.say import say

if TYPE_CHECKING:
    # argparse has no public name for what add_subparsers returns.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_COLUMNS: Final = ("Asked", "State", "Role", "Caller", "Id")
_NARROWED: Final = ("Role", "Caller")
_SINCE: Final = When(seconds=86_400)
_LIMIT: Final = 50
_COUNTED: Final = ("records", "sessions", "written", "repaired", "as it was", "forgotten", "changed", "unreadable")


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
    parser.add_argument("--issuer", help="of callers who came with an issuer's tokens, by its name in issuers.yaml")
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

    rebuild = commands.add_parser("rebuild", help="make the ledger anew from the audit log")
    rebuild.add_argument(
        "--since", type=when, default=When(seconds=7 * 86_400), metavar="TIME", help="as far back (7d)"
    )
    rebuild.add_argument("--dry-run", action="store_true", help="say what would be written, and write nothing")
    rebuild.add_argument("--keep", type=duration, default=KEEP_SECONDS, help="`keep` of sessions.yaml (90d)")
    rebuild.add_argument("--log-group", help="that of the audit records (the stack's output LogGroupName)")
    _also_here(rebuild)
    rebuild.set_defaults(run=_rebuild)


def _also_here(parser: argparse.ArgumentParser) -> None:
    """Options that may stand before a command's name as well: left out here, they keep what stands there."""
    parser.add_argument("--stage", default=argparse.SUPPRESS, help=f"a stage of .chalice/config.json ({DEFAULT_STAGE})")
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="as JSON")


def _list(options: argparse.Namespace) -> None:
    operator = find_operator(say)
    sessions = sessions_of(operator, options.stage)
    limit = options.limit or (None if options.json else _LIMIT)
    wanted = _wanted(options, operator)
    found = sessions.some(wanted, limit, options.issuer)
    now = operator.now()
    if options.json:
        print(json.dumps([describe(entry, now, revocation) for entry, revocation in found.shown], indent=2))
    elif found.shown:
        print(columns(_COLUMNS, [row(entry, now, revocation) for entry, revocation in found.shown], _NARROWED))
    _say_what_is_left_out(options, found, wanted)


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
        caller=options.caller and known_caller(options.caller),
        role=options.role,
        account=options.account,
        keys=tuple(options.key),
        live_at=now if options.live else None,
    )


def _say_what_is_left_out(options: argparse.Namespace, found: Found, wanted: Wanted) -> None:
    shown = len(found.shown)
    if found.more:
        say(f"More than {found.left_out:,} others are left out: --role, --caller and --since narrow it down.")
    elif found.left_out:
        say(f"{found.left_out:,} more: --limit {shown + found.left_out} shows them.")
    elif not shown and not options.json:
        since = f" since {moment(wanted.since // 1000)}; --since looks further back" if wanted.since else ""
        say(f"There are no such sessions{' that live' if options.live else since}.")


def _show(options: argparse.Namespace) -> None:
    operator = find_operator(say)
    sessions = sessions_of(operator, options.stage)
    found = sessions.with_key(options.id) if options.id.startswith("ASIA") else sessions.get(options.id)
    described = describe(found[0], operator.now(), found[1])
    if options.json:
        print(json.dumps(described, indent=2))
    else:
        print(rows(lines(described)))


def _rebuild(options: argparse.Namespace) -> None:
    operator = find_operator(say)
    table = table_name(options.stage, SESSIONS_TABLE)
    operator.expect(table, {"id": "-"})
    client = logs_client(operator.client.meta.region_name)
    group = options.log_group or _log_group(options.stage)
    now = operator.now()
    since = options.since.before(now)
    if since >= now:
        raise OperationFailed("--since is not over yet: there is nothing to be read.")
    rebuilding = Rebuilding(
        operator,
        table,
        lambda start, end: messages(client, group, start, end, PATTERN),
        options.keep,
        dry=options.dry_run,
    )
    say(f"Reading {group} ...")
    counts = rebuilding.rebuild(
        since * 1000, (now + AHEAD_SECONDS) * 1000, say if sys.stderr.isatty() else lambda _: None
    )
    if options.json:
        print(json.dumps({_json_name(what): counts[what] for what in _COUNTED}, indent=2))
    would = " would be" if options.dry_run else ""
    say(
        f"{counts['records']:,} records of {counts['sessions']:,} sessions: {counts['written']:,}{would} written, "
        f"{counts['repaired']:,}{would} repaired, {counts['as it was']:,} as they were, {counts['forgotten']:,} that "
        "have had their time in the ledger."
    )
    if counts["changed"]:
        say(f"{counts['changed']:,} were changed meanwhile, and left as they are: once more sees them.")
    if counts["unreadable"]:
        say(f"{counts['unreadable']:,} records do not tell enough, and were left out.")


def _json_name(what: str) -> str:
    return "".join(word.capitalize() for word in what.split())


def _log_group(stage: str) -> str:
    """Where the stack says that its audit records are."""
    try:
        account = find_account(os.environ)
        stack = find_stack(account.aws, f"credvend-{stage}")
        if stack is None:
            raise OperationFailed(f"There is no stack credvend-{stage} here. --log-group names the log group.")
        return deployment_of(account, stack).log_group
    except CommandFailed as error:
        raise OperationFailed(f"{error}\n--log-group names the log group without asking the stack.") from None
