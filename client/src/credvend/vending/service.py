"""What the service can be asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from credvend import lean
from credvend.auth.method import Authenticator, Explaining, Renewing, Scheme
from credvend.auth.registry import authenticator
from credvend.disk.config_file import Config, where_to_say_it
from credvend.errors import AuthenticationError, CredvendError, ServiceError, UsageError
from credvend.net.request import Request, Response, date_of
from credvend.net.urls import check_url
from credvend.text.json_object import json_object
from credvend.text.messages import progress, say
from credvend.time_limit import LONGEST, within
from credvend.vending.options import Options
from credvend.vending.policy import parse_policy
from credvend.vending.refusals import refusal
from credvend.vending.sessions import Session, parse_session

Json = dict[str, Any]
_ROLE = re.compile(r"[!-~]+")
_SESSION = re.compile(r"[0-9A-Za-z-]{1,64}")
# Below which the routes are that are authenticated so.
_PREFIXES: Mapping[Scheme, str] = {"sigv4": "v1/iam", "bearer": "v1"}
# SigV4 allows five minutes; less is nothing to bother anybody with.
LARGEST_SKEW = 120


class Service:
    """The service, as one caller sees it."""

    def __init__(self, config: Config, authenticator: Authenticator, environ: Mapping[str, str]) -> None:
        service_url(config, environ)
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
        if not is_role(role):
            raise UsageError("A role is its name, as `credvend roles` lists it, or its ARN: without blanks.")
        asked: Json = {
            "role": role,
            "duration": options.duration and lean.seconds_of(options.duration),
            "reason": options.reason,
            "params": dict(options.params) or None,
            "tags": dict(options.tags) or None,
            "policy": None if options.policy is None else parse_policy(options.policy),
            "dry_run": dry_run or None,
        }
        body = {name: value for name, value in asked.items() if value is not None}
        return self._call("POST", "credentials", json.dumps(body).encode("ascii"))

    def roles(self, account: str | None = None) -> list[Json]:
        """The roles that the caller may have now.

        Args:
            account: only those of this account, by its id or its name.

        Raises:
            AuthenticationError, AccessDeniedError, ServiceError: as above.
        """
        try:
            answer = self._call("GET", "roles" if account is None else f"roles?{urlencode({'account': account})}")
        except CredvendError as error:
            # A service that is older than accounts lists all.
            if not error.message.startswith('Unknown query parameter "account"'):
                raise
            answer = self._call("GET", "roles")
        roles = answer.get("Roles")
        if not isinstance(roles, list) or not all(isinstance(role, dict) and "Role" in role for role in roles):
            raise ServiceError("The answer is no list of roles; is url right?")
        return roles

    def sessions(
        self, *, live: bool = False, since: str | None = None, limit: int | None = None
    ) -> tuple[list[Json], int]:
        """The sessions that the caller has had, the latest first, and how many more there are.

        Args:
            live: only those that somebody may still use.
            since: how long ago they were asked for at most, such as `24h`; None: what the service does then.

        Raises:
            UsageError, AuthenticationError, AccessDeniedError, ServiceError: as above.
        """
        query: dict[str, str] = {"live": "true"} if live else {}
        if since is not None:
            query["since"] = since
        if limit is not None:
            query["limit"] = str(limit)
        answer = self._about_sessions("GET", f"sessions?{urlencode(query)}" if query else "sessions")
        sessions, left_out = answer.get("Sessions"), answer.get("LeftOut")
        if not isinstance(sessions, list) or not isinstance(left_out, int):
            raise ServiceError("The answer is no list of sessions; is url right?")
        return sessions, left_out

    def session(self, session: str) -> Session:
        """One of these, by its id.

        Raises:
            UsageError: there is none of that id.
            AuthenticationError, AccessDeniedError, ServiceError: as above.
        """
        return parse_session(self._about_sessions("GET", f"sessions/{_id(session)}").get("Session"))

    def revoke(self, session: str, reason: str | None = None) -> Session:
        """Have one of these end; once, however often it is asked for.

        Raises:
            UsageError: there is none of that id, it has ended, or only operators can end it.
            AuthenticationError, AccessDeniedError, ServiceError: as above.
        """
        body = b"" if reason is None else json.dumps({"reason": reason}).encode("ascii")
        return parse_session(self._about_sessions("POST", f"sessions/{_id(session)}/revoke", body).get("Session"))

    def _about_sessions(self, method: str, route: str, body: bytes = b"") -> Json:
        try:
            return self._call(method, route, body)
        except CredvendError as error:
            if error.message.startswith("No such route"):
                raise ServiceError(
                    "The service has no such route: it is older than this client, and tells nobody of sessions; "
                    "or what proves who you are was taken out on the way."
                ) from None
            raise

    def whoami(self) -> Json:
        """The caller, as the service sees it.

        Raises:
            AuthenticationError, AccessDeniedError, ServiceError: as above.
        """
        return self._call("GET", "whoami")

    @within(LONGEST)
    def _call(self, method: str, route: str, body: bytes = b"") -> Json:
        url = f"{self._config.url}/{_PREFIXES[self._authenticator.scheme]}/{route}"
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
        raise self._refusal(response, url)

    def _send(self, method: str, url: str, body: bytes) -> Response:
        from credvend.net.send import send  # slow to import, and not for whoever finds an answer in the cache

        headers = {"Content-Type": "application/json"} if body else {}
        headers.update(self._authenticator.headers(method, url, body))
        return send(Request(method, url, headers, body), self._config, self._environ)

    def _notice_skew(self, response: Response) -> None:
        self.skew = skew_of(response) or 0.0
        if response.status == 200 and abs(self.skew) > LARGEST_SKEW:
            say(f"warning: {self._clock()}; set it, for AWS refuses signatures that are five minutes off.")

    def _clock(self) -> str:
        return f"this computer's clock is {skew_text(self.skew)}"

    def _refusal(self, response: Response, url: str) -> CredvendError:
        found = refusal(response, self._clock() if abs(self.skew) > LARGEST_SKEW else None)
        if isinstance(found, AuthenticationError) and isinstance(self._authenticator, Explaining):
            return AuthenticationError(f"{found.message} {self._authenticator.explain(url, found.message)}".rstrip())
        return found


def is_role(text: str) -> bool:
    """Whether a text can be a role's name, or its ARN."""
    return _ROLE.fullmatch(text) is not None


