"""The roles that you may have now, from here."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence

import click

from credvend.commands.plain_role import account_of
from credvend.commands.told import Told, is_told
from credvend.errors import one_line
from credvend.text import messages
from credvend.text.tables import duration, table, terminal_width
from credvend.vending.service import Json, service_of


@click.command(help=__doc__)
@click.argument("words", metavar="[WORD]...", nargs=-1)
@click.option("--account", metavar="ACCOUNT", help="only those of this account, by its id or its name")
@click.option("--group", metavar="NAME", help="only those of this group of the catalog")
@click.option("--csv", "as_csv", is_flag=True, help="for spreadsheets")
@click.option("--json", "as_json", is_flag=True, help="a JSON list, as the service has it")
@is_told
def command(
    told: Told, words: tuple[str, ...], account: str | None, group: str | None, as_csv: bool, as_json: bool
) -> int:
    every = service_of(*told).roles(account)
    roles = [role for role in every if _fits(role, words, account, group)]
    if as_json:
        print(json.dumps(roles, indent=2))
        return 0
    if as_csv:
        lines = csv.writer(sys.stdout, lineterminator="\n")
        lines.writerow(COLUMNS)
        lines.writerows([[_harmless(cell(role)) for cell in COLUMNS.values()] for role in roles])
        return 0
    if not every:
        where = "" if account is None else f" in account {one_line(account)}"
        hint = "`credvend whoami` shows who you are" if account is None else "`credvend roles` shows all"
        messages.say(f"there is no role that you may have{where}; {hint}")
    elif not roles:
        messages.say(f"none of your {len(every)} roles fits; `credvend roles` shows all")
    else:
        # What is the same for all, such as the only account, or that there are no parameters, is not worth a column.
        shown = {name: cell for name, cell in COLUMNS.items() if name not in _VARYING or len(set(map(cell, every))) > 1}
        print(table(list(shown), [[cell(role) for cell in shown.values()] for role in roles], terminal_width()))
    return 0


def _fits(role: Json, words: Sequence[str], account: str | None, group: str | None) -> bool:
    told = ("Role", "RoleArn", "AccountName", "Description")
    text = " ".join(str(role.get(name) or "") for name in told).casefold()
    return (
        all(word.casefold() in text for word in words)
        # A service that is older than accounts has no names, and lists all.
        and account in (None, account_of(role), role.get("AccountName"))
        and (group is None or group in role.get("Groups", []))
    )


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection"""
    text = one_line(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _params(role: Json) -> str:
    """The names of a role's parameters; those that one may leave out in brackets."""
    return ", ".join(
        str(param["Name"]) if param.get("Required", True) else f"[{param['Name']}]" for param in role.get("Params", [])
    )


COLUMNS: Mapping[str, Callable[[Json], str]] = {
    "ROLE": lambda role: str(role["Role"]),
    "ACCOUNT": account_of,
    "ACCOUNT NAME": lambda role: str(role.get("AccountName") or ""),
    "GROUPS": lambda role: ", ".join(map(str, role.get("Groups", []))),
    "DEFAULT": lambda role: duration(role.get("DefaultDurationSeconds")),
    "LONGEST": lambda role: duration(role.get("MaxDurationSeconds")),
    "REASON": lambda role: "required" if role.get("ReasonRequired") else "",
    "PARAMS": _params,
    "DESCRIPTION": lambda role: str(role.get("Description") or ""),
}
_VARYING = ("ACCOUNT", "ACCOUNT NAME", "GROUPS", "PARAMS")
