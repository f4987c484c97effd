"""Print credentials for a role."""

from __future__ import annotations

import json

import click

from credvend.auth.registry import authenticator
from credvend.commands.told import Told, is_told
from credvend.commands.vend_arguments import vends
from credvend.errors import UsageError
from credvend.vending.cache_or_service import get_credentials
from credvend.vending.formats import FORMATS
from credvend.vending.options import Options
from credvend.vending.service import Service

EXAMPLES = """\b
examples:
  eval "$(credvend get reports --format env)"
  credvend get reports --format fish | source
  credvend get admin --duration 15m --reason "INC-42: disk full" """


@click.command(help=__doc__, epilog=EXAMPLES)
@vends()
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="default: json, as the service answers")
@click.option("--fresh", is_flag=True, help="ask the service, whatever the cache has")
@click.option("--dry-run", is_flag=True, help="have the service explain what it would vend (JSON)")
@is_told
def command(told: Told, role: str, options: Options, form: str | None, fresh: bool, dry_run: bool) -> int:
    config, environ = told
    if dry_run:
        if form not in (None, "json"):
            raise UsageError("With --dry-run there are no credentials to format: it prints JSON.")
        service = Service(config, authenticator(config, environ), environ)
        print(json.dumps(service.vend(role, options, dry_run=True), indent=2))
        return 0
    credentials = get_credentials(role, options, config, environ, fresh=fresh)
    print(FORMATS[form or "json"].write(credentials))
    return 0
