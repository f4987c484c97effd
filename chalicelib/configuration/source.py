"""A configuration as an adopter writes it: YAML and Cedar, read and checked whole."""

from pathlib import Path

from chalicelib.callers.kinds import KINDS
from chalicelib.configuration.catalog_file import read_catalog
from chalicelib.configuration.configuration import Configuration
from chalicelib.configuration.digest import configuration_digest
from chalicelib.configuration.policy_files import load_policies
from chalicelib.configuration.trusted_issuers import load_trusted_issuers
from chalicelib.decisions.authorizer import Authorizer, make_authorizer
from chalicelib.roles.catalog import Catalog
from chalicelib.text.local_time import TimeZone


def load_source(config: Path, allow_loopback_http: bool) -> Configuration:
    """Read a configuration directory.

    Args:
        allow_loopback_http: let issuers on this very machine be reached without TLS, for tests.

    Raises:
        ConfigError: one line for every problem found.
    """
    written = read_catalog(config / "roles.yaml")
    return check_source(config, Catalog(written.roles), allow_loopback_http, written.time_zone)


def check_source(
    config: Path, catalog: Catalog, allow_loopback_http: bool, time_zone: TimeZone | None
) -> Configuration:
    """Read the rest of a configuration directory, whose catalog has been read.

    Raises:
        ConfigError: one line for every problem found.
    """
    trusted_issuers = load_trusted_issuers(config, allow_loopback_http)
    names = frozenset(trusted.issuer.name for trusted in trusted_issuers.values())
    authorizer = load_authorizer(config, catalog, names, time_zone)
    return Configuration(catalog, lambda: trusted_issuers, authorizer, configuration_digest(config))


def load_authorizer(
    config: Path, catalog: Catalog, issuers: frozenset[str], time_zone: TimeZone | None = None
) -> Authorizer:
    """An authorizer with the policies of a configuration directory.

    Args:
        issuers: names of the trusted issuers.
        time_zone: of local times; None is UTC.

    Raises:
        ConfigError: one line for every problem found.
    """
    authorizer = make_authorizer(load_policies(config, catalog, issuers), catalog, time_zone)
    authorizer.check(KINDS)
    return authorizer
