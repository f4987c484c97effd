"""Sign in to the AWS console with a role's credentials. The console's session ends when they do."""

# The federation endpoint is told the credentials in the body of a POST, for addresses end up in logs; what it gives is
# an address that is good for a sign-in within 15 minutes. A duration of its own is not for sessions that come from a
# role, as all of credvend's do.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

import click

from credvend.commands.told import Told, is_told
from credvend.commands.vend_arguments import vends
from credvend.disk.config_file import Config
from credvend.errors import ServiceError, UsageError
from credvend.net.browser import show_privately
from credvend.net.request import Request
from credvend.net.send import send
from credvend.text.json_object import json_object
from credvend.text.messages import progress, say
from credvend.vending.cache_or_service import credentials_of, get_entry, half_of_life
from credvend.vending.credentials import Credentials
from credvend.vending.options import Options


class Partition(NamedTuple):
    """Where a part of AWS has its sign-in and its console."""

    federation: str
    console: str


PARTITIONS = {
    "aws": Partition("https://signin.aws.amazon.com/federation", "https://console.aws.amazon.com/"),
    "aws-us-gov": Partition("https://signin.amazonaws-us-gov.com/federation", "https://console.amazonaws-us-gov.com/"),
    "aws-cn": Partition("https://signin.amazonaws.cn/federation", "https://console.amazonaws.cn/"),
}
_SERVICE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")


@click.command(help=__doc__, epilog="\b\nexample:\n  credvend console reports --service s3")
@vends()
@click.option("--service", metavar="NAME", help="whose pages to open, such as ec2; default: the console's home")
@click.option("--region", metavar="REGION", help="of those pages; default: what the console remembers")
@click.option("--print", "prints", is_flag=True, help="print the address, which lets anybody in for 15 minutes")
@is_told
def command(told: Told, role: str, options: Options, service: str | None, region: str | None, prints: bool) -> int:
    config, environ = told
    if service is not None and not _SERVICE.fullmatch(service):
        raise UsageError("--service is a name as in the console's addresses, such as ec2 or cloudwatch.")
    if region is not None and not _REGION.fullmatch(region):
        raise UsageError("--region is a region such as eu-west-1.")
    # The console's session ends when they do.
    entry = get_entry(role, options, config, environ, enough=half_of_life)
    if not half_of_life(entry, time.time()):
        say("warning: the console will sign you out soon, for there are no newer credentials now.")
    credentials = credentials_of(entry, role)
    address = sign_in_address(credentials, service, region, config, environ)
    if prints:
        print(address)
        return 0
    show_privately(address)
    say(f"the console is open in the browser, as {credentials.role} of {credentials.account_id}")
    return 0


def sign_in_address(
    credentials: Credentials,
    service: str | None,
    region: str | None,
    config: Config,
    environ: Mapping[str, str],
) -> str:
    """An address that signs a browser in.

    Raises:
        UsageError: the role is in a part of AWS that credvend does not know.
        ServiceError: the federation endpoint cannot be reached, or refuses.
    """
    partition = partition_of(credentials)
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
        "Destination": destination(partition, service, region),
        "SigninToken": token,
    }
    return f"{federation}?{urlencode(login)}"


def partition_of(credentials: Credentials) -> Partition:
    """The part of AWS that a role is in, by its session's ARN.

    Raises:
        UsageError: it is none that is known.
    """
    name = credentials.assumed_role_arn.split(":")[1]
    if name not in PARTITIONS:
        raise UsageError(f"Where the console of {name} is, credvend does not know; it knows {', '.join(PARTITIONS)}.")
    return PARTITIONS[name]


def destination(partition: Partition, service: str | None, region: str | None) -> str:
    """The page to land on."""
    page = partition.console + (f"{service}/home" if service else "console/home")
    return f"{page}?{urlencode({'region': region})}" if region else page
