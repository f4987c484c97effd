"""The commands for API tokens: `credvend-admin token create|list|show|rotate|revoke`."""

import json
from collections.abc import Sequence
from typing import Final

import click

from chalicelib.callers.api_tokens.stored_token import StoredToken
from ops.api_tokens.described import ENDING_SOON_SECONDS, describe, moment
from ops.api_tokens.described import ending_within as keep_ending
from ops.api_tokens.new_token import IssuedToken
from ops.api_tokens.table import DEFAULT_OVERLAP_SECONDS, open_tokens, revocation_delay
from ops.commands.options import json_option, stage_option
from ops.errors import OperationFailed
from ops.stages.names import TABLE, table_name
from ops.terminal.arguments import Network, duration, network, tag
from ops.terminal.columns import columns, rows
from ops.terminal.commands import AwsCommand, Group
from ops.terminal.say import say

_COLUMNS: Final = ("Name", "Id", "State", "Owner", "Expires", "LastUsed", "Cidrs", "Tags")


@click.group(cls=Group)
def token() -> None:
    """API tokens, for scripts that can hold a secret but have no identity."""


@token.command(cls=AwsCommand)
@click.argument("name")
@click.option("--owner", required=True, help="Who answers for it: a person or a team.")
@click.option("--expires", required=True, type=duration, metavar="TIME", help="After how long: 90d, 12h; at most 365d.")
@click.option(
    "--cidr",
    multiple=True,
    type=network,
    metavar="NETWORK",
    help="Take it from this network only; may be repeated.",
)
@click.option("--tag", multiple=True, type=tag, metavar="KEY=VALUE", help="For policies; may be repeated.")
@stage_option
def create(
    name: str, owner: str, expires: int, cidr: Sequence[Network], tag: Sequence[tuple[str, str]], stage: str
) -> None:
    """Make a token, and print it, once.

    NAME is its name in policies and sessions.
    """
    issued = open_tokens(stage, say).create(name, owner, expires, tag, cidr)
    say(f"Made token {_described(issued)} in table {table_name(stage, TABLE)}.")
    _hand_over(issued)


@token.command("list", cls=AwsCommand)
@click.option(
    "--ending-within", type=duration, metavar="TIME", help="Those alone that have to be rotated within this time: 14d."
)
@stage_option
@json_option
def list_tokens(ending_within: int | None, stage: str, as_json: bool) -> None:
    """Show all tokens: who owns them, until when, when they were used."""
    tokens = open_tokens(stage, say)
    found = tokens.list_all()
    if ending_within is not None:
        found = keep_ending(found, tokens.now(), ending_within)
    listed = [describe(stored, tokens.now()) for stored in found]
    if as_json:
        print(json.dumps(listed, indent=2))
    elif listed:
        print(columns(_COLUMNS, listed))
    elif ending_within is None:
        say(f"There are no tokens in table {table_name(stage, TABLE)}.")
    if ending_within is None:
        _warn_of_ends(found, tokens.now())


@token.command(cls=AwsCommand)
@click.argument("name_or_id")
@stage_option
@json_option
def show(name_or_id: str, stage: str, as_json: bool) -> None:
    """Show all that is known of the tokens of a name, or of the one of an id."""
    tokens = open_tokens(stage, say)
    found = [describe(stored, tokens.now()) for stored in tokens.find(name_or_id)]
    print(json.dumps(found, indent=2) if as_json else "\n\n".join(map(rows, found)))


@token.command(cls=AwsCommand)
@click.argument("name")
@click.option(
    "--overlap",
    type=duration,
    default=f"{DEFAULT_OVERLAP_SECONDS}s",
    metavar="TIME",
    help="How long the old one goes on (24h); 0: not.",
)
@click.option(
    "--expires", type=duration, default="90d", show_default=True, metavar="TIME", help="After how long the new one."
)
@stage_option
def rotate(name: str, overlap: int, expires: int, stage: str) -> None:
    """Make a token like NAME, print it, and have the old one end."""
    issued = open_tokens(stage, say).rotate(name, overlap, expires)
    say(f"Made token {_described(issued)} in table {table_name(stage, TABLE)}.")
    how = "ends" if overlap else "was revoked, and ends"
    say(f"The old one {how} within {max(overlap, revocation_delay())} s.")
    _hand_over(issued)


@token.command(cls=AwsCommand)
@click.argument("name_or_id")
@stage_option
def revoke(name_or_id: str, stage: str) -> None:
    """Have all tokens of a name, or the one of an id, end now."""
    tokens = open_tokens(stage, say)
    for stored in tokens.revoke(name_or_id):
        had = "" if tokens.now() < stored.expires else f", which had expired at {moment(stored.expires)}"
        say(f"Revoked token {stored.name} ({stored.id}){had}.")
    say(f"It may still be taken for {revocation_delay()} s. AWS sessions that were vended for it go on until they end.")


def _warn_of_ends(found: Sequence[StoredToken], now: int) -> None:
    for stored in keep_ending(found, now, ENDING_SOON_SECONDS):
        left = stored.expires - now
        within = f"{left // 86_400} days" if left >= 2 * 86_400 else f"{left // 3600} hours"
        say(
            f"Token {stored.name} ({stored.id}) of {stored.owner} ends at {moment(stored.expires)}, in {within}: "
            f"token rotate {stored.name}"
        )


def _described(issued: IssuedToken) -> str:
    return f"{issued.stored.name} ({issued.stored.id}), good until {moment(issued.stored.expires)},"


def _hand_over(issued: IssuedToken) -> None:
    """Print the token, and nothing else."""
    try:
        print(issued.token, flush=True)
    except OSError as error:
        raise OperationFailed(
            f"The token could not be printed ({error}), and is lost. Revoke it: token revoke {issued.stored.id}"
        ) from None
    say("It is not shown again. Keep it where secrets are kept.")
