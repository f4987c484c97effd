"""The commands for API tokens: `credvend-admin token create|list|show|rotate|revoke`."""

import argparse
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from chalicelib.callers.api_tokens.stored_token import StoredToken
from ops.api_tokens.described import ENDING_SOON_SECONDS, describe, ending_within, moment
from ops.api_tokens.new_token import IssuedToken
from ops.api_tokens.table import DEFAULT_OVERLAP_SECONDS, open_tokens, revocation_delay
from ops.errors import OperationFailed
from ops.stages.names import TABLE, table_name
from ops.stages.stage import DEFAULT_STAGE
from ops.terminal.arguments import duration, network, tag
from ops.terminal.columns import columns, rows
from ops.terminal.say import say

if TYPE_CHECKING:
    # argparse has no public name for what add_subparsers returns.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_COLUMNS: Final = ("Name", "Id", "State", "Owner", "Expires", "LastUsed", "Cidrs", "Tags")


def add_token_commands(groups: "Commands") -> None:
    """Add `token` to the groups of a command line. Each command sets `run`, which raises `OperationFailed`."""
    about = "API tokens, for scripts that can hold a secret but have no identity"
    commands = groups.add_parser("token", help=about, description=about).add_subparsers(
        metavar="COMMAND", required=True
    )

    create = _command(commands, "create", _create, "make a token, and print it, once")
    create.add_argument("name", metavar="NAME", help="its name in policies and sessions")
    create.add_argument("--owner", required=True, help="who answers for it: a person or a team")
    create.add_argument("--expires", required=True, type=duration, help="after how long: 90d, 12h; at most 365d")
    create.add_argument(
        "--cidr", action="append", default=[], type=network, help="take it from this network only; may be repeated"
    )
    create.add_argument(
        "--tag",
        action="append",
        default=[],
        type=tag,
        metavar="KEY=VALUE",
        help="for policies; may be repeated",
    )

    listing = _command(commands, "list", _list, "show all tokens: who owns them, until when, when they were used")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.add_argument(
        "--ending-within",
        type=duration,
        metavar="TIME",
        help="those alone that have to be rotated within this time: 14d",
    )

    show = _command(commands, "show", _show, "show all that is known of the tokens of a name, or of the one of an id")
    show.add_argument("name_or_id", metavar="NAME_OR_ID")

    rotate = _command(commands, "rotate", _rotate, "make a token like NAME, print it, and have the old one end")
    rotate.add_argument("name", metavar="NAME")
    rotate.add_argument(
        "--overlap", type=duration, default=DEFAULT_OVERLAP_SECONDS, help="how long the old one goes on (24h); 0: not"
    )
    rotate.add_argument("--expires", type=duration, default=duration("90d"), help="after how long the new one (90d)")

    revoke = _command(commands, "revoke", _revoke, "have all tokens of a name, or the one of an id, end now")
    revoke.add_argument("name_or_id", metavar="NAME_OR_ID")


def _command(
    commands: "Commands", name: str, run: Callable[[argparse.Namespace], None], about: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about)
    parser.add_argument("--stage", default=DEFAULT_STAGE, help=f"a stage of .chalice/config.json ({DEFAULT_STAGE})")
    parser.set_defaults(run=run)
    return parser


def _create(options: argparse.Namespace) -> None:
    tokens = open_tokens(options.stage, say)
    issued = tokens.create(options.name, options.owner, options.expires, options.tag, options.cidr)
    say(f"Made token {_described(issued)} in table {table_name(options.stage, TABLE)}.")
    _hand_over(issued)


def _rotate(options: argparse.Namespace) -> None:
    issued = open_tokens(options.stage, say).rotate(options.name, options.overlap, options.expires)
    say(f"Made token {_described(issued)} in table {table_name(options.stage, TABLE)}.")
    how = "ends" if options.overlap else "was revoked, and ends"
    say(f"The old one {how} within {max(options.overlap, revocation_delay())} s.")
    _hand_over(issued)


def _revoke(options: argparse.Namespace) -> None:
    tokens = open_tokens(options.stage, say)
    for stored in tokens.revoke(options.name_or_id):
        had = "" if tokens.now() < stored.expires else f", which had expired at {moment(stored.expires)}"
        say(f"Revoked token {stored.name} ({stored.id}){had}.")
    say(f"It may still be taken for {revocation_delay()} s. AWS sessions that were vended for it go on until they end.")


def _list(options: argparse.Namespace) -> None:
    tokens = open_tokens(options.stage, say)
    found = tokens.list_all()
    if options.ending_within is not None:
        found = ending_within(found, tokens.now(), options.ending_within)
    listed = [describe(stored, tokens.now()) for stored in found]
    if options.json:
        print(json.dumps(listed, indent=2))
    elif listed:
        print(columns(_COLUMNS, listed))
    elif options.ending_within is None:
        say(f"There are no tokens in table {table_name(options.stage, TABLE)}.")
    if options.ending_within is None:
        _warn_of_ends(found, tokens.now())


def _show(options: argparse.Namespace) -> None:
    tokens = open_tokens(options.stage, say)
    found = tokens.find(options.name_or_id)
    print("\n\n".join(rows(describe(stored, tokens.now())) for stored in found))


def _warn_of_ends(found: Sequence[StoredToken], now: int) -> None:
    for stored in ending_within(found, now, ENDING_SOON_SECONDS):
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
