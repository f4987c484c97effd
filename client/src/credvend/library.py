"""credvend for Python programs: what the package offers them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from credvend import lean
from credvend.auth.registry import load_checked_config
from credvend.disk.credentials_cache import Cache
from credvend.errors import UsageError
from credvend.text.moments import moment_text
from credvend.vending.cache_or_service import credentials_of, get_entry
from credvend.vending.credentials import Credentials
from credvend.vending.options import Options
from credvend.vending.service import service_of
from credvend.vending.sessions import Session, names_of, parse_session

if TYPE_CHECKING:
    import boto3
    from aiobotocore.session import AioSession


def credentials(
    role: str,
    *,
    duration: int | str | None = None,
    reason: str | None = None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    policy: Mapping[str, object] | str | None = None,
) -> Credentials:
    """Credentials for a role, with at least a minute to live or a tenth of their life, from the cache or the service.

    Args:
        role: its name, or its ARN.
        duration: seconds, or "90m", "1h30m"; None for the role's default.
        reason: why, in one line; some roles demand it.
        params, tags: parameters of the role, and session tags.
        policy: an IAM policy document that narrows the session.

    Raises:
        UsageError, AuthenticationError, AccessDeniedError, ServiceError: there are none; all are `CredvendError`.
    """
    return credentials_of(_entry(role, _options(duration, reason, params, tags, policy)), role)


def session(
    role: str,
    *,
    duration: int | str | None = None,
    reason: str | None = None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    policy: Mapping[str, object] | str | None = None,
    region_name: str | None = None,
) -> boto3.Session:
    """A boto3 Session for a role, whose credentials refresh by themselves. It needs boto3.

    Args:
        region_name: of its clients; None for what boto3 finds.

    The others, and what is raised, are those of `credentials`. A refresh that fails raises from the call of AWS that
    needed it.
    """
    wanted = _options(duration, reason, params, tags, policy)
    try:
        import boto3
        import botocore.session
        from botocore.credentials import CredentialProvider, CredentialResolver, RefreshableCredentials
    except ImportError:
        raise UsageError("credvend.session needs boto3: pip install boto3.") from None

    def refresh() -> dict[str, str]:
        return _for_botocore(_entry(role, wanted), role)

    entry = _entry(role, wanted)
    first = _for_botocore(entry, role)
    vended = RefreshableCredentials.create_from_metadata(first, refresh, "credvend", **_timeouts(entry))

    class Provider(CredentialProvider):
        METHOD = "credvend"

        def load(self) -> RefreshableCredentials:
            return vended

    core = botocore.session.Session()
    # Instead of the whole chain: what else there is in the environment is not asked for.
    core.register_component("credential_provider", CredentialResolver([Provider()]))
    return boto3.Session(botocore_session=core, region_name=region_name)


def aio_session(
    role: str,
    *,
    duration: int | str | None = None,
    reason: str | None = None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    policy: Mapping[str, object] | str | None = None,
    region_name: str | None = None,
) -> AioSession:
    """The same for asyncio, for aiobotocore, or as `botocore_session` for aioboto3. It needs aiobotocore.

    Nothing is asked before a client needs credentials; and the loop goes on while credvend asks.
    """
    wanted = _options(duration, reason, params, tags, policy)
    try:
        from aiobotocore.credentials import AioCredentialResolver, AioRefreshableCredentials
        from aiobotocore.session import AioSession
        from botocore.credentials import CredentialProvider
    except ImportError:
        raise UsageError("credvend.aio_session needs aiobotocore: pip install aiobotocore.") from None

    async def get() -> lean.Entry:
        # Files, locks and a request: in a thread, so that the loop goes on meanwhile.
        return await asyncio.to_thread(_entry, role, wanted)

    async def refresh() -> dict[str, str]:
        return _for_botocore(await get(), role)

    class Provider(CredentialProvider):
        METHOD = "credvend"

        async def load(self) -> AioRefreshableCredentials:
            entry = await get()
            first = _for_botocore(entry, role)
            return AioRefreshableCredentials.create_from_metadata(first, refresh, "credvend", **_timeouts(entry))

    core = AioSession()
    core.register_component("credential_provider", AioCredentialResolver([Provider()]))
    if region_name is not None:
        core.set_config_variable("region", region_name)
    return core


def sessions(*, live: bool = False, since: str | None = None) -> list[Session]:
    """The sessions that you have had, here or anywhere, the latest first; at most 1,000.

    Args:
        live: only those that somebody may still use.
        since: how long ago they were asked for at most, such as "7d"; None for a day.

    Raises:
        UsageError, AuthenticationError, AccessDeniedError, ServiceError: they cannot be had.
    """
    every, _ = service_of(load_checked_config(os.environ), os.environ).sessions(live=live, since=since, limit=1000)
    return [parse_session(each) for each in every]


def revoke(session_id: str, *, reason: str | None = None) -> Session:
    """Have one of your sessions end before its time, and do not wait for that; its `revocation` says how far it is.

    Args:
        session_id: `id` of one of `sessions()`, or `session_id` of credentials.
        reason: why, in one line, for the audit log.

    Raises:
        UsageError: you have none of that id, it has ended, or only operators can end it.
        AuthenticationError, AccessDeniedError, ServiceError: it cannot be asked for.
    """
    config = load_checked_config(os.environ)
    revoked = service_of(config, os.environ).revoke(session_id, reason)
    Cache(os.environ, config.cache).forget([session_id, *names_of(revoked)])
    return revoked


def _options(
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


def _entry(role: str, wanted: Options) -> lean.Entry:
    return get_entry(role, wanted, load_checked_config(os.environ), os.environ)


def _for_botocore(entry: lean.Entry, role: str) -> dict[str, str]:
    """As botocore wants them; their end by this computer's clock."""
    given = credentials_of(entry, role)
    return {
        "access_key": given.access_key_id,
        "secret_key": given.secret_access_key,
        "token": given.session_token,
        "expiry_time": moment_text(datetime.fromtimestamp(entry.expires, timezone.utc)),
    }


def _timeouts(entry: lean.Entry) -> dict[str, int]:
    """When botocore asks anew: as the cache would. By itself it asks from 15 minutes before the end, however short."""
    margin = lean.margin(entry.expires - entry.obtained)
    return {"advisory_timeout": margin, "mandatory_timeout": margin}
