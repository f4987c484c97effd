"""What every command is told besides its arguments: the configuration, and the environment."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import click

from credvend.auth.registry import load_checked_config
from credvend.disk.config_file import Config


class Told(NamedTuple):
    config: Config
    environ: Mapping[str, str]


def is_told(run: Callable[..., int]) -> Callable[..., int]:
    """Read the configuration once the arguments are known to be right, and call a command with it.

    The object of click's context is the environment.
    """

    @click.pass_context
    @functools.wraps(run)
    def command(ctx: click.Context, /, *arguments: Any, **named: Any) -> int:
        environ: Mapping[str, str] = ctx.obj
        return run(Told(load_checked_config(environ), environ), *arguments, **named)

    return command