def check_service_url(text: str) -> str:
    """A URL that routes can be put behind, without a slash at its end.

    Raises:
        UsageError: it is none.
    """
    url = check_url(text)
    if "?" in text or "#" in text:
        raise UsageError(f"The URL of {url.hostname} must end with its path, without a query (?) and a fragment (#).")
    return url.geturl().rstrip("/")


def service_url(config: Config, environ: Mapping[str, str]) -> str:
    """Where the service is.

    Raises:
        UsageError: nothing says it, or it is no URL.
    """
    if not config.url:
        raise UsageError(where_to_say_it(environ))
    return check_service_url(config.url)


def _id(session: str) -> str:
    """An id that can stand in a path.

    Raises:
        UsageError: it is none.
    """
    if not _SESSION.fullmatch(session):
        raise UsageError("A session is its id, as `credvend sessions` lists it.")
    return session


def service_of(config: Config, environ: Mapping[str, str]) -> Service:
    """The service, as whoever runs credvend sees it.

    Raises:
        UsageError: where it is, is not configured.
    """
    return Service(config, authenticator(config, environ), environ)


def skew_text(skew: float) -> str:
    """A skew of this computer's clock for people."""
    return f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the service's"


def skew_of(response: Response) -> float | None:
    """Seconds that the service's clock is ahead of this computer's; None if the answer tells no time."""
    date = date_of(response.headers.get("date"))
    if date is None:
        return None
    skew = date - response.received
    # A header Date has whole seconds, and the answer took its time.
    return 0.0 if abs(skew) < 2 else skew
