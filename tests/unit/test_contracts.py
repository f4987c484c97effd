"""Each contract on imports is broken by an import that it forbids, and by nothing that is there.

A line is planted in a copy of the package, and the linter is asked which contracts are broken: those alone whose rule
the line breaks.
"""

import configparser
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, cast

import pytest

from ops.environments import ROOT, programs


@dataclass(frozen=True)
class Package:
    """A package with contracts.

    Attributes:
        name: of the package, or what several are together.
        config: its contracts, below the checkout.
        sources: the directory that holds the package, below the checkout.
        several: the packages, where they are several.
    """

    name: str
    config: str
    sources: str
    several: tuple[str, ...] = ()

    @property
    def folders(self) -> tuple[str, ...]:
        """What the linter reads, below `sources`."""
        return self.several or (self.name,)

    def place(self, sources: Path, file: str) -> Path:
        """Where a planted line goes, in a copy of the sources."""
        return sources / file if self.several else sources / self.name / file

    @property
    def contracts(self) -> dict[str, str]:
        """What each contract is called in the linter's report, by its section."""
        parser = configparser.ConfigParser()
        parser.read(ROOT / self.config, encoding="utf-8")
        start = "importlinter:contract:"
        return {name.removeprefix(start): parser[name]["name"] for name in parser.sections() if name.startswith(start)}


@dataclass(frozen=True)
class Planted:
    """A line in a module, which is made if it is not there, and the contracts that it breaks."""

    package: Package
    file: str
    line: str
    breaks: tuple[str, ...]


def plants(package: Package, rows: Iterable[tuple[str, str, str]]) -> list[Planted]:
    """Lines for one package: file, line, and the sections of the contracts that it breaks, with blanks between them."""
    return [Planted(package, file, line, tuple(breaks.split())) for file, line, breaks in rows]


