"""Credentials for a role, from the cache or from the service."""

from __future__ import annotations

from collections.abc import Mapping

from credvend.auth import authenticator
from credvend.config import Config
from credvend.vended import Credentials, parse_credentials
from credvend.service import Options, Service

__all__ = ["Options", "get_credentials"]


def get_credentials(
    role: str, options: Options, config: Config, environ: Mapping[str, str], *, fresh: bool = False
) -> Credentials:
    """Credentials for a role with at least a minute to live.

    Args:
        fresh: ask the service, whatever the cache has.

    Raises:
        UsageError, AuthenticationError, AccessDeniedError, ServiceError: there are none.
    """
    service = Service(config, authenticator(config, environ), environ)
    return parse_credentials(service.vend(role, options), role)
