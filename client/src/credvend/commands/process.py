"""Print credentials for a role, for a line `credential_process = credvend process ROLE` in ~/.aws/config."""

from __future__ import annotations

import click

from credvend.commands.told import Told, is_told
from credvend.commands.vend_arguments import vends
from credvend.vending import formats
from credvend.vending.cache_or_service import get_credentials
from credvend.vending.options import Options

# `lean.cached_process` answers first, where the cache has it.


@click.command(help=__doc__)
@vends("needed")
@is_told
def command(told: Told, role: str, options: Options) -> int:
    print(formats.process(get_credentials(role, options, *told)))
    return 0
