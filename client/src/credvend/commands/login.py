"""Sign in at an OpenID provider, with a code for any device, or with this computer's browser."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Mapping

import click

from credvend.auth import sign_in
from credvend.auth.registry import method_in_use
from credvend.commands.told import Told, is_told
from credvend.errors import AuthenticationError, CredvendError, one_line
from credvend.net.browser import NOTHING_HERE, Answer, OneTime, browser_server
from credvend.net.loopback_server import HOST
from credvend.net.private_page import opened
from credvend.oidc.client import DeviceGrant, Oidc
from credvend.oidc.code_flow import CodeRequest, check_response
from credvend.oidc.tokens import Tokens
from credvend.text.messages import progress, say
from credvend.vending.service import service_url

# How long a person may take at the provider's pages.
BROWSER_SECONDS = 300.0


@click.command(help=__doc__)
@click.option("--browser", is_flag=True, help="with this computer's browser (PKCE), without a code")
@click.option("--no-open", is_flag=True, help="print the address, and let me open it")
@click.option("--port", type=int, default=0, help="for --browser, if the provider insists on one port")
@click.option("--prompt", metavar="VALUE", help="for --browser: OpenID Connect's prompt, such as login")
@is_told
def command(told: Told, browser: bool, no_open: bool, port: int, prompt: str | None) -> int:
    config, environ = told
    service_url(config, environ)  # a sign-in is for one service
    with progress("asking the OpenID provider"):
        oidc = Oidc(config, environ)
        grant = None if browser or oidc.provider.device_endpoint is None else oidc.start_device()
    if grant is None:
        tokens = with_browser(oidc, port, prompt, not no_open)
    else:
        address = _show(grant)
        with opened(address) if not no_open and sys.stderr.isatty() else contextlib.nullcontext():
            tokens = oidc.await_device(grant)
    place = sign_in.begin(tokens, oidc.provider, config, environ)
    who = tokens.claims.get("email") or tokens.claims.get("preferred_username") or tokens.claims.get("sub")
    print(one_line(f"Signed in as {who}." if who else "Signed in."))
    if place is None:
        print(f"The provider gave no refresh token: sign in again in {max(1, round(tokens.lifetime / 60))} minutes.")
    else:
        print(f"Your refresh token is in {place.text}.")
    used = method_in_use(config, environ)
    if used != "login":
        say(f"warning: the way to authenticate is {used}, so this sign-in is not used: set auth = login.")
    return 0


def _show(grant: DeviceGrant) -> str:
    """Tell the person where to go; the address."""
    address = grant.complete_uri or grant.verification_uri
    # The code is shown even if it is in the address: the page shows it too, and the person compares (RFC 8628, 5.4).
    print(one_line(f"To sign in, open {address} and enter or compare the code: {grant.user_code}"), file=sys.stderr)
    sys.stderr.flush()
    return address


def with_browser(oidc: Oidc, port: int, prompt: str | None, may_open: bool) -> Tokens:
    """The code flow with PKCE, whose answer comes to a port of the loopback address (RFC 8252, 7.3).

    Raises:
        AuthenticationError: it did not come in time, or was a no.
        UsageError: the port is taken, or the provider has no such flow.
        ServiceError: the provider cannot be reached, or makes no sense.
    """
    receiver = _Receiver(oidc)
    with browser_server(receiver.answer, port) as bound:
        request = oidc.start_code(f"http://{HOST}:{bound}/callback", prompt)
        receiver.start(request)
        address = f"http://{HOST}:{bound}{receiver.once.path}"
        with opened(address) if may_open else contextlib.nullcontext(False) as started:
            said = "Sign in in the browser that opens now; if none does" if started else "To sign in"
            print(f"{said}, open this address in a browser of this computer: {address}", file=sys.stderr, flush=True)
            if not receiver.done.wait(BROWSER_SECONDS):
                raise AuthenticationError("Nobody signed in in time: run `credvend login` again.")
    if isinstance(receiver.outcome, CredvendError):
        raise receiver.outcome
    with progress("asking the OpenID provider"):
        return oidc.finish_code(request, receiver.outcome or "")


class _Receiver:
    """Waits for the browser to come back with a code. What is no answer to our request does not end the waiting."""

    def __init__(self, oidc: Oidc) -> None:
        self._oidc = oidc
        self._request: CodeRequest | None = None
        self.once = OneTime("")
        self.done = threading.Event()
        self.outcome: str | CredvendError | None = None

    def start(self, request: CodeRequest) -> None:
        self._request = request
        self.once = OneTime(request.url)

    def answer(self, path: str, query: Mapping[str, list[str]]) -> Answer:
        if self._request is None or self.done.is_set():
            return NOTHING_HERE
        sent_on = self.once.answer(path)
        if sent_on is not None:
            return sent_on
        if path != "/callback":
            return NOTHING_HERE
        try:
            self.outcome = check_response(query, self._request, self._oidc.provider)
        except CredvendError as error:
            self.outcome = error
        if self.outcome is None:
            return NOTHING_HERE
        self.done.set()
        if isinstance(self.outcome, CredvendError):
            return Answer(200, "You are not signed in", "The terminal says why. You can close this window.")
        return Answer(200, "Back to the terminal", "The rest happens there. You can close this window.")
