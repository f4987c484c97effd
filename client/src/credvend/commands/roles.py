"""The roles that you may have now, from here."""

from __future__ import annotations

import json
from collections.abc import Callable

import click

from credvend.auth.registry import authenticator
from credvend.commands.told import Told, is_told
from credvend.text import messages
from credvend.text.tables import duration, table
from credvend.vending.service import Json, Service


@click.command(help=__doc__)
@click.option("--json", "as_json", is_flag=True, help="a JSON list, as the service has it")
@is_told
def command(told: Told, as_json: bool) -> int:
    config, environ = told
    roles = Service(config, authenticator(config, environ), environ).roles()
    if as_json:
        print(json.dumps(roles, indent=2))
        return 0
    if not roles:
        messages.say("there is no role that you may have; `credvend whoami` shows who you are")
        return 0
    columns: dict[str, Callable[[Json], str]] = {
        "ROLE": lambda role: str(role["Role"]),
        "DEFAULT": lambda role: duration(role.get("DefaultDurationSeconds")),
        "LONGEST": lambda role: duration(role.get("MaxDurationSeconds")),
        "REASON": lambda role: "required" if role.get("ReasonRequired") else "",
        "PARAMS": _params,
        "DESCRIPTION": lambda role: str(role.get("Description") or ""),
    }
    # Most catalogs have no parameters.
    shown = {name: cell for name, cell in columns.items() if name != "PARAMS" or any(map(_params, roles))}
    print(table(list(shown), [[cell(role) for cell in shown.values()] for role in roles]))
    return 0


def _params(role: Json) -> str:
    """The names of a role's parameters; those that one may leave out in brackets."""
    return ", ".join(
        str(param["Name"]) if param.get("Required", True) else f"[{param['Name']}]" for param in role.get("Params", [])
    )
