"""What the service can be asked, and what its refusals mean for the caller."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from credvend.auth.registry import Authenticator, Renewing
from credvend.disk.config_file import Config
from credvend.errors import AccessDeniedError, AuthenticationError, CredvendError, ServiceError, UsageError
from credvend.net.send import Request, Response, check_url, date_of, send
from credvend.text.json_object import json_object
from credvend.text.messages import progress, say

Json = dict[str, Any]
_ROLE = re.compile(r"[!-~]+")
# SigV4 allows five minutes; less is nothing to bother anybody with.
LARGEST_SKEW = 120


@dataclass(frozen=True)
class Options:
    """What a caller may ask for besides a role.

    Attributes:
        duration: seconds, or "15m", "1h"; None for the role's default.
        reason: one line, for the audit log.
        params, tags: pairs of name and value.
        policy: an IAM policy document, as JSON, that narrows the session.
    """

    duration: str | None = None
    reason: str | None = None
    params: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    policy: str | None = None

    def __post_init__(self) -> None:
        for what, pairs in (("param", self.params), ("tag", self.tags)):
            names = [name for name, _ in pairs]
            if len(set(names)) != len(names) or "" in names:
                raise UsageError(f"Each --{what} must be name=value, and each name be given once.")


class Service:
    """The service, as one caller sees it."""

    def __init__(self, config: Config, authenticator: Authenticator, environ: Mapping[str, str]) -> None:
        if not config.url:
            raise UsageError("Where is the service? Run `credvend configure`, or set CREDVEND_URL.")
        check_service_url(config.url)
        self._config = config
        self._authenticator = authenticator
        self._environ = environ
        self.skew = 0.0
        """Seconds that the service's clock is ahead of this computer's, by the last answer; 0.0 if it said nothing."""

    def vend(self, role: str, options: Options, dry_run: bool = False) -> Json:
        """Credentials for a role, in the shape of `aws sts assume-role`.

        Raises:
            UsageError, AuthenticationError, AccessDeniedError, ServiceError: nothing was vended.
        """
        if not _ROLE.fullmatch(role):
            raise UsageError("A role is its name, as `credvend roles` lists it, or its ARN: without blanks.")
        body: Json = {"role": role}
        if options.duration is not None:
            text = options.duration
            body["duration"] = int(text) if text.isascii() and text.isdigit() else text
        if options.reason is not None:
            body["reason"] = options.reason
        if options.params:
            body["params"] = dict(options.params)
        if options.tags:
            body["tags"] = dict(options.tags)
        if options.policy is not None:
            body["policy"] = _policy(options.policy)
        if dry_run:
            body["dry_run"] = True
        return self._call("POST", "credentials", json.dumps(body).encode("ascii"))

    def roles(self) -> list[Json]:
        """The roles that the caller may have now.

        Raises:
            AuthenticationError, AccessDeniedError, ServiceError: as above.
        """
        roles = self._call("GET", "roles").get("Roles")
        if not isinstance(roles, list) or not all(isinstance(role, dict) and "Role" in role for role in roles):
            raise ServiceError("The answer is no list of roles; is url right?")
        return roles

    def whoami(self) -> Json:
        """The caller, as the service sees it.

        Raises:
            AuthenticationError, AccessDeniedError, ServiceError: as above.
        """
        return self._call("GET", "whoami")

    def _call(self, method: str, route: str, body: bytes = b"") -> Json:
        door = "v1/iam" if self._authenticator.door == "iam" else "v1"
        url = f"{self._config.url}/{door}/{route}"
        with progress("asking the service"):
            response = self._send(method, url, body)
            # A token may end before its time: once, another one is tried.
            if response.status == 401 and isinstance(self._authenticator, Renewing) and self._authenticator.renew():
                response = self._send(method, url, body)
        self._notice_skew(response)
        if response.status == 200:
            answer = json_object(response.body)
            if answer is not None:
                return answer
            raise ServiceError("The answer is not the service's; is url right?")
        raise self._refusal(response)

    def _send(self, method: str, url: str, body: bytes) -> Response:
        headers = {"Content-Type": "application/json"} if body else {}
        headers.update(self._authenticator.headers(method, url, body))
        return send(Request(method, url, headers, body), self._config, self._environ)

    def _notice_skew(self, response: Response) -> None:
        date = date_of(response.headers.get("date"))
        self.skew = 0.0 if date is None else date - response.received
        # A header Date has whole seconds, and the answer took its time.
        if abs(self.skew) < 2:
            self.skew = 0.0
        if response.status == 200 and abs(self.skew) > LARGEST_SKEW:
            say(f"warning: {self._clock()}; set it, for AWS refuses signatures that are five minutes off.")

    def _clock(self) -> str:
        return (
            f"this computer's clock is {abs(self.skew):.0f} s {'behind' if self.skew > 0 else 'ahead of'} the service's"
        )

    def _refusal(self, response: Response) -> CredvendError:
        return refusal(response, self._clock() if abs(self.skew) > LARGEST_SKEW else None)


def check_service_url(text: str) -> str:
    """A URL that routes can be put behind, without a slash at its end.

    Raises:
        UsageError: it is none.
    """
    url = check_url(text)
    if "?" in text or "#" in text:
        raise UsageError(f"The URL of {url.hostname} must end with its path, without a query (?) and a fragment (#).")
    return url.geturl().rstrip("/")


def _policy(text: str) -> Json:
    try:
        policy = json.loads(text)
    except ValueError as error:
        raise UsageError(f"The policy is not JSON: {error}.") from None
    except RecursionError:
        raise UsageError("The policy is nested too deeply.") from None
    if not isinstance(policy, dict):
        raise UsageError("The policy must be a JSON object: an IAM policy document.")
    return policy


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
