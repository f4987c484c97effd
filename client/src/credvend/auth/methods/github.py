"""GitHub Actions: the job's OIDC token, asked of GitHub for the service's audience.

See https://docs.github.com/en/actions/reference/security/oidc: a job with `permissions: id-token: write` has two
variables, and asks the one with the bearer of the other.
"""

from __future__ import annotations

from functools import cached_property
from urllib.parse import parse_qsl, urlencode, urlsplit

from credvend.auth.bearer import bearer
from credvend.auth.method import Method, TokenCaller
from credvend.errors import AuthenticationError
from credvend.net.request import Request
from credvend.net.send import send
from credvend.text.json_object import json_object

# What the service's documents have callers ask for.
DEFAULT_AUDIENCE = "credvend"


class GitHub(TokenCaller):
    """Sends a token that GitHub gives the job."""

    @cached_property
    def token(self) -> str:
        # One for all requests of a command: it lives for minutes, and each one asked for is a request to GitHub.
        where = self._environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", "")
        asking = self._environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
        if not where or not asking:
            raise AuthenticationError(
                "GitHub gives this job no token: add `permissions: id-token: write` to the job in the workflow."
            )
        audience = self._config.audience or DEFAULT_AUDIENCE
        answer = send(Request("GET", with_audience(where, audience), bearer(asking)), self._config, self._environ)
        if answer.status != 200:
            raise AuthenticationError(
                f"GitHub refused to give this job a token (status {answer.status}); "
                "does the job have `permissions: id-token: write`?"
            )
        token = (json_object(answer.body) or {}).get("value")
        if not isinstance(token, str) or not token:
            raise AuthenticationError("GitHub's answer holds no token; is ACTIONS_ID_TOKEN_REQUEST_URL GitHub's own?")
        return token


def with_audience(url: str, audience: str) -> str:
    """GitHub's URL, which has a query already, for a token with this audience and no other."""
    parts = urlsplit(url)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "audience"]
    return parts._replace(query=urlencode([*query, ("audience", audience)])).geturl()


METHOD = GitHub.method = Method(
    name="github",
    summary="GitHub Actions",
    missing="This is no GitHub job that may ask for a token: give it `permissions: id-token: write`.",
    authenticator=GitHub,
)
