"""Make a lease of the session that this process has: the same identity, for less time or with fewer rights.

AWS makes it, if the role allows sts:GetScopedCredentials. The credvend service is not asked: it neither decides nor
records this. CloudTrail alone does, with --reason as the description. With a command, that has the lease in its
environment, and nothing of the session; else it is printed.
"""

from __future__ import annotations

from collections.abc import Mapping

import click

from credvend.commands.printing import print_in
from credvend.commands.vend_arguments import Seconds, policy_option
from credvend.disk.aws_config_file import region_of
from credvend.errors import UsageError
from credvend.text.aws_regions import check_region
from credvend.vending import child
from credvend.vending.formats import FORMATS, check_github
from credvend.vending.narrowing import Narrowing, narrow
from credvend.vending.policy import read_policy

EXAMPLES = """\b
examples:
  credvend narrow --duration 60s --policy task.json --reason "task 42" -- ./tool
  eval "$(credvend narrow --duration 5m --format env)\""""


@click.command(help=__doc__, epilog=EXAMPLES, context_settings={"allow_interspersed_args": False})
@click.option("--duration", type=Seconds(), help="60s, 15m or seconds; default: until the session ends")
@policy_option
@click.option("--reason", metavar="TEXT", help="why, in one line, for CloudTrail")
@click.option("--region", help="of AWS, whose STS is asked; default: the environment's")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="default: json, as of `aws sts assume-role`")
@click.argument("command", metavar="[[--] COMMAND ...]", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(
    ctx: click.Context,
    duration: int | None,
    policy: str | None,
    reason: str | None,
    region: str | None,
    form: str | None,
    command: tuple[str, ...],
) -> int:
    environ: Mapping[str, str] = ctx.obj
    if command and form:
        raise UsageError("A command has the lease in its environment: leave out --format.")
    if form == "github":
        check_github(environ)
    where = region or region_of(environ)
    if where is None:
        raise UsageError("The region whose STS is to be asked is not known: --region, or AWS_REGION.")
    check_region(where)
    lease = narrow(Narrowing(duration, None if policy is None else read_policy(policy), reason), where, environ)
    if command:
        return child.started(child.become, list(command), child.environment_of(environ, lease, where))
    name = form or "json"
    print_in(name, lease, where if FORMATS[name].lasts else None, environ)
    return 0
