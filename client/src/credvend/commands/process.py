"""Print credentials for a role, for a line `credential_process = credvend process ROLE` in ~/.aws/config."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from credvend.commands.vend_arguments import add_vend_arguments, options_of
from credvend.disk.config_file import Config
from credvend.vending import formats
from credvend.vending.cache_or_service import get_credentials

# `lean.cached_process` answers first, where the cache has it.


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_vend_arguments(parser)


def run(arguments: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> int:
    print(formats.process(get_credentials(arguments.role, options_of(arguments), config, environ)))
    return 0
