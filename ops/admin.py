"""What operators do with a deployed credvend: `python -m ops.admin GROUP COMMAND`, with AWS credentials and a region.

A result goes to standard output, alone, so that `TOKEN=$(python -m ops.admin token create ...)` works; everything
that is said about it goes to standard error.
"""

import argparse
import ipaddress
import json
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from chalicelib.callers.api_tokens.stored_token import Network, StoredToken
from chalicelib.text.timestamps import rfc3339
from ops.api_tokens.table import (
    DEFAULT_OVERLAP_SECONDS,
    IssuedToken,
    TokensFailed,
    open_tokens,
    revocation_delay,
    table_name,
)
from ops.stages.stage import DEFAULT_STAGE

if TYPE_CHECKING:
    # argparse has no public name for what add_subparsers returns.
    Groups = argparse._SubParsersAction[argparse.ArgumentParser]

_DURATION = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def build_parser() -> argparse.ArgumentParser:
    """The command line. Each command sets `run`: what it does, given the options; it raises `TokensFailed`."""
    parser = argparse.ArgumentParser(prog="credvend-admin", description="Administer a deployed credvend.")
    groups = parser.add_subparsers(metavar="GROUP", required=True)
    _add_token_commands(groups)
    return parser


def _add_token_commands(groups: "Groups") -> None:
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
        "--tag", action="append", default=[], type=tag, metavar="KEY=VALUE", help="for policies; may be repeated"
    )

    listing = _command(commands, "list", _list, "show all tokens: who owns them, until when, when they were used")
    listing.add_argument("--json", action="store_true", help="as JSON")

    rotate = _command(commands, "rotate", _rotate, "make a token like NAME, print it, and have the old one end")
    rotate.add_argument("name", metavar="NAME")
    rotate.add_argument(
        "--overlap", type=duration, default=DEFAULT_OVERLAP_SECONDS, help="how long the old one goes on (24h); 0: not"
    )
    rotate.add_argument("--expires", type=duration, default=duration("90d"), help="after how long the new one (90d)")

    revoke = _command(commands, "revoke", _revoke, "have all tokens of a name, or the one of an id, end now")
    revoke.add_argument("name_or_id", metavar="NAME_OR_ID")


def _command(
    commands: "Groups", name: str, run: Callable[[argparse.Namespace], None], about: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about)
    parser.add_argument("--stage", default=DEFAULT_STAGE, help=f"a stage of .chalice/config.json ({DEFAULT_STAGE})")
    parser.set_defaults(run=run)
    return parser


def duration(text: str) -> int:
    """Seconds meant by `90d`, `24h`, `30m`, `45s` or `0`."""
    match = _DURATION.fullmatch(text)
    if match is None and text != "0":
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write a number and a unit, such as 90d or 12h")
    return 0 if match is None else int(match[1]) * _UNIT_SECONDS[match[2]]


def network(text: str) -> Network:
    """A network such as `192.0.2.0/24`, or one address."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}: write a network such as 192.0.2.0/24 or 2001:db8::/32") from None


def tag(text: str) -> tuple[str, str]:
    """Key and value of `KEY=VALUE`."""
    key, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is no tag: write KEY=VALUE")
    return key, value


def describe(stored: StoredToken, now: float) -> dict[str, object]:
    """A token as JSON, in the spelling of the API's answers. Neither token nor hash is in it.

    Args:
        now: seconds since 1970, UTC.
    """
    return {
        "Name": stored.name,
        "Id": stored.id,
        "State": state(stored, now),
        "Owner": stored.owner,
        "Created": _moment(stored.created),
        "Expires": _moment(stored.expires),
        "Revoked": None if stored.revoked_at is None else _moment(stored.revoked_at),
        "LastUsed": None if stored.last_used is None else _moment(stored.last_used),
        "Cidrs": [str(cidr) for cidr in stored.cidrs],
        "Tags": dict(stored.tags),
    }


def state(stored: StoredToken, now: float) -> str:
    """`live`, `revoked` or `expired`."""
    if stored.is_live(now):
        return "live"
    return "expired" if stored.revoked_at is None else "revoked"


def _create(options: argparse.Namespace) -> None:
    tokens = open_tokens(options.stage, _say)
    issued = tokens.create(options.name, options.owner, options.expires, options.tag, options.cidr)
    _say(f"Made token {_described(issued)} in table {table_name(options.stage)}.")
    _hand_over(issued)


def _rotate(options: argparse.Namespace) -> None:
    issued = open_tokens(options.stage, _say).rotate(options.name, options.overlap, options.expires)
    _say(f"Made token {_described(issued)} in table {table_name(options.stage)}.")
    _say(f"The old one ends within {max(options.overlap, revocation_delay())} s.")
    _hand_over(issued)


def _revoke(options: argparse.Namespace) -> None:
    for stored in open_tokens(options.stage, _say).revoke(options.name_or_id):
        _say(f"Revoked token {stored.name} ({stored.id}).")
    _say(
        f"It may still be taken for {revocation_delay()} s. AWS sessions that were vended for it go on until they end."
    )


def _list(options: argparse.Namespace) -> None:
    tokens = open_tokens(options.stage, _say)
    listed = [describe(stored, tokens.now()) for stored in tokens.list_all()]
    if options.json:
        print(json.dumps(listed, indent=2))
    elif listed:
        print(_table(listed))
    else:
        _say(f"There are no tokens in table {table_name(options.stage)}.")


def _described(issued: IssuedToken) -> str:
    return f"{issued.stored.name} ({issued.stored.id}), good until {_moment(issued.stored.expires)},"


def _hand_over(issued: IssuedToken) -> None:
    """Print the token, and nothing else."""
    try:
        print(issued.token, flush=True)
    except OSError as error:
        raise TokensFailed(
            f"The token could not be printed ({error}), and is lost. Revoke it: token revoke {issued.stored.id}"
        ) from None
    _say("It is not shown again. Keep it where secrets are kept.")


def _table(tokens: list[dict[str, object]]) -> str:
    """Columns for people."""
    columns = ("Name", "Id", "State", "Owner", "Expires", "LastUsed", "Cidrs", "Tags")
    rows = [tuple(name.upper() for name in columns)]
    rows += [tuple(_shown(token[name]) for name in columns) for token in tokens]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={text}" for key, text in value.items()) or "-"
    if isinstance(value, list):
        return ",".join(value) or "-"
    return "-" if value is None else str(value)


def _moment(seconds: int) -> str:
    return rfc3339(datetime.fromtimestamp(seconds, UTC))


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    options = build_parser().parse_args(arguments)
    if os.environ.get("AWS_ENDPOINT_URL"):
        _say(f"AWS_ENDPOINT_URL is set: this goes to {os.environ['AWS_ENDPOINT_URL']}, not to AWS.")
    try:
        options.run(options)
    except TokensFailed as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("\nStopped. `token list` shows whether it was carried out.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
