"""Remove what is cached."""

from __future__ import annotations

import click

from credvend.commands.told import Told, is_told
from credvend.disk.credentials_cache import Cache
from credvend.text import messages


@click.command(help=__doc__)
@click.argument("action", metavar="clear", type=click.Choice(["clear"]))
@is_told
def command(told: Told, action: str) -> int:
    removed = Cache(told.environ).clear()
    messages.say(f"removed {removed} cached credentials")
    return 0
