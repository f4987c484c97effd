"""Serve a role's credentials to AWS SDKs on this computer, for as long as it runs.

Prints the two variables that an SDK needs. Whoever has them has the role: they go into one program's environment.
"""

from __future__ import annotations

import argparse
import hmac
import http.server
import json
import random
import re
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from credvend import lean
from credvend.auth.registry import authenticator
from credvend.commands.vend_arguments import add_vend_arguments, options_of
from credvend.disk.config_file import Config
from credvend.errors import CredvendError, ServiceError, UsageError
from credvend.net.loopback_server import HOST, is_our_name, listen
from credvend.text.messages import say, verbose
from credvend.text.moments import moment_text
from credvend.vending.cache_or_service import credentials_of, get_entry
from credvend.vending.credentials import Credentials
from credvend.vending.formats import FORMATS
from credvend.vending.service import Service

URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105 the name of a variable
# What SDKs take before the two, of what people have set most often.
_PREFERRED = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE")
PATH = "/credentials"
# Between tries to renew, while the old credentials still do or nobody can be asked.
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 60.0
# A clock that is changed, or a computer that slept, is noticed after this many seconds at the latest.
_LONGEST_SLEEP = 60.0
_CONNECTION_SECONDS = 10
# What a client is told; an SDK shows it, or tries again.
_STATUS = {2: 400, 3: 401, 4: 403}
_FORMATS: dict[str, Callable[[Mapping[str, str]], str]] = {
    **{name: each.variables for name, each in FORMATS.items() if each.variables is not None},
    "json": lambda variables: json.dumps(dict(variables)),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_vend_arguments(parser, role_is_optional=True)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--format", choices=_FORMATS, default="env", help="of the two variables; default: env")
    parser.epilog = """\
Without ROLE, the one role that you may have, if it is one.

example, where another program can wait for the file:
  umask 077; credvend serve reports > vars &
  . ./vars"""


def run(arguments: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> int:
    options = options_of(arguments)
    role = arguments.role or _only_role(config, environ)
    renewer = Renewer(lambda: get_entry(role, options, config, environ))
    before = [name for name in _PREFERRED if environ.get(name)]
    if before:
        say(f"warning: AWS SDKs prefer {' and '.join(before)} to these two variables: unset it where those are used.")
    renewer.renew()  # what cannot be had at all is said now, and not to the first SDK that asks
    token = secrets.token_urlsafe(32)
    stopped = threading.Event()
    with _stopping(stopped), listen(_handler(renewer, role, token), arguments.port) as server, renewer.running():
        variables = {URI: f"http://{HOST}:{server.server_port}{PATH}", TOKEN: token}
        print(_FORMATS[arguments.format](variables), flush=True)
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


class Renewer:
    """An entry of the cache that is always good for a while: renewed in the background before its end.

    Args:
        get: gets it, from the cache or the service; a new one, if the old one is to be renewed and can be.
    """

    def __init__(self, get: Callable[[], lean.Entry]) -> None:
        self._get = get
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._entry: lean.Entry | None = None

    def current(self) -> lean.Entry:
        """One with at least a minute to live, got now if need be.

        Raises:
            CredvendError: it cannot be had.
        """
        entry = self._entry
        return entry if entry is not None and entry.is_usable(time.time()) else self.renew()

    def renew(self) -> lean.Entry:
        """Get it anew; several threads at once get it once.

        Raises:
            CredvendError: it cannot be had.
        """
        before = self._entry
        with self._lock:
            entry = self._entry
            if entry is None or entry is before:
                try:
                    entry = self._entry = self._get()
                except ServiceError:
                    raise
                except CredvendError:
                    self._entry = None  # who is told no has nothing more to serve
                    raise
            return entry

    @contextmanager
    def running(self) -> Iterator[None]:
        """Renew in the background for as long as the block runs. A renewal that has begun is finished."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _run(self) -> None:
        pause = 0.0
        trouble: str | None = None
        while not self._ended.wait(pause):
            before, trouble = trouble, None
            due = self._due()
            if due <= 0:
                trouble = self._try()
                due = self._due()
            if trouble and not before:  # once, not each time
                say(f"the credentials cannot be renewed now: {trouble}")
            if before and not trouble:
                say("the credentials are renewed again")
            if due > 0:
                pause = min(due, _LONGEST_SLEEP)
            else:
                grown = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, pause * 2))
                pause = grown * (0.75 + random.random() / 4)  # noqa: S311 no secret

    def _try(self) -> str | None:
        """Renew; what went wrong, if anything."""
        try:
            entry = self.renew()
        except CredvendError as error:
            return error.message
        except Exception as error:  # its message may hold anything; and the next try may do
            return f"a fault of credvend ({type(error).__name__})."
        return None if entry.is_fresh(time.time()) else "the service has no newer ones."

    def _due(self) -> float:
        """Seconds until it is to be renewed, by the rule of the cache."""
        entry = self._entry
        now = time.time()
        if entry is None or not entry.is_fresh(now):
            return 0.0
        return max(0.001, entry.expires - lean.margin(entry.expires - entry.obtained) - now)


def _handler(renewer: Renewer, role: str, token: str) -> type[http.server.BaseHTTPRequestHandler]:
    """Answers as AWS's container credential endpoint does, to those who have the token.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = _CONNECTION_SECONDS
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
