"""Serve a role's credentials to AWS SDKs on this computer, for as long as it runs.

Prints the two variables that an SDK needs. Whoever has them has the role: they go into one program's environment.
"""

from __future__ import annotations

import hmac
import http.server
import json
import re
import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

import click

from credvend.auth.registry import authenticator
from credvend.commands.told import Told, is_told
from credvend.commands.vend_arguments import vends
from credvend.disk.config_file import Config
from credvend.errors import CredvendError, UsageError
from credvend.net.loopback_server import CONNECTION_SECONDS, HOST, is_our_name, listen
from credvend.text.messages import say, verbose
from credvend.text.moments import moment_text
from credvend.vending.cache_or_service import credentials_of, get_entry
from credvend.vending.credentials import Credentials
from credvend.vending.formats import FORMATS
from credvend.vending.options import Options
from credvend.vending.renewer import Renewer
from credvend.vending.service import Service

URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105 the name of a variable
# What SDKs take before the two, of what people have set most often.
_PREFERRED = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE")
PATH = "/credentials"
# What a client is told; an SDK shows it, or tries again.
_STATUS = {2: 400, 3: 401, 4: 403}
_FORMATS: dict[str, Callable[[Mapping[str, str]], str]] = {
    **{name: each.variables for name, each in FORMATS.items() if each.variables is not None},
    "json": lambda variables: json.dumps(dict(variables)),
}


EXAMPLES = """\b
Without ROLE, the one role that you may have, if it is one.

\b
example, where another program can wait for the file:
  umask 077; credvend serve reports > vars &
  . ./vars"""


@click.command(help=__doc__, epilog=EXAMPLES)
@vends(role_is_optional=True)
@click.option("--port", type=int, default=0, help="default: a free one")
@click.option("--format", "form", type=click.Choice(list(_FORMATS)), default="env", help="of the two; default: env")
@is_told
def command(told: Told, role: str | None, options: Options, port: int, form: str) -> int:
    config, environ = told
    role = role or _only_role(config, environ)
    renewer = Renewer(lambda: get_entry(role, options, config, environ))
    before = [name for name in _PREFERRED if environ.get(name)]
    if before:
        say(f"warning: AWS SDKs prefer {' and '.join(before)} to these two variables: unset it where those are used.")
    renewer.renew()  # what cannot be had at all is said now, and not to the first SDK that asks
    token = secrets.token_urlsafe(32)
    stopped = threading.Event()
    with _stopping(stopped), listen(_handler(renewer, role, token), port) as server, renewer.running():
        variables = {URI: f"http://{HOST}:{server.server_port}{PATH}", TOKEN: token}
        print(_FORMATS[form](variables), flush=True)
        say(f"serving {role}; Ctrl-C ends it")
        stopped.wait()
    return 0


def _only_role(config: Config, environ: Mapping[str, str]) -> str:
    """The role that a caller means who names none."""
    roles = [str(role["Role"]) for role in Service(config, authenticator(config, environ), environ).roles()]
    if len(roles) == 1:
        return roles[0]
    raise UsageError(f"Which role? You may have {', '.join(roles) if roles else 'none'}.")


@contextmanager
def _stopping(stopped: threading.Event) -> Iterator[None]:
    """Let Ctrl-C and an ordinary end of the process end the block in order."""

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    # What is ignored stays so: `nohup` has it ignore the end of the terminal.
    stopping = [
        each for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) != signal.SIG_IGN
    ]
    before = {each: signal.signal(each, stop) for each in stopping}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _handler(renewer: Renewer, role: str, token: str) -> type[http.server.BaseHTTPRequestHandler]:
    """Answers as AWS's container credential endpoint does, to those who have the token.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = CONNECTION_SECONDS
        server_version = "credvend"
        sys_version = ""

        def do_GET(self) -> None:
            status, content = self._answer()
            body = json.dumps(content).encode("ascii")
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

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

        def log_message(self, format: str, *args: object) -> None:
            verbose(f"served a request: {args[1] if len(args) > 1 else ''}")

    return Handler


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
