"""The parts of a configuration that target roles are made from."""

from pathlib import Path
from typing import NamedTuple

from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.configuration.catalog_file import WrittenCatalog, read_catalog
from chalicelib.configuration.issuers_file import load_issuers
from chalicelib.configuration.session_settings import SessionSettings
from chalicelib.configuration.sessions_file import load_session_settings
from chalicelib.errors import ConfigError
from ops.faults.invalid_configuration import invalid
from ops.stages.read_stage_file import read_stage_file


class Parts(NamedTuple):
    """Roles, issuers and sessions. Policies are left alone: that one of them is wrong changes no target role.

    Attributes:
        issuer: of credvend's own tokens, as stage.yaml has it; None: it has none.
    """

    catalog: WrittenCatalog
    issuers: tuple[Issuer, ...]
    settings: SessionSettings
    issuer: str | None


def read_parts(config: Path) -> Parts:
    """Read them from a configuration directory.

    Raises:
        OperationFailed: they are not valid; one line for every problem.
    """
    try:
        catalog = read_catalog(config / "roles.yaml")
        issuers = load_issuers(config / "issuers.yaml", allow_loopback_http=True)
        names = [issuer.name for issuer in issuers]
        settings = load_session_settings(config / "sessions.yaml", catalog.roles, names)
        issuer = read_stage_file(config).signing.issuer
    except ConfigError as error:
        raise invalid(config, error.problems) from None
    return Parts(catalog, issuers, settings, issuer)
