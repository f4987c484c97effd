"""A loopback endpoint that gives a role's credentials to AWS SDKs, as AWS's own does to containers.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from credvend.errors import CredvendError
from credvend.net.loopback_server import HOST, Handler, Reply, is_our_name, listen
from credvend.text.messages import verbose
from credvend.text.moments import moment_text
from credvend.vending.cache_or_service import credentials_of
from credvend.vending.credentials import Credentials
from credvend.vending.renewer import Renewer

URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105 the name of a variable
PATH = "/credentials"
# What a client is told; an SDK shows it, or tries again.
_STATUS = {2: 400, 3: 401, 4: 403}


@contextmanager
def serving(renewer: Renewer, role: str, port: int = 0) -> Iterator[dict[str, str]]:
    """Serve for as long as the block runs, and renew meanwhile.

    Args:
        renewer: has credentials already: what cannot be had at all is said at once, and not to the first who asks.
        port: 0 for a free one.

    Yields:
        The two variables that an SDK needs. Whoever has them has the role.

    Raises:
        UsageError: the port is taken.
    """
    token = secrets.token_urlsafe(32)
    with listen(_handler(renewer, role, token), port) as server, renewer.running():
        yield {URI: f"http://{HOST}:{server.server_port}{PATH}", TOKEN: token}


def _handler(renewer: Renewer, role: str, token: str) -> type[Handler]:
    """Answers those who have the token."""

    class Sdk(Handler):
        def reply(self) -> Reply:
            status, content = self._answer()
            verbose(f"served a request: {status}")
            return Reply(status, json.dumps(content).encode("ascii"), {"Content-Type": "application/json"})

        def _answer(self) -> tuple[int, dict[str, str]]:
            # A page in a browser can make requests to this address, under a name of its own (DNS rebinding) or not.
            if not is_our_name(self) or self.headers.get("Origin"):
                return _refusal(403, "Forbidden", "This endpoint is for AWS SDKs on this computer.")
            given = self.headers.get_all("Authorization") or []
            if len(given) != 1 or not hmac.compare_digest(given[0].encode("utf-8", "replace"), token.encode("ascii")):
                return _refusal(401, "Unauthorized", f"The header Authorization is not what {TOKEN} says.")
            if self.path != PATH:
                return _refusal(404, "NotFound", f"There is only {PATH}.")
            try:
                return 200, _content(credentials_of(renewer.current(), role))
            except CredvendError as error:
                return _refusal(_STATUS.get(error.exit_code, 503), type(error).__name__, error.message)

    return Sdk


def _refusal(status: int, code: str, message: str) -> tuple[int, dict[str, str]]:
    return status, {"code": code, "message": re.sub(r"[^ -~]", "?", message)}


def _content(credentials: Credentials) -> dict[str, str]:
    return {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "Token": credentials.session_token,
        "Expiration": moment_text(credentials.expiration),
        "AccountId": credentials.account_id,
        "RoleArn": credentials.role_arn,
    }
