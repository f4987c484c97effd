"""The command that looks at a deployed credvend, and at what its roles let it do: `credvend-admin doctor`."""

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

import click

from ops.aws.reader import Reader
from ops.aws.region import find_region
from ops.commands.options import config_here, expect_stage, json_option, stage_option, usable
from ops.errors import CommandFailed, OperationFailed
from ops.examining.at_hand import at_hand
from ops.examining.examination import PARTS, Examination, Part, Wanted, examine
from ops.examining.finding import Finding, Level, is_in_order
from ops.stages.stage import LOCAL_STAGE
from ops.terminal.colour import Meaning, coloured
from ops.terminal.commands import AwsCommand
from ops.terminal.progress import Progress
from ops.terminal.say import escaped, say

_SHOWN: Final[dict[Level, str]] = {
    "problem": "PROBLEM",
    "unknown": "NOT ASKED",
    "warning": "WARNING",
    "note": "NOTE",
}
_MEANINGS: Final[dict[Level, Meaning]] = {
    "problem": "bad",
    "unknown": "doubtful",
    "warning": "doubtful",
    "note": "aside",
}
_INDENT: Final = "    "


class NotInOrder(OperationFailed):
    """Something is not in order."""


@click.command("doctor", cls=AwsCommand)
@click.option(
    "--config",
    type=Path,
    callback=lambda _ctx, _parameter, value: None if value is None else usable(value),
    envvar="CREDVEND_CONFIG_DIR",
    metavar="DIR",
    help="The directory to compare with what is deployed, and whose issuers are asked [env: CREDVEND_CONFIG_DIR; "
    "default: this one, if it has a roles.yaml].",
)
@stage_option
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="These alone; may be repeated.")
@click.option("--role", "roles", multiple=True, metavar="NAME", help="These roles alone; may be repeated.")
@json_option
def doctor(config: Path | None, stage: str, only: tuple[str, ...], roles: tuple[str, ...], as_json: bool) -> None:
    """Look at what is deployed: roles that should trust it, issuers, tables, functions, alarms, quotas.

    Each role of the catalog is asked for as a vend would ask, with credvend's own role, in sessions that may do
    nothing and that nobody gets. What a role lacks is said with the statement that its trust policy needs.
    """
    expect_stage(stage)
    local = stage == LOCAL_STAGE  # the only one that lets issuers do without TLS
    # Whoever names roles wants to know of these.
    parts = cast(Sequence[Part], only or (("roles",) if roles else PARTS))
    with ExitStack() as until_the_end:
        directory = config or config_here()
        found = None if directory is None else until_the_end.enter_context(at_hand(directory, local))
        wanted = Wanted(
            f"credvend-{stage}",
            parts,
            tuple(dict.fromkeys(roles)),
            found,
            local,
            endpoint=os.environ.get("AWS_ENDPOINT_URL"),
        )
        with Progress("Asking about roles") as progress:
            came = examine(_reader(parts), wanted, datetime.now(UTC), progress.tell)
    if as_json:
        print(json.dumps(_described(stage, came), indent=2))
    else:
        for finding in came.findings:
            _print(finding)
    _sum_up(came, parts)


def _reader(parts: Sequence[Part]) -> Reader:
    try:
        # Issuers are asked without AWS, and so also where no region is set.
        return Reader("us-east-1" if list(parts) == ["issuers"] else find_region(os.environ))
    except CommandFailed as error:
        raise OperationFailed(str(error)) from None


def _print(finding: Finding) -> None:
    head = coloured(_SHOWN[finding.level], _MEANINGS[finding.level], bold=True)
    print(f"{head}  {escaped(finding.about)}: {escaped(finding.what)}")
    for line in finding.do:
        print(f"{_INDENT}{escaped(line)}")
    for statement in finding.statements:
        print("\n".join(_INDENT + line for line in json.dumps(statement, indent=2).splitlines()))


def _described(stage: str, came: Examination) -> dict[str, object]:
    return {
        "Stage": stage,
        "InOrder": is_in_order(came.findings),
        "Configuration": came.configuration,
        "RolesAsked": came.asked,
        "RolesGranted": came.granted,
        "IssuersAsked": came.issuers,
        "Findings": [
            {
                "Level": finding.level,
                "About": finding.about,
                "What": finding.what,
                "Do": list(finding.do),
                "TrustStatements": list(finding.statements),
                "MissingRight": finding.right or None,
            }
            for finding in came.findings
        ],
    }


def _sum_up(came: Examination, parts: Sequence[Part]) -> None:
    """Say what was looked at.

    Raises:
        NotInOrder: something is not in order, or could not be asked.
    """
    told = []
    if "roles" in parts:
        told.append(f"{came.granted:,} of {came.asked:,} roles grant what vends ask for")
    if came.issuers is not None:
        told.append(f"{came.issuers:,} issuers were asked")
    counts = {level: sum(one.level == level for one in came.findings) for level in _SHOWN}
    names = {"problem": "problems", "unknown": "not asked", "warning": "warnings", "note": "notes"}
    told.append(", ".join(f"{counts[level]} {names[level]}" for level in _SHOWN if counts[level]) or "nothing found")
    summary = "; ".join(told) + "."
    if not is_in_order(came.findings):
        raise NotInOrder(summary)
    say(summary)
