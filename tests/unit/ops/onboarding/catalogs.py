"""Catalogs to onboard, and the service that they are for."""

from pathlib import Path

from chalicelib.configuration.catalog_file import WrittenCatalog, read_catalog
from chalicelib.configuration.session_settings import SessionSettings
from ops.onboarding.iam_role import IamRole
from ops.onboarding.plan import Plan, plan_roles
from ops.onboarding.service import Service, service_to_be
from ops.onboarding.wanted import Wanted
from testing.made_roles import MadeRole, normal

HOME, AWAY, FAR = "111122223333", "444455556666", "777788889999"
SERVICE = service_to_be("aws", HOME, "prod", "eu-west-1")
SETTINGS = SessionSettings(operator_role="security/credvend-operator")
ROLES = f"""
roles:
  - name: readonly
    arn: arn:aws:iam::{AWAY}:role/credvend/readonly
    description: Reads.
    external_id: shared:id
    probe: ec2:DescribeInstances
    chains_to: ["arn:aws:iam::{AWAY}:role/credvend/deploy", "arn:aws:iam::{FAR}:role/far"]
  - {{name: deploy, arn: "arn:aws:iam::{AWAY}:role/credvend/deploy", source_identity: false}}
  - name: plain
    arn: arn:aws:iam::{AWAY}:role/Plain_1
    source_identity: false
    tag_session: false
    external_id: x1
  - {{name: home, arn: "arn:aws:iam::{HOME}:role/credvend/home"}}
"""


def catalog(directory: Path, roles: str = ROLES) -> WrittenCatalog:
    """The catalog of a text."""
    (directory / "roles.yaml").write_text(roles, encoding="utf-8")
    return read_catalog(directory / "roles.yaml")


def plan(
    found: WrittenCatalog,
    wanted: Wanted | None = None,
    settings: SessionSettings = SETTINGS,
    service: Service = SERVICE,
) -> Plan:
    """What is to be made of it."""
    return plan_roles(found, settings, service, wanted or Wanted())


def as_made(role: IamRole) -> MadeRole:
    """A role that is planned, in the form in which files are compared with it."""
    return MadeRole(
        name=role.name,
        path=role.path,
        description=role.description,
        max_session_seconds=role.max_session_seconds,
        trust=normal(role.trust),
        inline={name: normal(document) for name, document in role.inline.items()},
        managed=frozenset(role.managed),
        boundary=role.boundary,
        tags=dict(role.tags),
    )
