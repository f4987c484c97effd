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


def refusal(response: Response, clock: str | None = None) -> CredvendError:
    """What an answer other than 200 means.

    Args:
        clock: what is wrong with this computer's clock, if anything.
    """
    fields = json_object(response.body) or {}
    message = str(fields.get("Message") or fields.get("message") or "")[:1000]
    code = str(fields.get("Code") or response.headers.get("x-amzn-errortype") or "")
    # The service speaks to those who write requests.
    message = re.sub(r"GET /v1/roles( \(/v1/iam/roles\))? lists", "`credvend roles` lists", message)
    said = message or f"The service answered with status {response.status}."
    request_id = str(fields.get("RequestId") or response.headers.get("x-amzn-requestid") or "")[:100]
    told = f"{said} (request {request_id})" if request_id else said
    if response.status in (400, 413, 415):
        return UsageError(told)
    if response.status == 403 and "missing authentication token" in message.lower():
        # Which is what it says of a route that there is not.
        return AuthenticationError(f"{told} Is url right, and auth?")
    if response.status == 401 or (response.status == 403 and _is_unproven(code, message)):
        return AuthenticationError(f"{told} And {clock}: set it." if clock else told)
    if response.status == 403:
        return AccessDeniedError(told)
    if response.status == 429:
        return ServiceError(f"{told} Too many requests: try again in a moment.")
    if response.status < 500:
        return ServiceError(f"{told} Is url right?")
    return ServiceError(told)


def _is_unproven(code: str, message: str) -> bool:
    """Whether a 403 of API Gateway is about who the caller is, not about what it may."""
    if any(code.startswith(known) for known in _UNPROVEN):
        return True
    if code.startswith(("AccessDenied", "CallerRefused")):
        return False
    words = message.lower()
    return "not authorized to" not in words and any(word in words for word in ("token", "signature", "credential"))
