"""The commands that read the ledger: `credvend-admin sessions`, `sessions show` and `sessions rebuild`."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import click

from chalicelib.configuration.session_settings import KEEP_SECONDS
from chalicelib.ledger.reading import Wanted
from chalicelib.text.timestamps import moment
from ops.aws.logs import logs_client, messages
from ops.aws.operator import find_operator
from ops.blocking.named import check_caller
from ops.commands.options import json_option, stage_option
from ops.deployed.log_group import log_group_of
from ops.errors import OperationFailed
from ops.ledger.audit_records import PATTERN
from ops.ledger.described import describe, lines, row
from ops.ledger.rebuilding import Rebuilding
from ops.ledger.sessions import AHEAD_SECONDS, Found, sessions_of
from ops.stages.names import SESSIONS_TABLE, table_name
from ops.terminal.arguments import When, account, duration, positive, when
from ops.terminal.columns import columns, rows
from ops.terminal.commands import AwsCommand, AwsGroup
from ops.terminal.say import say

_COLUMNS: Final = ("Asked", "State", "Role", "Caller", "Id")
_NARROWED: Final = ("Role", "Caller")
_SINCE: Final = When(seconds=86_400)
_LIMIT: Final = 50
_COUNTED: Final = ("records", "sessions", "written", "repaired", "as it was", "forgotten", "changed", "unreadable")


def _role_name(text: str) -> str:
    if text.startswith("arn:"):
        raise click.BadParameter("Write the role's name in roles.yaml, not its ARN; or its account, with --account.")
    return text


@click.group(cls=AwsGroup, invoke_without_command=True)
@click.option("--role", type=_role_name, metavar="NAME", help="Of this role of the catalog, by its name.")
@click.option("--caller", help="Of this caller, as audit records name it; or the ARN of an IAM role behind it.")
@click.option("--issuer", help="Of callers who came with an issuer's tokens, by its name in issuers.yaml.")
@click.option("--account", type=account, help="Of roles in this account: 12 digits.")
@click.option("--key", multiple=True, metavar="ASIA...", help="With this access key id; may be repeated.")
@click.option("--live", is_flag=True, help="Those alone that can be used now, as far as is known.")
@click.option(
    "--since",
    type=when,
    metavar="TIME",
    help="Asked for since: 2h, or 2026-01-31T12:00:00Z [default: 1d; with --key: ever].",
)
@click.option(
    "--limit", type=positive, metavar="NUMBER", help=f"So many at most [default: {_LIMIT}; with --json: all]."
)
@stage_option
@json_option
@click.pass_context
def sessions(
    ctx: click.Context,
    *,
    role: str | None,
    caller: str | None,
    issuer: str | None,
    account: str | None,
    key: Sequence[str],
    live: bool,
    since: When | None,
    limit: int | None,
    stage: str,
    as_json: bool,
) -> None:
    """Show which sessions were vended, to whom, and which are live; the latest first."""
    if ctx.invoked_subcommand is not None:
        return
    if caller is not None:
        check_caller(caller)
    operator = find_operator(say)
    ledger = sessions_of(operator, stage)  # before the time is asked for: its first answer tells AWS's
    now = operator.now()
    wanted = Wanted(
        since=(since or (When(moment=0) if key else _SINCE)).before(now) * 1000,
        until=(now + AHEAD_SECONDS) * 1000,
        caller=caller,
        role=role,
        account=account,
        keys=tuple(key),
        live_at=now if live else None,
    )
    found = ledger.some(wanted, limit or (None if as_json else _LIMIT), issuer)
    now = operator.now()
    if as_json:
        print(json.dumps([describe(entry, now, revocation) for entry, revocation in found.shown], indent=2))
    elif found.shown:
        print(columns(_COLUMNS, [row(entry, now, revocation) for entry, revocation in found.shown], _NARROWED))
    elif not found.left_out:
        since_then = f" since {moment(wanted.since // 1000)}; --since looks further back" if wanted.since else ""
        say(f"There are no such sessions{' that live' if live else since_then}.")
    _say_what_is_left_out(found)


def _say_what_is_left_out(found: Found) -> None:
    shown = len(found.shown)
    if found.more:
        say(f"More than {found.left_out:,} others are left out: --role, --caller and --since narrow it down.")
    elif found.left_out:
        say(f"{found.left_out:,} more: --limit {shown + found.left_out} shows them.")


@sessions.command(cls=AwsCommand)
@click.argument("session_id", metavar="ID")
@stage_option
@json_option
def show(session_id: str, stage: str, as_json: bool) -> None:
    """Show all that is known of one session.

    ID is its id, or its access key id.
    """
    operator = find_operator(say)
    ledger = sessions_of(operator, stage)
    found = ledger.with_key(session_id) if session_id.startswith("ASIA") else ledger.get(session_id)
    described = describe(found[0], operator.now(), found[1])
    print(json.dumps(described, indent=2) if as_json else rows(lines(described)))


@sessions.command(cls=AwsCommand)
@click.option("--since", type=when, default="7d", show_default=True, metavar="TIME", help="As far back.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option(
    "--keep", type=duration, default=f"{KEEP_SECONDS}s", metavar="TIME", help="`keep` of sessions.yaml (90d)."
)
@click.option("--log-group", metavar="NAME", help="That of the audit records (the stack's output LogGroupName).")
@stage_option
@json_option
def rebuild(since: When, dry_run: bool, keep: int, log_group: str | None, stage: str, as_json: bool) -> None:
    """Make the ledger anew from the audit log."""
    operator = find_operator(say)
    table = table_name(stage, SESSIONS_TABLE)
    operator.expect(table, {"id": "-"})
    client = logs_client(operator.client.meta.region_name)
    group = log_group or log_group_of(stage)
    now = operator.now()
    start = since.before(now)
    if start >= now:
        raise OperationFailed("--since is not over yet: there is nothing to be read.")
    rebuilding = Rebuilding(
        operator,
        table,
        lambda start, end: messages(client, group, start, end, PATTERN),
        keep,
        dry=dry_run,
    )
    say(f"Reading {group} ...")
    counts = rebuilding.rebuild(
        start * 1000, (now + AHEAD_SECONDS) * 1000, say if sys.stderr.isatty() else lambda _: None
    )
    if as_json:
        print(json.dumps({_json_name(what): counts[what] for what in _COUNTED}, indent=2))
    _say_counts(counts, " would be" if dry_run else "")


def _say_counts(counts: Mapping[str, int], would: str) -> None:
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
