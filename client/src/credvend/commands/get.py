"""Print credentials for a role."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping

from credvend.auth.registry import authenticator
from credvend.commands.vend_arguments import add_vend_arguments, options_of
from credvend.disk.config_file import Config
from credvend.errors import UsageError
from credvend.vending.cache_or_service import get_credentials
from credvend.vending.formats import FORMATS
from credvend.vending.service import Service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_vend_arguments(parser)
    parser.add_argument("--format", choices=FORMATS, help="default: json, as the service answers")
    parser.add_argument("--fresh", action="store_true", help="ask the service, whatever the cache has")
    parser.add_argument("--dry-run", action="store_true", help="have the service explain what it would vend (JSON)")
    parser.epilog = """\
examples:
  eval "$(credvend get reports --format env)"
  credvend get reports --format fish | source
  credvend get admin --duration 15m --reason "INC-42: disk full" """


def run(arguments: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> int:
    options = options_of(arguments)
    if arguments.dry_run:
        if arguments.format not in (None, "json"):
            raise UsageError("With --dry-run there are no credentials to format: it prints JSON.")
        service = Service(config, authenticator(config, environ), environ)
        print(json.dumps(service.vend(arguments.role, options, dry_run=True), indent=2))
        return 0
    credentials = get_credentials(arguments.role, options, config, environ, fresh=arguments.fresh)
    print(FORMATS[arguments.format or "json"].write(credentials))
    return 0
