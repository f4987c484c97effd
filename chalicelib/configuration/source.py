"""A configuration as an adopter writes it: YAML and Cedar, read and checked whole."""

from pathlib import Path

from chalicelib.callers.kinds import KINDS
from chalicelib.configuration.catalog_file import load_catalog
from chalicelib.configuration.configuration import Configuration
from chalicelib.configuration.digest import configuration_digest
from chalicelib.configuration.policy_files import load_policies
from chalicelib.configuration.trusted_issuers import load_trusted_issuers
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.roles.catalog import Catalog


def load_source(config: Path, allow_loopback_http: bool) -> Configuration:
    """Read a configuration directory.

    Args:
        allow_loopback_http: let issuers on this very machine be reached without TLS, for tests.

    Raises:
        ConfigError: one line for every problem found.
    """
    return check_source(config, load_catalog(config / "roles.yaml"), allow_loopback_http)


def check_source(config: Path, catalog: Catalog, allow_loopback_http: bool) -> Configuration:
    """Read the rest of a configuration directory, whose catalog has been read.

    Raises:
        ConfigError: one line for every problem found.
    """
    trusted_issuers = load_trusted_issuers(config, allow_loopback_http)
    names = frozenset(trusted.issuer.name for trusted in trusted_issuers.values())
    authorizer = load_authorizer(config, catalog, names)
    return Configuration(catalog, lambda: trusted_issuers, authorizer, configuration_digest(config))


def load_authorizer(config: Path, catalog: Catalog, issuers: frozenset[str]) -> Authorizer:
    """An authorizer with the policies of a configuration directory.

    Args:
        issuers: names of the trusted issuers.

    Raises:
        ConfigError: one line for every problem found.
    """
    authorizer = Authorizer(load_policies(config, catalog, issuers), catalog)
    authorizer.check(KINDS)
    return authorizer
