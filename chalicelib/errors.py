"""The refusals and failures that a caller may see, each with its HTTP status and its code; and what operators see.

Texts that are always the same are here. What is wrong with one request, token or role is said where that is found, as
in wire/vend_request.py, callers/oidc/claims.py or sessions/sts_failures.py.
"""

import re
from typing import ClassVar, Literal

# docs/audit.md says what each means.
TokenCause = Literal[
    "bad_signature",
    "expired",
    "malformed",
    "missing_claim",
    "not_yet_valid",
    "revoked",
    "several_tokens",
    "too_old",
    "unknown_issuer",
    "unknown_key",
    "unknown_token",
    "unsupported_algorithm",
    "wrong_address",
    "wrong_audience",
    "wrong_claim",
    "wrong_scheme",
    "wrong_type",
]


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

    @property
    def challenge(self) -> str | None:
        """The header `WWW-Authenticate` of the answer (RFC 6750, 3), or None."""
        return None


class InvalidRequest(CredvendError):
    """The request itself is wrong; asking again unchanged cannot help."""

    status = 400
    code = "InvalidRequest"


class NotAcceptable(CredvendError):
    """The client accepts none of the forms in which we answer."""

    status = 406
    code = "NotAcceptable"


class UnsupportedMediaType(CredvendError):
    """The body is not declared to be JSON."""

    status = 415
    code = "UnsupportedMediaType"


class RequestTooLarge(CredvendError):
    """The body is larger than any valid request."""

    status = 413
    code = "RequestTooLarge"


class Unauthenticated(CredvendError):
    """Nobody has proved who they are: API Gateway vouched for nobody, or a token proves nothing."""

    status = 401
    code = "Unauthenticated"


class MissingToken(Unauthenticated):
    """No token, where one is needed."""

    @property
    def challenge(self) -> str:
        return "Bearer"


class InvalidToken(Unauthenticated):
    """A token that proves nothing. The message helps an honest caller.

    Until the token's signature has been checked, it names no more than the token itself does.

    Attributes:
        cause: short name of the cause, for the audit record.
        issuer: name of the issuer whose token it claims to be, where that is known.
        key_id: the key that it claims to be signed with, where that is known.
        token_id, token_name: of the API token, where they are known.
    """

    code = "InvalidToken"

    def __init__(self, message: str, cause: TokenCause) -> None:
        super().__init__(message)
        self.cause = cause
        self.issuer: str | None = None
        self.key_id: str | None = None
        self.token_id: str | None = None
        self.token_name: str | None = None

    @property
    def challenge(self) -> str:
        # What RFC 6750 lets stand in a description: printable ASCII without quote and backslash.
        described = re.sub(r"[^ !#-\[\]-~]", "'", self.message)
        return f'Bearer error="invalid_token", error_description="{described}"'


class IssuerUnavailable(CredvendError):
    """The keys of an issuer are needed, and cannot be had now."""

    status = 503
    code = "IssuerUnavailable"
    retry_after = 5

    def __init__(self, issuer: str) -> None:
        super().__init__(f"The keys of issuer {issuer} cannot be fetched now. Try again in a few seconds.")
        self.issuer = issuer


class TokenStoreUnavailable(CredvendError):
    """The table of API tokens is needed, and cannot be read now."""

    status = 503
    code = "TokenStoreUnavailable"
    retry_after = 2

    def __init__(self) -> None:
        super().__init__("API tokens cannot be looked up now. Try again in a few seconds.")


class CallerRefused(CredvendError):
    """An authenticated principal of a kind that credvend never serves, such as the account root."""

    status = 403
    code = "CallerRefused"


class NotThroughApi(CredvendError):
    """The request did not come in through the API's URL, so that nothing is known of where it came from."""

    status = 403
    code = "NotThroughApi"

    def __init__(self) -> None:
        super().__init__(
            "The request did not come in through the API's URL: it has no source address, or is a test call of API "
            "Gateway's console. Send it to the URL instead."
        )


class AccessDenied(CredvendError):
    """The role does not exist, or no policy lets the caller have it. Deliberately the same answer for both."""

    status = 403
    code = "AccessDenied"

    def __init__(self) -> None:
        super().__init__(
            "Access denied: no such role, or no policy lets you assume it now. "
            "GET /v1/roles (/v1/iam/roles) lists the roles you may assume."
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


class OutOfTime(CredvendError):
    """The request has no time left in which STS could be asked and its answer recorded."""

    status = 503
    code = "OutOfTime"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__("This request has too little time left to ask STS. Nothing was vended: send it again.")


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
