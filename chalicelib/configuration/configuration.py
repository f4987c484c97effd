"""What an adopter writes, checked whole: catalog, trusted issuers, policies over both, and how sessions are kept."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.configuration.session_settings import SessionSettings
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.roles.catalog import Catalog

if TYPE_CHECKING:
    from chalicelib.callers.oidc.issuer_keys import TrustedIssuer


class Configuration(NamedTuple):
    """A valid configuration.

    Attributes:
        trusted_issuers: by their URL; callers without an issuer's token do not wait for them.
        digest: of the files that it was read from: `chalicelib.configuration.digest`.
    """

    catalog: Catalog
    trusted_issuers: "Callable[[], Mapping[str, TrustedIssuer]]"
    authorizer: Authorizer
    digest: str
    sessions: SessionSettings = SessionSettings()
