"""The sessions that you have had, here or anywhere: which still live, and when each ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime

import click

from credvend.commands.told import Told, is_told
from credvend.text import messages
from credvend.text.tables import duration, fitting, table, terminal_width
from credvend.vending.service import service_of
from credvend.vending.sessions import Session, parse_session

# Where a terminal has no room for all columns, in this order; --json has them.
_LEFT_OUT = ("KEY", "REASON", "SINCE")
# The service counts so far.
_COUNTED = 1000


@click.command(help=__doc__)
@click.option("--live", is_flag=True, help="only those that somebody may still use")
@click.option("--since", metavar="TIME", help="how far back: 90m, 30d; default: a day")
@click.option("--limit", metavar="N", type=click.IntRange(1, 1000), help="how many at most, the latest; default: 100")
@click.option("--json", "as_json", is_flag=True, help="a JSON list of all that the service tells")
@is_told
def command(told: Told, live: bool, since: str | None, limit: int | None, as_json: bool) -> int:
    config, environ = told
    service = service_of(config, environ)
    every, left_out = service.sessions(live=live, since=since, limit=limit)
    if as_json:
        print(json.dumps(every, indent=2))
    elif not every:
        what = "you have no session that lives" if live else "you have had no session"
        span = f"{since} seconds" if since and since.isdigit() else since or "24h"
        messages.say(f"{what}, of those of the last {span}; --since looks further back")
    else:
        now = time.time() + service.skew
        sessions = [parse_session(each) for each in every]
        columns: dict[str, Callable[[Session], str]] = {**_COLUMNS, "LEFT": lambda session: _left(session, now)}
        if not any(map(_reason, sessions)):
            del columns["REASON"]
        width = terminal_width()
        rows = [{name: cell(each) for name, cell in columns.items()} for each in sessions]
        shown = list(columns) if width is None else fitting(rows, list(columns), _LEFT_OUT, width)
        print(table(shown, [[row[name] for name in shown] for row in rows], width))
    if left_out:
        more = f"{left_out} or more" if left_out >= _COUNTED else str(left_out)
        messages.say(f"{more} left out, which are older: --limit shows more, up to 1000")
    return 0


def _left(session: Session, now: float) -> str:
    if session.state not in ("live", "revoking", "requested"):
        return ""
    return duration(int(session.expires.timestamp() - now)) or "<1s"


def _here(moment: datetime) -> str:
    """By this computer's clock on the wall."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def _reason(session: Session) -> str:
    return session.reason or ""


_COLUMNS: Mapping[str, Callable[[Session], str]] = {
    "ID": lambda session: session.id,
    "ROLE": lambda session: session.role,
    "STATE": lambda session: session.state,
    "SINCE": lambda session: _here(session.requested),
    "LEFT": lambda session: "",
    "KEY": lambda session: session.access_key_id or "",
    "REASON": _reason,
}
