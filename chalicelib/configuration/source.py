"""A configuration as an adopter writes it: YAML and Cedar, read and checked whole."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple, TypeVar

from chalicelib.callers.kinds import KINDS
from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.configuration.catalog_file import WrittenCatalog, read_catalog
from chalicelib.configuration.configuration import Configuration
from chalicelib.configuration.digest import configuration_digest
from chalicelib.configuration.policy_files import WrittenPolicies, load_policies, read_policies
from chalicelib.configuration.sessions_file import load_session_settings
from chalicelib.configuration.trusted_issuers import load_trusted_issuers
from chalicelib.decisions.audit_mode import AuditMode
from chalicelib.decisions.authorizer import Authorizer, make_authorizer
from chalicelib.decisions.indexed_policy import IndexedPolicies
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog
from chalicelib.text.local_time import TimeZone

_T = TypeVar("_T")


class WrittenConfiguration(NamedTuple):
    """A configuration directory without an error in it, as it is written: for what is made of it, and for warnings.

    Attributes:
        policies, indexed: the same, by the files that they are in and for decisions.
        audited: the policies in audit mode, which `indexed` does not have; None: there are none.
        configuration: what it means.
    """

    directory: Path
    catalog: WrittenCatalog
    issuers: tuple[Issuer, ...]
    policies: WrittenPolicies
    indexed: IndexedPolicies
    configuration: Configuration
    audited: IndexedPolicies | None = None


class NotLookedUp(ConfigError):
    """Roles or issuers are not in order: policies were held against the schema alone, sessions.yaml against nothing."""


def load_source(config: Path, allow_loopback_http: bool) -> Configuration:
    """Read a configuration directory, to decide with it.

    Args:
        allow_loopback_http: let issuers on this very machine be reached without TLS, for tests.

    Raises:
        ConfigError: one line for every problem found.
    """
    return read_source(config, allow_loopback_http).configuration


def read_source(
    config: Path, allow_loopback_http: bool, prove: bool = True, schema: Path | None = None
) -> WrittenConfiguration:
    """Read and check a configuration directory. What is likely a mistake in it, `configuration_warnings` tells.

    Args:
        allow_loopback_http: let issuers on this very machine be reached without TLS, for tests.
        prove: that each policy can apply; without it, reading thousands of them takes half the time.
        schema: of the policies, where it is not in the directory.

    Raises:
        NotLookedUp: roles or issuers are not in order; one line for every problem, of all files.
        ConfigError: something else is not.
    """
    attempt = _Attempts()
    catalog = attempt(lambda: read_catalog(config / "roles.yaml"))
    trusted_issuers = attempt(lambda: load_trusted_issuers(config, allow_loopback_http))
    if catalog is None or trusted_issuers is None:
        attempt(lambda: read_policies(config, None, (), schema=schema))
        raise NotLookedUp(attempt.problems)
    roles = Catalog(catalog.roles)
    issuers = tuple(trusted.issuer for trusted in trusted_issuers.values())
    names = [issuer.name for issuer in issuers]
    policies = attempt(lambda: read_policies(config, roles, issuers, prove=prove, schema=schema))
    sessions = attempt(lambda: load_session_settings(config / "sessions.yaml", catalog.roles, names))
    if policies is None or sessions is None:
        raise ConfigError(attempt.problems)
    indexed = policies.for_decisions()
    authorizer = _authorizer(indexed, roles, catalog.time_zone)
    digest = configuration_digest(config)
    audited = policies.for_audit()
    audit_mode = None if audited is None else AuditMode(audited, authorizer, roles, catalog.time_zone)
    configuration = Configuration(roles, lambda: trusted_issuers, authorizer, digest, sessions, audit_mode)
    return WrittenConfiguration(config, catalog, issuers, policies, indexed, configuration, audited)


def load_authorizer(config: Path, catalog: Catalog, issuers: Collection[Issuer]) -> Authorizer:
    """An authorizer with the policies of a configuration directory, for which local time is UTC.

    Raises:
        ConfigError: one line for every problem found.
    """
    return _authorizer(load_policies(config, catalog, issuers), catalog, None)


def _authorizer(policies: IndexedPolicies, catalog: Catalog, time_zone: TimeZone | None) -> Authorizer:
    authorizer = make_authorizer(policies, catalog, time_zone)
    authorizer.check(KINDS)
    return authorizer


class _Attempts:
    """Does one thing after the other, and gathers what is said of those that fail."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def __call__(self, do: Callable[[], _T]) -> _T | None:
        """What it gives; None: it failed."""
        try:
            return do()
        except ConfigError as error:
            self.problems += error.problems
            return None
