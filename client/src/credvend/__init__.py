"""credvend: short-lived AWS credentials from a credvend service.

    import credvend

    s3 = credvend.session("reports").client("s3")
    credentials = credvend.credentials("reports")

It is configured as the command is. Everything else is imported when it is needed, for the command's sake.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    import boto3
    from aiobotocore.session import AioSession

    from credvend.errors import AccessDeniedError, AuthenticationError, CredvendError, ServiceError, UsageError
    from credvend.vending.credentials import Credentials
    from credvend.vending.sessions import Session
    from credvend.version import __version__ as __version__

__all__ = [
    "AccessDeniedError",
    "AuthenticationError",
    "Credentials",
    "CredvendError",
    "ServiceError",
    "Session",
    "UsageError",
    "aio_session",
    "credentials",
    "revoke",
    "session",
    "sessions",
]


def credentials(
    role: str,
    *,
    duration: "int | str | None" = None,
    reason: "str | None" = None,
    params: "Mapping[str, str] | None" = None,
    tags: "Mapping[str, str] | None" = None,
    policy: "Mapping[str, object] | str | None" = None,
) -> "Credentials":
    """Credentials for a role, with at least a minute to live, from the cache or the service.

    Args:
        role: its name, or its ARN.
        duration: seconds, or "90m", "1h30m"; None for the role's default.
        reason: why, in one line; some roles demand it.
        params, tags: parameters of the role, and session tags.
        policy: an IAM policy document that narrows the session.

    Raises:
        UsageError, AuthenticationError, AccessDeniedError, ServiceError: there are none; all are `CredvendError`.
    """
    from credvend import library

    return library.credentials(role, library.options(duration, reason, params, tags, policy))


def session(
    role: str,
    *,
    duration: "int | str | None" = None,
    reason: "str | None" = None,
    params: "Mapping[str, str] | None" = None,
    tags: "Mapping[str, str] | None" = None,
    policy: "Mapping[str, object] | str | None" = None,
    region_name: "str | None" = None,
) -> "boto3.Session":
    """A boto3 Session for a role, whose credentials refresh by themselves. It needs boto3.

    Args:
        region_name: of its clients; None for what boto3 finds.

    The others, and what is raised, are those of `credentials`. A refresh that fails raises from the call of AWS that
    needed it.
    """
    from credvend import library

    return library.session(role, library.options(duration, reason, params, tags, policy), region_name)


def aio_session(
    role: str,
    *,
    duration: "int | str | None" = None,
    reason: "str | None" = None,
    params: "Mapping[str, str] | None" = None,
    tags: "Mapping[str, str] | None" = None,
    policy: "Mapping[str, object] | str | None" = None,
    region_name: "str | None" = None,
) -> "AioSession":
    """The same for asyncio, for aiobotocore, or as `botocore_session` for aioboto3. It needs aiobotocore.

    Nothing is asked before a client needs credentials; and the loop goes on while credvend asks.
    """
    from credvend import library

    return library.aio_session(role, library.options(duration, reason, params, tags, policy), region_name)


def sessions(*, live: bool = False, since: "str | None" = None) -> "list[Session]":
    """The sessions that you have had, here or anywhere, the latest first; at most 1,000.

    Args:
        live: only those that somebody may still use.
        since: how long ago they were asked for at most, such as "7d"; None for a day.

    Raises:
        UsageError, AuthenticationError, AccessDeniedError, ServiceError: they cannot be had.
    """
    from credvend import library

    return library.sessions(live, since)


def revoke(session_id: str, *, reason: "str | None" = None) -> "Session":
    """Have one of your sessions end before its time, and do not wait for that; its `revocation` says how far it is.

    Args:
        session_id: `id` of one of `sessions()`, or `session_id` of credentials.
        reason: why, in one line, for the audit log.

    Raises:
        UsageError: you have none of that id, it has ended, or only operators can end it.
        AuthenticationError, AccessDeniedError, ServiceError: it cannot be asked for.
    """
    from credvend import library

    return library.revoke(session_id, reason)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from credvend import version

        return version.__version__
    if name == "Credentials":
        from credvend.vending import credentials as vended

        return vended.Credentials
    if name == "Session":
        from credvend.vending import sessions as had

        return had.Session
    if name in __all__:
        from credvend import errors

        return getattr(errors, name)
    raise AttributeError(f"module 'credvend' has no attribute '{name}'")
