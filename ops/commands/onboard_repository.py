"""The commands that give jobs of a repository a role: `credvend-admin onboard-github` and `onboard-gitlab`."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from chalicelib.text.likeness import did_you_mean, nearest
from ops.commands.options import config_option, json_option
from ops.errors import OperationFailed
from ops.onboarding.forges import Job, check_branch, check_environment
from ops.onboarding.read import read_parts
from ops.onboarding.repository import Grant, grant
from ops.terminal.say import escaped, say

_F = TypeVar("_F", bound=Callable[..., Any])
_GITHUB: Final = "https://token.actions.githubusercontent.com"
_GITLAB: Final = "https://gitlab.com"
_GITHUB_NAME: Final = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9_.-]+", re.ASCII)
_GITLAB_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+", re.ASCII)
_NUMBER: Final = re.compile("[1-9][0-9]{0,19}", re.ASCII)
_EVENT: Final = re.compile("[a-z_]{1,64}", re.ASCII)
_URL: Final = re.compile(r"https?://[A-Za-z0-9._~:/-]+", re.ASCII)


def _matching(pattern: re.Pattern[str], otherwise: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise click.BadParameter(f"{text!r} {otherwise}")
        return text

    return read


def _checked(check: Callable[[str], None]) -> Callable[[str], str]:
    def read(text: str) -> str:
        try:
            check(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        return text

    return read


_number = _matching(_NUMBER, "is no number: it is the id that the forge gave, and not a name.")


def _common_options(command: _F) -> _F:
    """What both forges have."""
    for option in (
        click.option("--write", is_flag=True, help="Write policy and tests into the configuration as new files; and "
                     "issuers.yaml, if there is none."),
        click.option("--environment", type=_checked(check_environment), metavar="NAME",
                     help="Jobs of this environment alone."),
        click.option("--branch", type=_checked(check_branch), metavar="NAME", help="Jobs of this branch alone."),
        click.option("--role", required=True, metavar="ROLE", help="Its name in roles.yaml."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command("onboard-github")
@click.argument("repository", metavar="OWNER/REPOSITORY", type=_matching(_GITHUB_NAME, "is no OWNER/REPOSITORY."))
@click.option(
    "--repository-id",
    type=_number,
    required=True,
    metavar="ID",
    help="Its number: gh api repos/OWNER/REPOSITORY --jq .id",
)
@click.option(
    "--owner-id",
    type=_number,
    metavar="ID",
    help="Where issuers.yaml does not know GitHub yet: gh api repos/OWNER/REPOSITORY --jq .owner.id",
)
@_common_options
@click.option(
    "--event",
    "events",
    multiple=True,
    type=_matching(_EVENT, "is no event of GitHub."),
    metavar="EVENT",
    help="Jobs that this started alone; may be repeated [default: push, with --branch].",
)
@click.option(
    "--issuer-url",
    default=_GITHUB,
    show_default=True,
    type=_matching(_URL, "is no URL."),
    metavar="URL",
    help="For GitHub Enterprise: https://HOST/_services/token",
)
@config_option
@json_option
def onboard_github(
    *,
    repository: str,
    repository_id: str,
    owner_id: str | None,
    role: str,
    branch: str | None,
    environment: str | None,
    events: tuple[str, ...],
    issuer_url: str,
    write: bool,
    config: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Give jobs of GitHub Actions a role: the policy, tests of it, the issuer's entry, and the workflow."""
    _expect_place(branch, environment)
    started = tuple(dict.fromkeys(events)) or (("push",) if branch is not None else ())
    job = Job("github", issuer_url, repository, repository_id, owner_id, branch, environment, started)
    _onboard(job, role, config, write, as_json)


@click.command("onboard-gitlab")
@click.argument("project", metavar="GROUP/PROJECT", type=_matching(_GITLAB_NAME, "is no GROUP/PROJECT."))
@click.option("--project-id", type=_number, required=True, metavar="ID", help="Its number, which its page shows.")
@click.option(
    "--namespace-id",
    type=_number,
    metavar="ID",
    help="Number of the project's group, where issuers.yaml does not know GitLab yet.",
)
@_common_options
@click.option(
    "--issuer-url",
    default=_GITLAB,
    show_default=True,
    type=_matching(_URL, "is no URL."),
    metavar="URL",
    help="Your own GitLab.",
)
@config_option
@json_option
def onboard_gitlab(
    *,
    project: str,
    project_id: str,
    namespace_id: str | None,
    role: str,
    branch: str | None,
    environment: str | None,
    issuer_url: str,
    write: bool,
    config: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Give jobs of GitLab CI a role: the policy, tests of it, the issuer's entry, and the job.

    Only protected branches, and protected environments, are let in.
    """
    _expect_place(branch, environment)
    job = Job("gitlab", issuer_url, project, project_id, namespace_id, branch, environment)
    _onboard(job, role, config, write, as_json)


def _expect_place(branch: str | None, environment: str | None) -> None:
    if branch is None and environment is None:
        raise click.UsageError("Say --branch or --environment: else every branch that anybody pushes has the role.")


def _onboard(job: Job, role: str, config: Path, write: bool, as_json: bool) -> None:
    parts = read_parts(config)
    known = {one.name: one for one in parts.catalog.roles}
    if role not in known:
        raise OperationFailed(f"roles.yaml has no role {role!r}{did_you_mean(nearest(role, known))}")
    granted = grant(job, known[role], parts.issuers)
    # Before anything is written: with it, what is in the file is to be added by hand.
    has_issuers = (config / "issuers.yaml").exists()
    written = _write(granted, config, has_issuers) if write else []
    if as_json:
        print(json.dumps(_described(granted, written), indent=2))
        return
    for file in written:
        print(file)
    for title, text in _sections(granted, write, has_issuers):
        print(f"# {title}\n{text}")
    for note in granted.notes:
        say(note)
    say("See that it is right: credvend-admin validate; credvend-admin test")


def _sections(granted: Grant, written: bool, has_issuers: bool) -> Iterator[tuple[str, str]]:
    """What is to be copied: titles and texts."""
    if granted.issuers is not None and (has_issuers or not written):
        yield "issuers.yaml" + (", to be added to what is there" if has_issuers else ""), granted.issuers
    if not written:
        yield f"policies/{granted.id}.cedar", granted.policy
        yield f"tests/{granted.id}.yaml", granted.tests
    yield "The job, in the repository", granted.job


def _write(granted: Grant, config: Path, has_issuers: bool) -> list[Path]:
    """Write what is new. Nothing is written over."""
    files = {
        config / "policies" / f"{granted.id}.cedar": granted.policy,
        config / "tests" / f"{granted.id}.yaml": granted.tests,
    }
    if granted.issuers is not None and not has_issuers:
        files[config / "issuers.yaml"] = granted.issuers
    for file in files:
        if file.exists():
            raise OperationFailed(escaped(f"{file} is there already: nothing was written. Remove it first."))
    for file, text in files.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as opened:
                opened.write(text)
        except OSError as error:
            raise OperationFailed(escaped(f"{file} cannot be written: {error.strerror}.")) from None
    return list(files)


def _described(granted: Grant, written: list[Path]) -> dict[str, object]:
    return {
        "PolicyId": granted.id,
        "Issuers": granted.issuers,
        "MissingTags": list(granted.missing_tags),
        "Policy": granted.policy,
        "Tests": granted.tests,
        "Job": granted.job,
        "Written": [str(file) for file in written],
        "Notes": list(granted.notes),
    }
