"""Check everything that getting credentials takes, and say what to do about what is wrong.

Nobody is asked for anything, and nothing secret is shown. The exit code is 1 where there is an error.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from credvend import lean
from credvend.checks.checkup import checkup
from credvend.text.messages import for_service
from credvend.text.tables import table, terminal_width


@click.command(help=__doc__)
@click.option("--json", "as_json", is_flag=True, help="a JSON list")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> int:
    service = ctx.obj.get(lean.SERVICE)
    findings = [each._replace(advice=for_service(each.advice, service)) for each in checkup(ctx.obj)]
    if as_json:
        names = ("Check", "State", "Result", "Advice")
        print(json.dumps([dict(zip(names, each, strict=True)) for each in findings], indent=2))
    else:
        print(_shown(findings, terminal_width()))
    return 1 if any(each.state == "error" for each in findings) else 0


def _shown(rows: Sequence[tuple[str, str, str, str]], width: int | None) -> str:
    """The table; on a terminal that it is too wide for, what to do stands below what was found, behind an arrow."""
    text = table(("CHECK", "STATE", "RESULT", "WHAT TO DO"), rows)
    if width is None or all(len(line) <= width for line in text.splitlines()):
        return text
    below = [
        row
        for check, state, result, advice in rows
        for row in ((check, state, result), *([("", "", f"-> {advice}")] if advice else []))
    ]
    return table(("CHECK", "STATE", "RESULT, AND WHAT TO DO"), below, width)
