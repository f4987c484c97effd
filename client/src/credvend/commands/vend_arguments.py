"""The arguments of the commands that vend."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from credvend.errors import UsageError
from credvend.vending.options import Options


class _Pair(click.ParamType[tuple[str, str]]):
    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            self.fail("write NAME=VALUE.", param, ctx)
        return name, text


def _complete_role(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from credvend.commands.known_roles import role_names  # slow to import, and for completion alone

    return [CompletionItem(name) for name in role_names(ctx.obj) if name.startswith(incomplete)]


def vends(*, role_is_optional: bool = False) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command what `POST credentials` takes: it is called with `role` and with `options`."""

    def give(run: Callable[..., int]) -> Callable[..., int]:
        @click.argument("role", metavar="ROLE", required=not role_is_optional, shell_complete=_complete_role)
        @click.option("--duration", metavar="TIME", help="15m, 1h30m or seconds; default: the role's")
        @click.option("--reason", metavar="TEXT", help="why, in one line; some roles demand it")
        @click.option("--param", "params", type=_Pair(), multiple=True, help="a parameter of the role")
        @click.option("--tag", "tags", type=_Pair(), multiple=True, help="a session tag")
        @click.option(
            "--policy", metavar="FILE", type=click.Path(), help="an IAM policy (JSON) that narrows the session"
        )
        @functools.wraps(run)
        def vend(
            *arguments: Any,
            duration: str | None,
            reason: str | None,
            params: tuple[tuple[str, str], ...],
            tags: tuple[tuple[str, str], ...],
            policy: str | None,
            **more: Any,
        ) -> int:
            document = None if policy is None else _read_policy(policy)
            return run(*arguments, options=Options(duration, reason, params, tags, document), **more)

        return vend

    return give


def _read_policy(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        raise UsageError(f"The policy {path} cannot be read.") from None
