"""What the service's refusals mean for the caller: which error each is."""

from __future__ import annotations

import re

from credvend.errors import AccessDeniedError, AuthenticationError, CredvendError, ServiceError, UsageError
from credvend.net.request import Response
from credvend.text.json_object import json_object

# What API Gateway says of a request that it lets nobody see, in the header x-amzn-ErrorType or as Code.
_UNPROVEN = (
    "MissingAuthenticationToken",
    "UnrecognizedClient",
    "InvalidClientTokenId",
    "InvalidSignature",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "ExpiredToken",
    "InvalidToken",
    "Unauthenticated",
    "Unauthorized",
)
# Where its kind is not told, as on the local AWS.
_NO_OF_IAM = r"not authorized to (perform|access this resource)"
# The service's own codes of a 403: docs/api.md.
_OWN = ("AccessDenied", "Blocked", "CallerRefused", "NotThroughApi")
# Of a 429: these say themselves when to come again; API Gateway's does not.
_LIMITS = ("QuotaExceeded", "TooManyRevoked")
# And those of a 404 and of a 409.
_ABOUT_SESSIONS = ("NoSuchSession", "NoLedger", "NothingToRevoke", "OnlyWithOthers")


def refusal(response: Response, clock: str | None = None) -> CredvendError:
    """What an answer other than 200 means.

    The service's own hold a Code and a Message. API Gateway's hold a message, and it names its kind in the header
    x-amzn-ErrorType: IAM's no is an AccessDeniedException. What holds neither is of something else on the way, which
    knows nothing of the caller, and neither does API Gateway's Forbidden (a stage that there is not, a firewall).
    https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html

    Args:
        clock: what is wrong with this computer's clock, if anything.
    """
    fields = json_object(response.body) or {}
    message = str(fields.get("Message") or fields.get("message") or "")[:1000]
    code = str(fields.get("Code") or response.headers.get("x-amzn-errortype") or "")
    # The service speaks to those who write requests.
    message = re.sub(r"GET /v1/roles( \(/v1/iam/roles\))? lists", "`credvend roles` lists", message)
    message = re.sub(r"GET /v1/sessions( \(/v1/iam/sessions\))? lists", "`credvend sessions` lists", message)
    said = message or f"The service answered with status {response.status}."
    request_id = str(fields.get("RequestId") or response.headers.get("x-amzn-requestid") or "")[:100]
    told = f"{said} (request {request_id})" if request_id else said
    if response.status == 429 and code not in _LIMITS:
        return ServiceError(f"{told} Too many requests: try again in a moment.")
    if code == "QuotaExceeded" and "live sessions" in message:
        return ServiceError(f"{told} `credvend sessions --live` lists them, and `credvend revoke` ends one.")
    if response.status == 429 or response.status >= 500:
        return ServiceError(told)
    if not message and not code:
        server = response.headers.get("server") or response.headers.get("via") or ""
        return ServiceError(
            f"{f'Something that calls itself {server[:60]}' if server else 'Something'} answered with status "
            f"{response.status}, and not credvend: is url right, and does a proxy or a firewall stand in between?"
        )
    if response.status in (400, 413, 415) or code in _ABOUT_SESSIONS:
        return UsageError(told)
    if response.status == 401:
        return AuthenticationError(told)
    if response.status == 403:
        return _forbidden(code, message, told, clock)
    return ServiceError(f"{told} Is url right?")


def _forbidden(code: str, message: str, told: str, clock: str | None) -> CredvendError:
    words = message.lower()
    if "missing authentication token" in words:  # which is what it says of a route that there is not
        return ServiceError(
            f"API Gateway answered, and not credvend: {told} Is url right to its end, "
            "and does anything on the way take the header Authorization out?"
        )
    if code in _OWN or code.startswith("AccessDenied") or re.search(_NO_OF_IAM, words):
        return AccessDeniedError(told)
    if code.startswith(_UNPROVEN) or any(word in words for word in ("token", "signature", "credential")):
        return AuthenticationError(f"{told} And {clock}: set it." if clock else told)
    return ServiceError(
        f"Neither credvend nor IAM answered, but API Gateway, or something on the way: {told} Is url right, its stage "
        "too, and does a firewall (WAF), the API's resource policy or a proxy keep you out?"
    )
