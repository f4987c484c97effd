"""The command that checks a configuration: `credvend-admin validate`."""

from pathlib import Path

import click

from ops.commands.options import config_option, json_option
from ops.errors import OperationFailed
from ops.terminal.progress import Progress
from ops.terminal.say import say
from ops.validating.annotations import as_github, as_gitlab, as_text, findings_json
from ops.validating.problems import validate


@click.command("validate")
@config_option
@click.option("--strict", is_flag=True, help="Fail for warnings as well.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "github", "gitlab"]),
    default="text",
    show_default=True,
    help="Lines to read, annotations of GitHub Actions, or a Code Quality report of GitLab.",
)
@click.option(
    "--region",
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    help="Where it will be deployed: what is in another one is an error [env: AWS_REGION].",
)
@json_option
def validate_command(config: Path, strict: bool, form: str, region: str | None, as_json: bool) -> None:
    """Check a configuration as deployment would, and tell every problem with its file and line.

    AWS is not asked, nor is any issuer: `check-issuers` does that. A template.yaml of one's own is held
    against credvend's, but for how long the stage keeps its logs: packaging does that.
    """
    with Progress("Checking the configuration") as progress:
        progress.begin()
        findings = validate(config, region)
    if as_json:
        print(findings_json(findings))
    elif form == "gitlab":
        print(as_gitlab(config, findings))
    elif findings:
        print(as_github(config, findings) if form == "github" else as_text(config, findings))
    errors = sum(one.severity == "error" for one in findings)
    warnings = len(findings) - errors
    result = _count(errors, "error") if errors else "valid"
    say(f"{config}: {result}" + (f", {_count(warnings, 'warning')}" if warnings else "") + ".")
    if errors or (strict and warnings):
        raise click.exceptions.Exit(OperationFailed.status)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