SERVICE = Package("chalicelib", ".importlinter", ".")
CLIENT = Package("credvend", "client/.importlinter", "client/src")
OPS = Package("ops", "ops/.importlinter", ".")
ROOMS = Package(
    "rooms", ".importlinter-rooms", ".", several=("bench", "chalicelib", "local", "ops", "testing", "tests")
)
PACKAGES = [SERVICE, CLIENT, OPS, ROOMS]
PLANTED = (
    plants(
        SERVICE,
        [
            # An arrow up, an arrow aside, and a module that is on no floor.
            ("roles/role.py", "from chalicelib.sessions import plan", "floors circles"),
            ("callers/bearer.py", "from chalicelib.roles.role import Role", "floors circles"),
            ("sessions/scoping.py", "import chalicelib.decisions.decision", "floors"),
            ("http.py", "from chalicelib.service import Service", "floors"),
            ("configuration/settings.py", "from chalicelib.audit import log", "floors"),
            ("errors.py", "from chalicelib.text import printable", "floors"),
            ("extra.py", "", "floors"),
            # What is allowed breaks nothing.
            ("aws/limits.py", "from chalicelib.aws import table", ""),
            ("aws/client.py", "def late() -> None:\n    from chalicelib.aws import table", "circles"),
            ("callers/api_tokens/token.py", "import chalicelib.callers.oidc.claims", "authentication"),
            # Only there, not even within a function.
            ("wire/query.py", "from chalice.app import Request", "chalice"),
            ("service.py", "import aws_lambda_powertools", "powertools"),
            ("configuration/policy_files.py", "import cedarpy", "cedar"),
            ("callers/oidc/jwt_format.py", "def late() -> None:\n    import jwt", "signatures"),
            ("roles/session_rules.py", "from cryptography.hazmat.primitives import hashes", "forms-of-keys"),
            ("callers/oidc/issuer_keys.py", "import http.client", "fetching"),
            ("aws/table.py", "def late() -> None:\n    import socket", "fetching"),
            ("configuration/catalog_file.py", "import yaml", "yaml"),
            ("text/local_time.py", "import tzdata", "time-zones"),
            ("roles/session_rules.py", "import msgspec", "structs"),
            ("http.py", "import botocore.config", "calls"),
            ("callers/api_tokens/store.py", "from botocore.exceptions import ClientError", "calls"),
            ("http.py", "from urllib.request import urlopen", "heavy"),
            ("errors.py", "def late() -> None:\n    import ops.errors", "apart"),
            ("service.py", "from app import app", "apart"),
            ("aws/table.py", "import boto3", "heavy"),
            ("wire/query.py", "def late() -> None:\n    import subprocess", "heavy"),
            ("callers/oidc/fetch.py", "import urllib3", "heavy"),
            ("audit/fields.py", "from chalicelib.decisions.cedar import cedarpy", "engine"),
            ("wire/query.py", "from chalicelib.aws.client import session", "clients"),
            ("service.py", "import importlib", "names"),
        ],
    )
    + plants(
        CLIENT,
        [
            # An arrow up, an arrow aside, and a module that is on no floor.
            ("version.py", "import credvend.text.tables", "floors"),
            ("library.py", "import credvend.command_line", "floors"),
            ("extra.py", "", "floors"),
            ("text/tables.py", "from credvend.disk import config_file", "floors circles"),
            ("commands/get.py", "import credvend.commands.roles", "floors-of-commands"),
            ("commands/extra.py", "", "floors-of-commands"),
            ("vending/formats.py", "from credvend.vending.service import Service", "floors-of-vending"),
            ("vending/extra.py", "", "floors-of-vending"),
            ("checks/service.py", "from credvend.checks.profiles import check_profiles", "floors-of-checks"),
            ("checks/extra.py", "", "floors-of-checks"),
            ("auth/aws_credentials.py", "from credvend.auth import method", "floors-of-auth"),
            ("auth/extra.py", "", "floors-of-auth"),
            ("oidc/code_flow.py", "from credvend.oidc.tokens import Tokens", "floors-of-oidc"),
            ("oidc/extra.py", "", "floors-of-oidc"),
            ("net/request.py", "import credvend.net.proxies", "floors-of-net"),
            ("net/extra.py", "", "floors-of-net"),
            ("disk/config_file.py", "from credvend.disk import aws_config_file", "floors-of-disk"),
            ("disk/extra.py", "", "floors-of-disk"),
            ("text/tables.py", "from credvend.text import moments", "floors-of-text"),
            ("text/extra.py", "", "floors-of-text"),
            ("auth/methods/gitlab.py", "from credvend.auth.methods import kubernetes", "methods"),
            # Only there, not even within a function.
            ("net/send.py", "import botocore.session", "aws-sdks"),
            ("auth/methods/token.py", "def late() -> None:\n    import boto3", "aws-sdks"),
            ("auth/sign_in.py", "import keyring.errors", "keyring"),
            ("oidc/client.py", "from ssl import SSLContext", "sockets"),
            ("commands/console.py", "import webbrowser", "sockets"),
            ("vending/service.py", "import http.client", "http"),
            ("commands/cache.py", "import fcntl", "locks"),
            ("auth/sign_in_file.py", "def late() -> None:\n    import filelock", "locks"),
            ("vending/options.py", "import argparse", "arguments"),
            ("vending/formats.py", "from importlib import import_module", "names"),
            ("text/tables.py", "from chalicelib.errors import CredvendError", "apart"),
            ("lean.py", "import json", "fast-path"),
            ("cli.py", "def late() -> None:\n    import re", "fast-path"),
        ],
    )
    + plants(
        OPS,
        [
            ("errors.py", "import ops.processes.run", "floors"),
            ("iam/statements.py", "import ops.cloudformation.events", "floors"),
            ("smoke.py", "import ops.deploy", "floors"),
            ("extra.py", "", "floors"),
            ("stages/names.py", "from ops.iam import statements", "floors circles"),
            ("cloudformation/events.py", "from ops.cloudformation.change_set import ChangeSet", "circles"),
            ("deployed/caller.py", "from botocore.auth import SigV4Auth", "aws-sdks"),
            ("api_tokens/table.py", "def late() -> None:\n    import boto3", "aws-sdks"),
            ("template/overlay.py", "import yaml", "yaml"),
            ("building/vendor.py", "import subprocess", "programs"),
            ("environments.py", "from fcntl import flock", "programs"),
            ("deploying/deploy.py", "import argparse", "arguments"),
            ("building/vendor.py", "from packaging.tags import sys_tags", "packaging"),
            ("linting/linters.py", "import parliament", "parliament"),
            ("environments.py", "import msgspec", "before-virtualenvs"),
            ("processes/run.py", "from chalicelib.errors import ConfigError", "before-virtualenvs"),
            ("smoke.py", "from testing.app import write_config", "apart"),
            ("linting/linters.py", "def late() -> None:\n    import local.aws", "apart"),
            ("errors.py", "from importlib import import_module", "names"),
        ],
    )
    + plants(
        ROOMS,
        [
            ("bench/table.py", "from tests.unit.ops import example", "rooms"),
            ("testing/loopback.py", "def late() -> None:\n    import bench.table", "rooms"),
            ("local/aws.py", "import testing.signals", "rooms"),
            ("chalicelib/service.py", "from ops.errors import CommandFailed", "rooms"),
        ],
    )
)


