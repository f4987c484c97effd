"""Options with which a caller and its request are described, each once."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from ops.policy_tests.read import moment
from ops.terminal.arguments import tag

_F = TypeVar("_F", bound=Callable[..., Any])


def moment_said(text: str) -> datetime:
    try:
        return moment(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _document(text: str) -> object:
    try:
        return json.loads(Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{text}: no JSON can be read from it: {error}") from None


def _pairs(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    return dict(map(tag, values))


def caller_options(command: _F) -> _F:
    """What more is said of a caller that is written as `oidc:...` or `token:...`."""
    for option in (
        click.option("--token-tag", "token_tags", multiple=True, callback=_pairs, metavar="KEY=VALUE",
                     help="Of an API token; may be repeated."),
        click.option("--owner", help="Who answers for an API token."),
        click.option("--claim", "claims", multiple=True, metavar="NAME=TEXT",
                     help="What an issuer's token says, or NAME:=JSON; may be repeated."),
        click.option("--group", "groups", multiple=True, metavar="GROUP",
                     help="Of an OIDC subject; may be repeated."),
    ):  # fmt: skip
        command = option(command)
    return command


def where_and_when_options(command: _F) -> _F:
    """Whence, and when, somebody asks."""
    for option in (
        click.option(
            "--time", "time", type=moment_said, metavar="TIME", help="Such as 2026-01-31T12:00:00Z [default: now]."
        ),
        click.option("--address", metavar="ADDRESS", help="The caller's."),
    ):
        command = option(command)
    return command


def request_options(command: _F) -> _F:
    """What is asked for besides the role."""
    for option in (
        click.option("--format", "form", metavar="FORMAT", help="json, env ...; container: as AWS's SDKs ask."),
        click.option("--policy", type=_document, metavar="FILE", help="A session policy of the caller's, as JSON."),
        click.option("--param", "params", multiple=True, callback=_pairs, metavar="NAME=VALUE",
                     help="For the role's templates; may be repeated."),
        click.option("--tag", "tags", multiple=True, callback=_pairs, metavar="KEY=VALUE",
                     help="A session tag that the caller wants to set; may be repeated."),
        click.option("--reason", help="Why, in the caller's words."),
        click.option("--duration", metavar="DURATION", help="Such as 30m [default: the role's]."),
    ):  # fmt: skip
        command = option(command)
    return command
