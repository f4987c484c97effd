"""The refusals and failures that a caller may see, each with its HTTP status and its code; and what operators see.

Texts that are always the same are here. What is wrong with one request, token or role is said where that is found, as
in wire/vend_request.py, callers/oidc/claims.py or sessions/sts_failures.py.
"""

import re
from typing import ClassVar, Final, Literal, NamedTuple, Self

# docs/audit.md says what each means.
TokenCause = Literal[
    "bad_signature",
    "claims_elsewhere",
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
    "used",
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
    retry_after: int | None = None

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


class RefusedToken(NamedTuple):
    """What is known of a token that was refused, as records tell it.

    Attributes:
        issuer: name of the issuer whose token it claims to be.
        key_id: the key that it claims to be signed with.
        token_id: of an API token; or the `jti` that its issuer has signed.
        token_name: of an API token.
        token_hash: of a token that its issuer has signed, and that has no `jti`.
        token_issued, token_expires: when its issuer says that it was made and ends, UTC (RFC 3339).
    """

    issuer: str | None = None
    key_id: str | None = None
    token_id: str | None = None
    token_name: str | None = None
    token_hash: str | None = None
    token_issued: str | None = None
    token_expires: str | None = None


UNKNOWN_TOKEN: Final = RefusedToken()


class InvalidToken(Unauthenticated):
    """A token that proves nothing. The message helps an honest caller.

    Until the token's signature has been checked, it names no more than the token itself does.

    Attributes:
        cause: short name of the cause, for the audit record.
        token: what is known of the token.
    """

    code = "InvalidToken"

    def __init__(self, message: str, cause: TokenCause, token: RefusedToken = UNKNOWN_TOKEN) -> None:
        super().__init__(message)
        self.cause = cause
        self.token = token

    def of(self, token: RefusedToken) -> Self:
        """The same refusal, told by somebody who knows which token it is about."""
        return type(self)(self.message, self.cause, token)

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


class UsedTokensUnavailable(CredvendError):
    """The table of tokens that were used is needed, and cannot be written to now."""

    status = 503
    code = "UsedTokensUnavailable"
    retry_after = 2

    def __init__(self) -> None:
        super().__init__(
            "The token is good for one request, and whether it was used cannot be found out now. Nothing was vended: "
            "try again in a few seconds; if the token is then taken for used, get a new one."
        )


class CallerRefused(CredvendError):
    """An authenticated principal of a kind that credvend never serves, such as the account root.

    Attributes:
        access_key_id: of the key that it signed with, or None.
    """

    status = 403
    code = "CallerRefused"

    def __init__(self, message: str, access_key_id: str | None) -> None:
        super().__init__(message)
        self.access_key_id = access_key_id


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


class Blocked(CredvendError):
    """An operator has blocked the caller, the role or the issuer.

    Attributes:
        by: what is blocked, for the audit record.
    """

    status = 403
    code = "Blocked"

    def __init__(self, by: tuple[str, ...]) -> None:
        super().__init__(
            "The operators of credvend have blocked you, this role or the issuer of your token for now. Nothing was "
            "vended: ask them, and tell the request id."
        )
        self.by = by


class VendingStopped(CredvendError):
    """The operators have stopped all vending."""

    status = 503
    code = "VendingStopped"
    retry_after = 60

    def __init__(self) -> None:
        super().__init__("The operators have stopped all vending for now. Try again later, or ask them.")


class QuotaExceeded(CredvendError):
    """The caller has had as much as it may have.

    Attributes:
        quota: the name of the limit.
        limit: the limit, in words.
        retry_after: seconds until it may have more.
    """

    status = 429
    code = "QuotaExceeded"

    def __init__(self, quota: str, limit: str, retry_after: int) -> None:
        super().__init__(
            f"You are over the quota {quota}: {limit}. Nothing was vended: try again in {retry_after} seconds."
        )
        self.quota = quota
        self.limit = limit
        self.retry_after = retry_after


class LedgerUnavailable(CredvendError):
    """The ledger cannot be written now, and nothing is vended that is not in it."""

    status = 503
    code = "LedgerUnavailable"
    retry_after = 2

    def __init__(self) -> None:
        super().__init__("The ledger of sessions cannot be written now. Nothing was vended: try again shortly.")


class LedgerUnread(LedgerUnavailable):
    """The ledger cannot be asked now, or what was to be noted there is not known to be written."""

    def __init__(self) -> None:
        CredvendError.__init__(
            self, "The ledger of sessions cannot be asked now. Asking twice does no harm: try again."
        )


class NoLedger(CredvendError):
    """Nobody can tell which sessions there are."""

    status = 404
    code = "NoLedger"

    def __init__(self) -> None:
        super().__init__("This service keeps no ledger of sessions: its configuration switches it off.")


class SignsNothing(CredvendError):
    """Nobody has to check tokens of this service's."""

    status = 404
    code = "SignsNothing"

    def __init__(self) -> None:
        super().__init__("This service signs no tokens: none of its roles has sessions of more than an hour.")


class KeysUnavailable(CredvendError):
    """The keys that this service's tokens are checked with cannot be read now."""

    status = 503
    code = "KeysUnavailable"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__("The public keys cannot be read now. Try again in a few seconds.")


class NoSuchSession(CredvendError):
    """The caller has no session of that id. That another one has, nobody is told."""

    status = 404
    code = "NoSuchSession"

    def __init__(self) -> None:
        super().__init__(
            "You have no session of that id. GET /v1/sessions (/v1/iam/sessions) lists those that you have."
        )


class NothingToRevoke(CredvendError):
    """The session has ended, or there never was one. Nothing was written."""

    status = 409
    code = "NothingToRevoke"


class OnlyWithOthers(CredvendError):
    """Nothing tells the session from those of others: to end it is to end theirs. Nothing was written."""

    status = 409
    code = "OnlyWithOthers"

    def __init__(self) -> None:
        super().__init__(
            "This session has no tags, as its role has them switched off: it can be ended only together with everybody "
            "else's sessions of the role, by the operators. Ask them for it, and tell them the session's id."
        )


class TooManyRevoked(CredvendError):
    """Callers have ended so many sessions of the role that more would be at others' cost. Nothing was written."""

    status = 429
    code = "TooManyRevoked"
    retry_after = 900

    def __init__(self) -> None:
        super().__init__(
            "Too many sessions of this role that would still live have been ended by their callers, and its policy has "
            "room for few more: wait until some of these have ended, or have the operators end all that you have."
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


class InternalError(CredvendError):
    """Something happened that nobody foresaw. The record has its type, and the function's log where it happened."""

    def __init__(self) -> None:
        super().__init__("credvend failed. No credentials were returned. Tell the operators the request id.")


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
