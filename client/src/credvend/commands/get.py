"""Print credentials for a role. Without ROLE, you pick one at a terminal."""

from __future__ import annotations

import json

import click

from credvend import lean
from credvend.commands.printing import print_in
from credvend.commands.told import Told, is_told
from credvend.commands.vend_arguments import Lasting, lasts, vends
from credvend.errors import UsageError
from credvend.vending.cache_or_service import half_of_life
from credvend.vending.formats import FORMATS, check_github
from credvend.vending.options import Options
from credvend.vending.service import service_of

EXAMPLES = """\b
examples:
  eval "$(credvend get reports --format env)"
  credvend get reports --format fish | source
  credvend get admin --duration 15m --reason "INC-42: disk full" """


@click.command(help=__doc__, epilog=EXAMPLES)
@vends()
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="default: json, as the service answers")
@click.option("--dry-run", is_flag=True, help="have the service explain what it would vend (JSON)")
@lasts
@is_told
def command(told: Told, role: str, options: Options, form: str | None, dry_run: bool, lasting: Lasting) -> int:
    name = form or "json"
    if dry_run:
        if name != "json":
            raise UsageError("With --dry-run there are no credentials to format: it prints JSON.")
        print(json.dumps(service_of(*told).vend(role, options, dry_run=True), indent=2))
        return 0
    if lasting.region and not FORMATS[name].lasts:
        raise UsageError(f"--format {name} has no place for a region.")
    if name == "github":
        check_github(told.environ)
    otherwise = half_of_life if FORMATS[name].lasts else lean.Entry.is_fresh
    print_in(name, lasting.credentials(told, role, options, otherwise), lasting.region, told.environ)
    return 0
