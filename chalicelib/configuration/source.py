"""A configuration as an adopter writes it: YAML and Cedar, read and checked whole."""

from pathlib import Path

from chalicelib.callers.oidc.issuer_keys import load_trusted_issuers
from chalicelib.configuration.catalog_file import load_catalog
from chalicelib.configuration.compiled import configuration_digest
from chalicelib.configuration.configuration import Configuration
from chalicelib.decisions.authorizer import load_authorizer
from chalicelib.roles.role import Catalog


def load_written(config: Path, allow_loopback_http: bool) -> Configuration:
    """Read a configuration directory.

    Args:
        allow_loopback_http: let issuers on this very machine be reached without TLS, for tests.

    Raises:
        ConfigError: one line for every problem found.
    """
    return check_written(config, load_catalog(config / "roles.yaml"), allow_loopback_http)


def check_written(config: Path, catalog: Catalog, allow_loopback_http: bool) -> Configuration:
    """Read the rest of a configuration directory, whose catalog has been read.

    Raises:
        ConfigError: one line for every problem found.
    """
    trusted_issuers = load_trusted_issuers(config, allow_loopback_http)
    names = frozenset(trusted.issuer.name for trusted in trusted_issuers.values())
    authorizer = load_authorizer(config, catalog, names)
    return Configuration(catalog, lambda: trusted_issuers, authorizer, configuration_digest(config))
