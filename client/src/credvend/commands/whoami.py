"""You, as the service sees you."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping

from credvend.auth.registry import authenticator
from credvend.disk.config_file import Config
from credvend.text.tables import table
from credvend.vending.service import Service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as the service answers")


def run(arguments: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> int:
    answer = Service(config, authenticator(config, environ), environ).whoami()
    if arguments.json:
        print(json.dumps(answer, indent=2))
        return 0
    print(table(("WHAT", "VALUE"), [(name, _text(value)) for name, value in answer.items() if name != "RequestId"]))
    return 0


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}={text}" for name, text in value.items())
    return "" if value is None else str(value)
