"""The caller, as the service sees it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping

from credvend.auth import authenticator
from credvend.config import Config
from credvend.service import Service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as the service answers")


def run(arguments: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> int:
    answer = Service(config, authenticator(config, environ), environ).whoami()
    if arguments.json:
        print(json.dumps(answer, indent=2))
        return 0
    print(answer)
    return 0
