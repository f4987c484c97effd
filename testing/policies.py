"""A small configuration in which policies are checked: two issuers, of which one tells of groups, and a few roles."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.configuration.catalog_file import load_catalog
from chalicelib.configuration.issuers_file import load_issuers
from chalicelib.configuration.policy_files import read_policies
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog
from testing.cedar import SCHEMA

HOME, AWAY = "111122223333", "444455556666"
ISSUERS_YAML: Final = """
issuers:
  - name: okta
    issuer: https://okta.example.com
    audiences: [credvend]
    groups_claim: groups
    claims: {amr: amr, team: team}
  - {name: github, issuer: "https://github.example.com", audiences: [credvend], claims: {ref: ref}}
"""
ROLES_YAML: Final = f"""
roles:
  - {{name: reader, arn: "arn:aws:iam::{HOME}:role/reader", groups: [open], max_duration: 30m}}
  - name: writer
    arn: "arn:aws:iam::{HOME}:role/team/writer"
    groups: [open, all]
    caller_tags: [Team, Environment]
    params: {{tenant: {{pattern: "[a-z]+"}}}}
    tags: {{tenant: "${{params.tenant}}"}}
  - {{name: deep, arn: "arn:aws:iam::{AWAY}:role/deep", groups: [all]}}
"""


def configuration_directory(
    directory: Path, policies: str, issuers: str = ISSUERS_YAML, roles: str = ROLES_YAML
) -> Path:
    """The files of a configuration."""
    (directory / "policies").mkdir(parents=True, exist_ok=True)
    (directory / "schema.cedarschema").write_text(SCHEMA)
    (directory / "issuers.yaml").write_text(issuers)
    (directory / "roles.yaml").write_text(roles)
    (directory / "policies/a.cedar").write_text(policies)
    return directory


def problems(directory: Path, policies: str) -> list[str]:
    """What is wrong with policies, in that configuration; nothing, if they load."""
    return load_problems(configuration_directory(directory, policies))


def load_problems(directory: Path) -> list[str]:
    """What is wrong with the policies of a directory, with its own catalog and issuers."""
    try:
        read_policies(directory, *_catalog_and_issuers(directory))
    except ConfigError as error:
        return error.problems
    return []


@cache
def catalog_and_issuers() -> tuple[Catalog, tuple[Issuer, ...]]:
    """Those of the configuration."""
    with tempfile.TemporaryDirectory() as temporary:
        return _catalog_and_issuers(configuration_directory(Path(temporary), ""))


def _catalog_and_issuers(directory: Path) -> tuple[Catalog, tuple[Issuer, ...]]:
    issuers = load_issuers(directory / "issuers.yaml", allow_loopback_http=False)
    return load_catalog(directory / "roles.yaml"), issuers
