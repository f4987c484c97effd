"""The configuration at hand: what a directory would deploy, as far as it is compared with what is deployed."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.configuration.catalog_file import read_catalog
from chalicelib.configuration.digest import configuration_digest
from chalicelib.configuration.sessions_file import load_session_settings
from chalicelib.configuration.trusted_issuers import load_trusted_issuers
from chalicelib.errors import ConfigError
from chalicelib.roles.role import Role
from ops.building.source_tree import copy_configuration
from ops.errors import CommandFailed, OperationFailed


@dataclass(frozen=True, slots=True)
class AtHand:
    """A configuration directory, laid over the shipped one as packaging does it.

    Attributes:
        config: where it lies, until the end of the `with` that it is from.
        digest: as the function would work it out.
        operator_role: path and name of the role of other accounts through which sessions are revoked there, or None.
    """

    config: Path
    digest: str
    roles: Sequence[Role]
    issuers: Sequence[Issuer]
    operator_role: str | None


@contextmanager
def at_hand(config: Path, allow_loopback_http: bool) -> Iterator[AtHand]:
    """The configuration of a directory. Its policies are not looked at: `credvend-admin validate` does that.

    Raises:
        OperationFailed: it is none; says why.
    """
    with tempfile.TemporaryDirectory(prefix="credvend-doctor-") as directory:
        try:
            laid = Path(directory) / "config"
            copy_configuration(laid, config)
            roles = read_catalog(laid / "roles.yaml").roles
            issuers = [trusted.issuer for trusted in load_trusted_issuers(laid, allow_loopback_http).values()]
            settings = load_session_settings(laid / "sessions.yaml", roles, [issuer.name for issuer in issuers])
            found = AtHand(laid, configuration_digest(laid), roles, issuers, settings.operator_role)
        except (CommandFailed, ConfigError) as error:
            raise OperationFailed(f"{error}\nThat is wrong with {config}; nothing was asked.") from None
        yield found
