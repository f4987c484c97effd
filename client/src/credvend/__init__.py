"""credvend: short-lived AWS credentials from a credvend service.

    import credvend

    s3 = credvend.session("reports").client("s3")
    credentials = credvend.credentials("reports")

It is configured as the command is. Everything is imported when it is used, for the command's sake.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from credvend.errors import AccessDeniedError, AuthenticationError, CredvendError, ServiceError, UsageError
    from credvend.library import aio_session, credentials, revoke, session, sessions
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


def __getattr__(name: str) -> object:
    if name == "__version__":
        from credvend import version

        return version.__version__
    if name in __all__:
        from credvend import errors, library

        return getattr(errors if hasattr(errors, name) else library, name)
    raise AttributeError(f"module 'credvend' has no attribute '{name}'")


def __dir__() -> "list[str]":
    return __all__
