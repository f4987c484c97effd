"""What an adopter writes, checked whole: the catalog, the trusted issuers, and the policies over both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.configuration.settings import Settings
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.roles.role import Catalog

if TYPE_CHECKING:
    from chalicelib.callers.oidc.issuer_keys import TrustedIssuer


@dataclass(frozen=True, slots=True)
class Configuration:
    """A valid configuration.

    Attributes:
        trusted_issuers: by their URL; callers without an issuer's token do not wait for them.
        digest: of the files that it was read from: `chalicelib.configuration.compiled.configuration_digest`.
    """

    catalog: Catalog
    trusted_issuers: "Callable[[], Mapping[str, TrustedIssuer]]"
    authorizer: Authorizer
    digest: str


def load_configuration(config: Path, settings: Settings) -> Configuration:
    """The configuration: a deployed function's was checked and compiled when it was packaged, any other is read here.

    Raises:
        ConfigError: one line for every problem found.
    """
    if settings.deployed:
        from chalicelib.configuration.compiled import load_compiled

        return load_compiled(config, settings.allow_loopback_http)
    from chalicelib.configuration.source import load_written

    return load_written(config, settings.allow_loopback_http)
