"""The command that runs the tests of a configuration: `credvend-admin test`."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from chalicelib.errors import ConfigError
from ops.commands.options import config_option, json_option
from ops.deciding.read_configuration import read_configuration
from ops.errors import OperationFailed
from ops.explaining.words import answer, explanation_json, outcome_json, reasons
from ops.policy_tests.read import FOLDER, Case, read_tests
from ops.policy_tests.run import Ran, Report, run_tests
from ops.terminal.colour import coloured
from ops.terminal.say import escaped, escaped_lines


@click.command("test")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all-reached", is_flag=True, help="Fail where a policy is among those that decide in no test.")
@config_option
@json_option
def test_command(names: Sequence[str], all_reached: bool, config: Path, as_json: bool) -> None:
    """Run the tests of a configuration.

    They are in its folder tests/. NAME is a part of the names of tests: those alone are run.
    """
    written = read_configuration(config)
    report = run_tests(written, _cases(config, names))
    # Of some of the tests, nothing follows for policies.
    unreached = () if names else report.unreached
    if as_json:
        print(json.dumps(_as_json(report, None if names else [policy.name for policy in unreached]), indent=2))
    else:
        for one in report.failed:
            place = escaped(f"{one.case.name} ({one.case.file}, line {one.case.line})")
            print(coloured("FAILED", "bad", bold=True), place)
            for line in _why(one):
                print(escaped(f"  {line}"))
        for policy in unreached:
            said = escaped(f"No test reaches policy {policy.name} ({policy.file}, line {policy.lines.first}).")
            print(coloured(said, "doubtful"))
        summary = f"{len(report.ran) - len(report.failed)} passed, {len(report.failed)} failed."
        print(coloured(summary, "bad" if report.failed else "good", bold=True))
    if report.failed or (all_reached and unreached):
        raise click.exceptions.Exit(OperationFailed.status)


def _cases(config: Path, names: Sequence[str]) -> list[Case]:
    try:
        every = read_tests(config).cases
    except ConfigError as error:
        raise OperationFailed(escaped_lines(str(error))) from None
    if not every:
        raise OperationFailed(
            f"There are no tests in {config / FOLDER}: a file there, such as {FOLDER}/ci.yaml, has a list `tests`."
        )
    chosen = [case for case in every if not names or any(name in case.name for name in names)]
    if not chosen:
        raise OperationFailed(f"No test has {' or '.join(map(repr, names))} in its name; there are {len(every)}.")
    return chosen


def _why(ran: Ran) -> Iterator[str]:
    if ran.problem is not None:
        yield ran.problem
    for difference in ran.differences:
        yield f"{difference.what}: expected {_shown(difference.expected)}, got {_shown(difference.got)}"
    if ran.differences and ran.outcome is not None:
        yield answer(ran.outcome)
    if ran.explanation is not None:
        yield from (f"  {line}" for line in reasons(ran.explanation))


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value) or "none"
    return "none" if value is None else json.dumps(value, sort_keys=True)


def _as_json(report: Report, unreached: list[str] | None) -> dict[str, object]:
    return {
        "Passed": len(report.ran) - len(report.failed),
        "Failed": len(report.failed),
        "Unreached": unreached,
        "Tests": [_test_json(one) for one in report.ran],
    }


def _test_json(ran: Ran) -> dict[str, object]:
    return {
        "Name": ran.case.name,
        "File": ran.case.file,
        "Line": ran.case.line,
        "Passed": ran.passed,
        "Problem": ran.problem,
        "Differences": [{"What": one.what, "Expected": one.expected, "Got": one.got} for one in ran.differences],
        "Outcome": None if ran.outcome is None else outcome_json(ran.outcome),
        "Explanation": None if ran.explanation is None else explanation_json(ran.explanation),
    }
