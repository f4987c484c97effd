"""What an adopter writes, read and checked whole: the catalog, the trusted issuers, and the policies over both."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.authorization import Authorizer, load_authorizer
from chalicelib.catalog import Catalog, load_catalog
from chalicelib.jwks import TrustedIssuer, load_trusted_issuers


@dataclass(frozen=True, slots=True)
class Configuration:
    """A valid configuration.

    Attributes:
        trusted_issuers: by their URL.
    """

    catalog: Catalog
    trusted_issuers: Mapping[str, TrustedIssuer]
    authorizer: Authorizer


def load_configuration(config: Path, allow_loopback_http: bool) -> Configuration:
    """Read a configuration directory.

    Args:
        allow_loopback_http: let issuers on this very machine be reached without TLS, for tests.

    Raises:
        ConfigError: one line for every problem found.
    """
    catalog = load_catalog(config / "roles.yaml")
    trusted_issuers = load_trusted_issuers(config, allow_loopback_http)
    names = frozenset(trusted.issuer.name for trusted in trusted_issuers.values())
    return Configuration(catalog, trusted_issuers, load_authorizer(config, catalog, names))
