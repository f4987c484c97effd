"""Sign in to the AWS console with a role's credentials. The console's session ends when they do."""

# The federation endpoint is told the credentials in the body of a POST, for addresses end up in logs; what it gives is
# an address that is good for a sign-in within 15 minutes. No duration of its own is asked for: the console's session
# would go on after the credentials have ended.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlencode

import click

from credvend import lean
from credvend.commands.clipboard import copy
from credvend.commands.console_pages import Page, address_of, partition_of
from credvend.commands.told import Told, is_told
from credvend.commands.vend_arguments import vends
from credvend.disk.config_file import Config
from credvend.errors import ServiceError, UsageError
from credvend.net.browser import show_privately
from credvend.net.private_page import Start, start_default
from credvend.net.request import Request
from credvend.net.role_browser import CONTAINER, GRANTED, Browser, container_link, find_browser, start_profile, starting
from credvend.net.send import send
from credvend.text.json_object import json_object
from credvend.text.messages import progress, say
from credvend.vending.cache_or_service import credentials_of, get_entry, half_of_life
from credvend.vending.credentials import Credentials
from credvend.vending.options import Options

# Seconds, of the console's sessions: https://docs.aws.amazon.com/IAM/latest/UserGuide/example_sts_Scenario_ConstructFederatedUrl_section.html
_SHORTEST = 900
# How a role is kept apart from others, where it is not by the extension of a scheme.
_PROFILE = "browser-profile"
EXAMPLES = """\b
examples:
  credvend console reports --service s3
  credvend console reports --browser-profile
  credvend console reports --destination 'cloudwatch/home?region=eu-west-1#alarmsV2:' """


@click.command(help=__doc__, epilog=EXAMPLES)
@vends()
@click.option("--service", metavar="NAME", help="whose pages to open, such as ec2; default: the console's home")
@click.option("--region", metavar="REGION", help="of those pages; default: what the console remembers")
@click.option("--destination", metavar="PAGE", help="any page: its address, or what comes after the console's host")
@click.option("--browser-profile", "apart", flag_value=_PROFILE, help="in a browser profile of the role's own")
@click.option(
    "--container",
    "apart",
    flag_value=CONTAINER,
    help='in a container of Firefox, by "Open external links in a container"',
)
@click.option(
    "--granted-container", "apart", flag_value=GRANTED, help="in a container of Firefox, by Granted's extension"
)
@click.option("--browser", metavar="PROGRAM", help="which browser; default with these three: the first that is there")
@click.option("--copy", "copies", is_flag=True, help="copy the address, which lets anybody in for 15 minutes")
@click.option("--print", "prints", is_flag=True, help="print the address, which lets anybody in for 15 minutes")
@is_told
def command(
    told: Told,
    role: str,
    options: Options,
    service: str | None,
    region: str | None,
    destination: str | None,
    apart: str | None,
    browser: str | None,
    copies: bool,
    prints: bool,
) -> int:
    config, environ = told
    page = Page(service, region, destination)
    page.check()
    if (copies or prints) and (apart or browser):
        raise UsageError("--print and --copy start no browser: leave out what says which.")
    chosen = None
    if apart or browser:
        chosen = find_browser(browser, environ, only_firefox=apart in (CONTAINER, GRANTED))
    # The console's session ends when they do.
    entry = get_entry(role, options, config, environ, enough=half_of_life)
    if entry.expires - entry.obtained < _SHORTEST - lean.LEAST_LIFE:  # the answer took its way
        raise UsageError("The console knows no session of less than 15 minutes: ask for a longer --duration.")
    if not half_of_life(entry, time.time()):
        say("warning: the console will sign you out soon, for there are no newer credentials now.")
    credentials = credentials_of(entry, role)
    address = sign_in_address(credentials, page, config, environ)
    if prints:
        print(address)
    if copies:
        copy(address, environ)
        say("copied; for 15 minutes, the address lets anybody in who has it: programs that keep what was copied, too.")
    if not prints and not copies:
        start, lead = _window(apart, chosen, credentials, told)
        show_privately(address, start=start, lead=lead)
        say(f"the console is open in the browser, as {credentials.role} of {credentials.account_id}")
    return 0


def _window(
    apart: str | None, browser: Browser | None, credentials: Credentials, told: Told
) -> tuple[Start, Callable[[str], str]]:
    """What starts the browser, and what makes of an address the one that keeps the role apart."""
    if browser is None:
        return start_default, str
    # A role with parameters may be one of many.
    name = f"{credentials.role} {credentials.account_id}"
    if apart == _PROFILE:
        key = f"{told.config.url} {credentials.role} {credentials.role_arn}"
        return start_profile(browser, name, key, told.environ), str
    start = starting([browser.program], told.environ)
    return start, partial(container_link, apart, name) if apart else str


def sign_in_address(credentials: Credentials, page: Page, config: Config, environ: Mapping[str, str]) -> str:
    """An address that signs a browser in.

    Raises:
        UsageError: the role is in a part of AWS that credvend does not know, or the page is none of its console.
        ServiceError: the federation endpoint cannot be reached, or refuses.
    """
    partition = partition_of(credentials)
    destination = address_of(page, partition)
    federation = config.console_url or partition.federation
    session = {
        "sessionId": credentials.access_key_id,
        "sessionKey": credentials.secret_access_key,
        "sessionToken": credentials.session_token,
    }
    form = urlencode({"Action": "getSigninToken", "Session": json.dumps(session)}).encode("ascii")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with progress("asking AWS for a sign-in"):
        answer = send(Request("POST", federation, headers, form), config, environ)
    if answer.status in (400, 401, 403):
        raise ServiceError(
            f"AWS does not take the credentials for a sign-in (status {answer.status}): "
            "are they of a role session, and still good? `credvend cache clear` and try again."
        )
    token = (json_object(answer.body) or {}).get("SigninToken") if answer.status == 200 else None
    if not isinstance(token, str) or not token:
        raise ServiceError(f"AWS gave no sign-in token (status {answer.status}); try again later.")
    login = {
        "Action": "login",
        "Issuer": config.url,  # where the console sends people when their session has ended
        "Destination": destination,
        "SigninToken": token,
    }
    return f"{federation}?{urlencode(login)}"
