"""Remove what is cached."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from credvend.disk.config_file import Config
from credvend.disk.credentials_cache import Cache
from credvend.text import messages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("clear",), help="remove all cached credentials")


def run(arguments: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> int:
    removed = Cache(environ).clear()
    messages.say(f"removed {removed} cached credentials")
    return 0
