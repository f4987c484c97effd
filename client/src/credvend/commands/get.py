"""Print credentials for a role."""

from __future__ import annotations

import json
import os
import stat
import sys
import time

import click

from credvend import lean
from credvend.auth.registry import authenticator
from credvend.commands.told import Told, is_told
from credvend.commands.vend_arguments import check_life, lasts, vends
from credvend.errors import UsageError
from credvend.text.aws_regions import check_region
from credvend.vending.cache_or_service import at_least, credentials_of, get_entry, half_of_life
from credvend.vending.formats import FORMATS, append_github, section_of
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
@click.option("--dry-run", is_flag=True, help="have the service explain what it would vend (JSON)")
@lasts
@is_told
def command(
    told: Told,
    role: str,
    options: Options,
    form: str | None,
    dry_run: bool,
    fresh: bool,
    min_life: int | None,
    region: str | None,
) -> int:
    config, environ = told
    name = form or "json"
    if dry_run:
        if name != "json":
            raise UsageError("With --dry-run there are no credentials to format: it prints JSON.")
        service = Service(config, authenticator(config, environ), environ)
        print(json.dumps(service.vend(role, options, dry_run=True), indent=2))
        return 0
    wanted = FORMATS[name]
    if region and not wanted.takes_region:
        raise UsageError(f"--format {name} has no place for a region.")
    if name == "ini":
        _refuse_second_section(section_of(role))
    enough = at_least(min_life) if min_life else half_of_life if wanted.lasts else lean.Entry.is_fresh
    entry = get_entry(role, options, config, environ, fresh=fresh, enough=enough)
    check_life(entry.expires - time.time(), min_life, role)
    credentials = credentials_of(entry, role)
    if region:
        check_region(region, credentials.role_arn)
    print(wanted.write(credentials, region), flush=True)
    if name == "github":
        append_github(credentials, region, environ)
    return 0


def _refuse_second_section(section: str) -> None:
    """Refuse to append a profile to a file that has it: AWS's tools then read nothing of the whole file.

    Raises:
        UsageError: standard output is such a file.
    """
    try:
        if not stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode):
            return
        with open(f"/dev/fd/{sys.stdout.fileno()}", encoding="utf-8", errors="replace") as file:
            there = any(line.strip() == f"[{section}]" for line in file)
    except (OSError, ValueError):  # nobody can tell
        return
    if there:
        raise UsageError(
            f"The file has a profile [{section}] already, and two are none to AWS's tools: remove that one, or have "
            "`credvend configure --profiles` write profiles that renew themselves."
        )