# The linter, which takes longer to start than to look: it is started once for a package, not for each line.
LINTER: Final = """
import contextlib, io, json, sys
from importlinter.cli import lint_imports
for config in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()) as said:
        status = lint_imports(config_filenames=(config.strip(),), no_cache=True, no_logo=True)
    print(json.dumps([status, said.getvalue()]), flush=True)
"""


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "COLUMNS": "500"}


def named(package: Package, status: int, said: str) -> set[str]:
    """The sections of the contracts that are broken, by the linter's report."""
    verdicts = dict(re.findall(r"^(.+) (KEPT|BROKEN)(?: \(.*\))?$", said, re.M))
    assert set(verdicts) == set(package.contracts.values()), said
    found = {section for section, name in package.contracts.items() if verdicts[name] == "BROKEN"}
    assert status == bool(found), said
    return found


@dataclass
class Copy:
    """A copy of a package, and a linter that looks at it."""

    package: Package
    sources: Path
    linter: "subprocess.Popen[str]"

    def broken(self, planted: Planted) -> set[str]:
        """The sections of the contracts that it breaks with a line more."""
        place = self.package.place(self.sources, planted.file)
        before = place.read_text(encoding="utf-8") if place.exists() else None
        place.write_text(f"{before or ''}\n{planted.line}\n", encoding="utf-8")
        try:
            print(ROOT / self.package.config, file=self.linter.stdin, flush=True)
            status, said = json.loads(cast(IO[str], self.linter.stdout).readline())
        finally:
            if before is None:
                place.unlink()
            else:
                place.write_text(before, encoding="utf-8")
        return named(self.package, status, said)


@contextmanager
def copied(package: Package, sources: Path) -> Iterator[Copy]:
    """A copy in a directory."""
    for folder in package.folders:
        shutil.copytree(ROOT / package.sources / folder, sources / folder, ignore=shutil.ignore_patterns("__pycache__"))
    with subprocess.Popen(
        [programs("dev") / "python", "-c", LINTER],
        cwd=sources,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as linter:
        yield Copy(package, sources, linter)


@dataclass
class Copies:
    """The copies that were needed so far."""

    directory: Path
    stack: ExitStack
    made: dict[str, Copy] = field(default_factory=dict)

    def of(self, package: Package) -> Copy:
        if package.name not in self.made:
            self.made[package.name] = self.stack.enter_context(copied(package, self.directory / package.name))
        return self.made[package.name]


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    with ExitStack() as stack:
        yield Copies(tmp_path_factory.mktemp("copies"), stack)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_contract_is_kept(package: Package) -> None:
    done = subprocess.run(
        [programs("dev") / "lint-imports", "--no-cache", "--no-logo", ROOT / package.config],
        cwd=ROOT / package.sources,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert named(package, done.returncode, done.stdout) == set(), done.stderr


@pytest.mark.parametrize(
    "planted", PLANTED, ids=lambda planted: f"{planted.package.name}/{planted.file}: {planted.line}"
)
def test_an_import_breaks_the_contract_that_forbids_it_and_no_other(planted: Planted, copies: Copies) -> None:
    assert copies.of(planted.package).broken(planted) == set(planted.breaks)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_contract_is_shown_to_break(package: Package) -> None:
    shown = {section for planted in PLANTED if planted.package == package for section in planted.breaks}
    assert shown == set(package.contracts)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_layered_contract_is_exhaustive(package: Package) -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / package.config, encoding="utf-8")
    layered = [parser[name] for name in parser.sections() if parser[name].get("type") == "layers"]
    assert layered
    for contract in layered:
        if package.several:  # each is a layer
            assert set(contract["layers"].split()) == set(package.several)
        else:
            assert contract.getboolean("exhaustive", fallback=False)
