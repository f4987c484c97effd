"""The arguments of the commands that vend."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import click
from click.shell_completion import CompletionItem

from credvend import lean
from credvend.auth.registry import load_checked_config
from credvend.commands.meant_role import meant
from credvend.commands.picker import pick
from credvend.commands.told import Told
from credvend.disk.recent_roles import note_role
from credvend.errors import AccessDeniedError, UsageError
from credvend.text.aws_regions import check_region
from credvend.text.messages import may_ask
from credvend.vending.cache_or_service import Enough, at_least, credentials_of, get_entry
from credvend.vending.credentials import Credentials
from credvend.vending.options import Options, Pairs
from credvend.vending.policy import read_policy

policy_option = click.option(
    "--policy", metavar="FILE", type=click.Path(), help="an IAM policy (JSON) that narrows the session; - reads it"
)


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


def vends(
    role_is: Literal["picked", "needed", "optional"] = "picked",
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command what `POST credentials` takes: it is called with `role` and with `options`.

    Args:
        role_is: what happens where no role is named: a person at a terminal picks one; that is a mistake; it is None.
    """

    def give(run: Callable[..., int]) -> Callable[..., int]:
        @click.argument(
            "role",
            metavar="ROLE" if role_is == "needed" else "[ROLE]",
            required=role_is == "needed",
            shell_complete=_complete_role,
        )
        @click.option("--duration", metavar="TIME", help="60s, 15m, 1h30m or seconds; default: the role's")
        @click.option("--reason", metavar="TEXT", help="why, in one line; some roles demand it")
        @click.option("--param", "params", type=_Pair(), multiple=True, help="a parameter of the role")
        @click.option("--tag", "tags", type=_Pair(), multiple=True, help="a session tag")
        @policy_option
        @functools.wraps(run)
        def vend(
            *arguments: Any, role: str | None, reason: str | None, params: Pairs, policy: str | None, **more: Any
        ) -> int:
            document = None if policy is None else read_policy(policy)
            duration, tags = more.pop("duration"), more.pop("tags")
            ctx = click.get_current_context()
            if role_is != "picked" or not may_ask():
                if role is None and role_is != "optional":
                    raise UsageError("Which role? Name it; at a terminal, you are shown those that you may have.")
                return run(*arguments, role=role, options=Options(duration, reason, params, tags, document), **more)
            config = load_checked_config(ctx.obj)
            if role is None:
                role, reason, params = pick(config, ctx.obj, reason, params)
            if config.cache != "off":
                note_role(role, config.url, ctx.obj)
            try:
                return run(*arguments, role=role, options=Options(duration, reason, params, tags, document), **more)
            except AccessDeniedError as error:
                hint = meant(role, config, ctx.obj, may_be_command=ctx.info_name == "exec")
                raise AccessDeniedError(f"{error.message} {hint}") from None

        return vend

    return give


class Seconds(click.ParamType[int]):
    """A duration, as `--duration` takes it."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        seconds = value if isinstance(value, int) else lean.seconds_of(str(value))
        if seconds is None:
            self.fail("write 30m, 1h30m or seconds.", param, ctx)
        return seconds


class Lasting(NamedTuple):
    """What is asked of credentials that are used for a while.

    Attributes:
        fresh: the service is asked, whatever the cache has.
        min_life: seconds that they must still live; None: what suits their use.
        region: of AWS, that they are to be good in.
    """

    fresh: bool
    min_life: int | None
    region: str | None

    def credentials(self, told: Told, role: str, options: Options, otherwise: Enough) -> Credentials:
        """Such credentials.

        Args:
            otherwise: what the cache has is enough, where no least life is asked for.

        Raises:
            UsageError: they do not live for as long, or are worth nothing in the region.
            CredvendError: there are none.
        """
        enough = at_least(self.min_life) if self.min_life else otherwise
        entry = get_entry(role, options, *told, fresh=self.fresh, enough=enough)
        left = entry.expires - time.time()
        if self.min_life is not None and left < self.min_life:
            raise UsageError(
                f"{role} is vended for {round(left)} s, and --min-life asks for {self.min_life} s: "
                "ask for a longer --duration, or for less."
            )
        credentials = credentials_of(entry, role)
        if self.region:
            check_region(self.region, credentials.role_arn)
        return credentials


def lasts(run: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of what is used for a while: it is called with `lasting`."""

    @click.option("--fresh", is_flag=True, help="ask the service, whatever the cache has")
    @click.option(
        "--min-life", type=Seconds(), help="that it must still live; default: half, where it cannot be renewed"
    )
    @click.option("--region", help="of AWS, for AWS_REGION")
    @functools.wraps(run)
    def command(*arguments: Any, fresh: bool, min_life: int | None, region: str | None, **named: Any) -> int:
        return run(*arguments, lasting=Lasting(fresh, min_life, region), **named)

    return command
