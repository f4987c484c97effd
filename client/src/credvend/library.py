"""credvend for Python programs: what `credvend.credentials` and `credvend.session` do."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from credvend.auth.registry import load_checked_config
from credvend.disk.credentials_cache import Cache
from credvend.errors import UsageError
from credvend.vending.cache_or_service import get_credentials
from credvend.vending.credentials import Credentials
from credvend.vending.formats import variables
from credvend.vending.options import Options
from credvend.vending.service import service_of
from credvend.vending.sessions import Session, names_of, parse_session

if TYPE_CHECKING:
    import boto3
    from aiobotocore.session import AioSession


def options(
    duration: int | str | None,
    reason: str | None,
    params: Mapping[str, str] | None,
    tags: Mapping[str, str] | None,
    policy: Mapping[str, object] | str | None,
) -> Options:
    """What Python programs write, as the rest of credvend has it."""
    return Options(
        duration=None if duration is None else str(duration),
        reason=reason,
        params=tuple((params or {}).items()),
        tags=tuple((tags or {}).items()),
        policy=policy if policy is None or isinstance(policy, str) else json.dumps(policy),
    )


def credentials(role: str, wanted: Options) -> Credentials:
    """As `credvend.credentials`."""
    return get_credentials(role, wanted, load_checked_config(os.environ), os.environ)


def sessions(live: bool, since: str | None) -> list[Session]:
    """As `credvend.sessions`."""
    every, _ = service_of(load_checked_config(os.environ), os.environ).sessions(live=live, since=since, limit=1000)
    return [parse_session(each) for each in every]


def revoke(session_id: str, reason: str | None) -> Session:
    """As `credvend.revoke`."""
    config = load_checked_config(os.environ)
    revoked = service_of(config, os.environ).revoke(session_id, reason)
    Cache(os.environ, config.cache).forget([session_id, *names_of(revoked)])
    return revoked


def _refreshed(role: str, wanted: Options) -> dict[str, str]:
    """As botocore wants them. The cache decides whether it takes a request, as for everybody else."""
    given = variables(credentials(role, wanted))
    return {
        "access_key": given["AWS_ACCESS_KEY_ID"],
        "secret_key": given["AWS_SECRET_ACCESS_KEY"],
        "token": given["AWS_SESSION_TOKEN"],
        "expiry_time": given["AWS_CREDENTIAL_EXPIRATION"],
    }


def session(role: str, wanted: Options, region_name: str | None) -> boto3.Session:
    """As `credvend.session`."""
    try:
        import boto3
        import botocore.session
        from botocore.credentials import CredentialProvider, CredentialResolver, RefreshableCredentials
    except ImportError:
        raise UsageError("credvend.session needs boto3: pip install boto3.") from None

    def refresh() -> dict[str, str]:
        return _refreshed(role, wanted)

    vended = RefreshableCredentials.create_from_metadata(refresh(), refresh, "credvend")

    class Provider(CredentialProvider):
        METHOD = "credvend"

        def load(self) -> RefreshableCredentials:
            return vended

    core = botocore.session.Session()
    # Instead of the whole chain: what else there is in the environment is not asked for.
    core.register_component("credential_provider", CredentialResolver([Provider()]))
    return boto3.Session(botocore_session=core, region_name=region_name)


def aio_session(role: str, wanted: Options, region_name: str | None) -> AioSession:
    """As `credvend.aio_session`."""
    try:
        from aiobotocore.credentials import AioCredentialResolver, AioRefreshableCredentials
        from aiobotocore.session import AioSession
        from botocore.credentials import CredentialProvider
    except ImportError:
        raise UsageError("credvend.aio_session needs aiobotocore: pip install aiobotocore.") from None

    async def refresh() -> dict[str, str]:
        # Files, locks and a request: in a thread, so that the loop goes on meanwhile.
        return await asyncio.to_thread(_refreshed, role, wanted)

    class Provider(CredentialProvider):
        METHOD = "credvend"

        async def load(self) -> AioRefreshableCredentials:
            return AioRefreshableCredentials.create_from_metadata(await refresh(), refresh, "credvend")

    core = AioSession()
    core.register_component("credential_provider", AioCredentialResolver([Provider()]))
    if region_name is not None:
        core.set_config_variable("region", region_name)
    return core
