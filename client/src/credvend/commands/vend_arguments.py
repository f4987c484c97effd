"""The arguments of the commands that vend."""

from __future__ import annotations

import argparse
import re

from credvend.errors import UsageError
from credvend.vending.options import Options

# A name of a role that can stand on any command line: none is taken for an option, or split or expanded by a shell.
PLAIN_ROLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def add_vend_arguments(parser: argparse.ArgumentParser, *, role_is_optional: bool = False) -> None:
    """What `POST credentials` takes."""
    amount = "?" if role_is_optional else None
    parser.add_argument("role", metavar="ROLE", nargs=amount, help="its name, as `credvend roles` lists it, or its ARN")
    parser.add_argument("--duration", metavar="TIME", help="15m, 1h30m or seconds; default: the role's")
    parser.add_argument("--reason", metavar="TEXT", help="why, in one line; some roles demand it")
    parser.add_argument("--param", metavar="NAME=VALUE", action="append", default=[], help="a parameter of the role")
    parser.add_argument("--tag", metavar="NAME=VALUE", action="append", default=[], help="a session tag")
    parser.add_argument("--policy", metavar="FILE", help="an IAM policy (JSON) that narrows the session")


def options_of(arguments: argparse.Namespace) -> Options:
    """The options of parsed arguments.

    Raises:
        UsageError: a malformed one, or a file that cannot be read.
    """
    policy = None
    if arguments.policy is not None:
        try:
            with open(arguments.policy, encoding="utf-8") as file:
                policy = file.read()
        except (OSError, ValueError):
            raise UsageError(f"The policy {arguments.policy} cannot be read.") from None
    return Options(
        duration=arguments.duration,
        reason=arguments.reason,
        params=tuple(_pair("param", text) for text in arguments.param),
        tags=tuple(_pair("tag", text) for text in arguments.tag),
        policy=policy,
    )


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"Write --{option} NAME=VALUE, not --{option} {text}")
    return name, value
