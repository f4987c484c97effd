"""What an adopter writes, checked whole: catalog, trusted issuers, policies over both, and how sessions are kept."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.configuration.session_settings import SessionSettings
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.roles.catalog import Catalog

if TYPE_CHECKING:
    from chalicelib.callers.oidc.issuer_keys import TrustedIssuer
    from chalicelib.decisions.audit_mode import AuditMode


class Configuration(NamedTuple):
    """A valid configuration.

    Attributes:
        trusted_issuers: by their URL; callers without an issuer's token do not wait for them.
        digest: of the files that it was read from: `chalicelib.configuration.digest`.
        audit_mode: the policies that are recorded and not enforced; None: there are none.
    """

    catalog: Catalog
    trusted_issuers: "Callable[[], Mapping[str, TrustedIssuer]]"
    authorizer: Authorizer
    digest: str
    sessions: SessionSettings = SessionSettings()
    audit_mode: "AuditMode | None" = None
