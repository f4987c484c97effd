"""Whose credentials this shell has, and for how long: for people, and for a shell's prompt.

Where there are none, it prints nothing, and its exit code is 1.
"""

from __future__ import annotations

import json

import click

from credvend.session_status import session_status


@click.command(help=__doc__, epilog="\b\nexample, for bash's prompt:\n  PS1='$(credvend status 2>/dev/null)\\$ '")
@click.option("--json", "as_json", is_flag=True, help="role and seconds left, null where they renew themselves")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> int:
    status = session_status(ctx.obj)
    if as_json:
        print(json.dumps(None if status is None else {"Role": status.role, "SecondsLeft": status.left}))
    elif status is not None:
        print(status)
    return 1 if status is None else 0
