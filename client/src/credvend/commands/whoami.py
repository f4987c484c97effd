"""You, as the service sees you."""

from __future__ import annotations

import json

import click

from credvend.commands.told import Told, is_told
from credvend.text.tables import table, terminal_width
from credvend.vending.service import service_of


@click.command(help=__doc__)
@click.option("--json", "as_json", is_flag=True, help="as the service answers")
@is_told
def command(told: Told, as_json: bool) -> int:
    answer = service_of(*told).whoami()
    if as_json:
        print(json.dumps(answer, indent=2))
        return 0
    rows = [(name, _text(value)) for name, value in answer.items() if name != "RequestId"]
    print(table(("WHAT", "VALUE"), rows, terminal_width()))
    return 0


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}={text}" for name, text in value.items())
    return "" if value is None else str(value)
