"""The refusals and failures that a caller may see. Each knows its HTTP status and its code."""

from typing import ClassVar


class CredvendError(Exception):
    """An answer other than success; `message` is written for the person who must act on it.

    Attributes:
        status: HTTP status code.
        code: stable, machine-readable name of the error.
        retry_after: seconds after which trying again is sensible, or None.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "InternalError"
    retry_after: ClassVar[int | None] = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidRequest(CredvendError):
    """The request itself is wrong; asking again unchanged cannot help."""

    status = 400
    code = "InvalidRequest"


class UnsupportedMediaType(CredvendError):
    """The body is not declared to be JSON."""

    status = 415
    code = "UnsupportedMediaType"


class RequestTooLarge(CredvendError):
    """The body is larger than any valid request."""

    status = 413
    code = "RequestTooLarge"


class Unauthenticated(CredvendError):
    """API Gateway vouched for nobody."""

    status = 401
    code = "Unauthenticated"


class CallerRefused(CredvendError):
    """An authenticated principal of a kind that credvend never serves, such as the account root."""

    status = 403
    code = "CallerRefused"


class AccessDenied(CredvendError):
    """The role does not exist, or no policy lets the caller have it. Deliberately the same answer for both."""

    status = 403
    code = "AccessDenied"

    def __init__(self) -> None:
        super().__init__(
            "Access denied: no such role, or no policy lets you assume it now. "
            "GET /v1/iam/roles lists the roles you may assume."
        )


class StsRefused(CredvendError):
    """STS answered no: somebody has to change a role, a policy or the catalog."""

    status = 502
    code = "StsRefused"


class StsUnavailable(CredvendError):
    """STS could not be reached, or asked us to slow down: trying again later may help."""

    status = 503
    code = "StsUnavailable"
    retry_after = 2


class AuditFailed(CredvendError):
    """The audit record could not be written, so nothing was (or is) handed out."""

    code = "AuditFailed"

    def __init__(self) -> None:
        super().__init__("The audit record could not be written, so no credentials were returned. Tell the operators.")


class ConfigError(Exception):
    """The configuration is invalid. One line a problem; the service does not start."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
