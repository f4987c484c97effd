"""The walk of docs/operate.md, from a clone to a second account: what a newcomer types, on a local AWS of its own."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local.aws import LocalAws, local_aws
from local.oidc_provider import OidcProvider, oidc_provider
from ops.environments import ROOT, ensure
from testing.deployed import PERSON

# All of it runs in processes of its own.
pytestmark = pytest.mark.no_cover
TITLE = "## From a clone to a second account\n"
# What `make demo KEEP=1` leaves behind, the test has itself.
START = "make demo KEEP=1\nsource .local/admin.sh\n"
GITHUB = "https://token.actions.githubusercontent.com"
MAIN = {"repository_id": "456789", "repository_owner_id": "123456", "event_name": "push", "ref": "refs/heads/main"}
# Whose answer is no: all others must end well.
REFUSALS = [
    "./credvend-admin doctor --stage local --only roles",
    "./credvend-admin test",
    './credvend-admin explain --test "acme/shop, the branch main, gets deploy@shop-prod"',
]


@dataclass(frozen=True)
class Block:
    """Commands of the page, and what it shows of their output."""

    commands: str
    shown: str


def walk() -> list[Block]:
    text = (ROOT / "docs/operate.md").read_text()
    section = text.partition(TITLE)[2].partition("\n## ")[0]
    found = re.findall(r"^```sh\n(.*?)^```$(?:\n+^```text\n(.*?)^```$)?", section, re.M | re.S)
    assert section.count("```sh\n") == len(found) and section.count("```text\n") == len(
        [one for one in found if one[1]]
    )
    return [Block(commands, shown) for commands, shown in found]


@dataclass
class Shell:
    """A person's shell: what it exports stays until the end."""

    directory: Path
    environment: dict[str, str]
    failed: list[str] = field(default_factory=list)

    def run(self, commands: str) -> str:
        """What is printed, to both of its ends; commands that fail are noted."""
        kept, failed = self.directory.parent / "exported", self.directory.parent / "failed"
        kept.touch()
        script = (
            f"source {shlex.quote(str(kept))}\nset -o pipefail\n"
            f'trap \'printf "%s\\n" "$BASH_COMMAND" >> {shlex.quote(str(failed))}\' ERR\n'
            f"{commands}\ndeclare -px > {shlex.quote(str(kept))}\n"
        )
        done = subprocess.run(
            ["bash"],
            input=script,
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.failed = failed.read_text().splitlines() if failed.exists() else []
        return done.stdout


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with local_aws() as aws:
        yield aws


@pytest.fixture
def github() -> Iterator[OidcProvider]:
    """Who plays GitHub."""
    with oidc_provider() as provider:
        yield provider


@pytest.fixture
def shell(aws: LocalAws, checkout: Path) -> Shell:
    for place in ("dev", "aws", "client"):
        ensure(place)
    environment = PERSON | aws.environment()
    del environment["PYTHONDONTWRITEBYTECODE"]  # each command would compile the whole clone anew
    return Shell(checkout, environment)


def add_statement(file: Path, printed: str) -> None:
    """What the page leaves to the reader's editor: what `doctor` printed goes into the trust policy."""
    (statement,) = re.findall(r"^    \{$.*?^    \}$", printed, re.M | re.S)
    policy = json.loads(file.read_text())
    policy["Statement"].append(json.loads(statement))
    file.write_text(json.dumps(policy))


def play_github(issuers: Path, github: OidcProvider) -> None:
    """Have the tokens of the local provider believed instead of GitHub's, which cannot be reached from here."""
    text = issuers.read_text()
    for real, played in (
        (f'issuer: "{GITHUB}"', f"issuer: {github.issuer}\n    types: [at+jwt]"),
        ("audiences: [credvend]", f'audiences: ["{github.audience}"]'),
    ):
        assert text.count(real) == 1
        text = text.replace(real, played)
    issuers.write_text(text)


def job(shell: Shell, github: OidcProvider, claims: dict[str, str]) -> str:
    """What a job with these claims is told that it is."""
    subject = f"repo:acme/shop:ref:{claims['ref']}"
    token = github.client_token(subject, claims, algorithm="RS256")
    return shell.run(
        f"CREDVEND_TOKEN={token} .venv/client/bin/credvend exec deploy@shop-prod --reason 'run 1' -- "
        "aws sts get-caller-identity --query Arn --output text"
    )


def test_a_newcomer_onboards_an_account_by_the_page_alone(shell: Shell, github: OidcProvider) -> None:
    first, *blocks = walk()
    assert first.commands.startswith(START)
    shell.run(first.commands.removeprefix(START))
    printed = ""
    for number, block in enumerate(blocks):
        if "PROBLEM" in printed:
            add_statement(shell.directory.parent / "acme-onboarding/trust.json", printed)
        if number and block.commands.startswith("make deploy"):
            play_github(shell.directory.parent / "acme-credvend/issuers.yaml", github)
        printed = shell.run(block.commands)
        assert block.shown.rstrip("\n") in printed, printed
        for url in re.findall(r"^credvend is at +(\S+)$", printed, re.M):
            shell.run(f"export CREDVEND_URL={url}")
    assert shell.failed == REFUSALS

    assert "arn:aws:sts::222233334444:assumed-role/deploy/oidc-" in job(shell, github, MAIN)
    assert shell.failed == REFUSALS
    refused = job(shell, github, MAIN | {"ref": "refs/heads/another"})
    assert "assumed-role" not in refused and len(shell.failed) == len(REFUSALS) + 1, refused
