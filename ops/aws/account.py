"""Where a command goes, and as whom: the account, the region and the principal of the AWS credentials at hand."""

import ipaddress
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlsplit

import botocore.session
from botocore.credentials import Credentials

from ops.aws.aws_cli import AwsCli
from ops.aws.refusals import explained
from ops.aws.region import find_region
from ops.errors import CommandFailed
from ops.processes.run import run
from ops.terminal.say import say

# botocore takes credentials from its process's environment alone, and these may be another's. They go through a pipe.
# Only once: of a role to assume, the aws command line keeps a session of its own, and each asking makes another one,
# whose ARN differs. https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html#cli-configure-role-cache
_CREDENTIALS: Final = """
import json, sys, botocore.session
found = botocore.session.Session().get_credentials()
if found is None:
    sys.exit("no AWS credentials were found: set AWS_PROFILE, or sign in")
json.dump(found.get_frozen_credentials()._asdict(), sys.stdout)
"""
# The variables that credentials are put into. botocore also reads these others, of a key that stood there before.
_VARIABLES: Final = {
    "access_key": "AWS_ACCESS_KEY_ID",
    "secret_key": "AWS_SECRET_ACCESS_KEY",
    "token": "AWS_SESSION_TOKEN",
}
_OF_A_FORMER_KEY: Final = ("AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION")


@dataclass(frozen=True, slots=True)
class Account:
    """An AWS account in a region, and who acts there.

    Attributes:
        aws: the aws command line with credentials and region.
        number: of 12 digits.
        arn: the principal whose credentials these are.
    """

    aws: AwsCli
    number: str
    region: str
    arn: str

    @property
    def endpoint(self) -> str | None:
        """Where all services are instead of at AWS, or None."""
        return self.aws.environment.get("AWS_ENDPOINT_URL") or None

    @property
    def is_local(self) -> bool:
        """All services are on this very machine: a local AWS."""
        return self.endpoint is not None and _is_loopback(urlsplit(self.endpoint).hostname or "")

    @property
    def s3_url(self) -> str:
        """Where S3 is, for URLs `/BUCKET/KEY`, which CloudFormation takes templates from."""
        endpoint = self.aws.environment.get("AWS_ENDPOINT_URL_S3") or self.endpoint
        if endpoint:
            return endpoint.rstrip("/")
        resolver = botocore.session.Session().get_component("endpoint_resolver")
        return f"https://s3.{self.region}.{resolver.construct_endpoint('s3', self.region)['dnsSuffix']}"

    def credentials(self) -> Credentials:
        """What requests are signed with: the same that `aws` is run with."""
        told = self.aws.environment
        return Credentials(
            told.get("AWS_ACCESS_KEY_ID", ""), told.get("AWS_SECRET_ACCESS_KEY", ""), told.get("AWS_SESSION_TOKEN")
        )


def find_account(environment: Mapping[str, str]) -> Account:
    """The account that the credentials of an environment are for.

    They are looked up once, and all that follows is done with these: they must last as long as it takes.

    Raises:
        CommandFailed: no region, no credentials, or credentials that AWS does not take, or no network.
    """
    region = find_region(environment)
    if environment.get("AWS_ENDPOINT_URL"):
        say(f"AWS_ENDPOINT_URL is set: this goes to {environment['AWS_ENDPOINT_URL']}, not to AWS.")
    aws = AwsCli(_with_credentials({**environment, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}))
    try:
        identity = aws.json("sts", "get-caller-identity")
    except CommandFailed as error:
        raise CommandFailed(explained(str(error))) from None
    return Account(aws, str(identity["Account"]), region, str(identity["Arn"]))


def _with_credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment that holds the credentials themselves. `AWS_PROFILE` stays: it also names endpoints and the like.

    Credentials in the environment come before those of a profile that `AWS_PROFILE` names:
    https://docs.aws.amazon.com/cli/v1/userguide/cli-configure-envvars.html

    Raises:
        CommandFailed: there are none.
    """
    done = run([sys.executable, "-c", _CREDENTIALS], environment=environment)
    if done.returncode != 0:
        raise CommandFailed(f"The AWS credentials cannot be read: {done.stderr.strip().rpartition(chr(10))[2]}")
    found = cast(dict[str, str | None], json.loads(done.stdout))
    rest = {key: value for key, value in environment.items() if key not in (*_VARIABLES.values(), *_OF_A_FORMER_KEY)}
    return rest | {name: value for part, name in _VARIABLES.items() if (value := found[part])}


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
