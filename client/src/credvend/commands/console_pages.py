"""The pages of the AWS console: of each part of AWS, and of nobody else."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from credvend.errors import UsageError
from credvend.text.aws_regions import check_region
from credvend.vending.credentials import Credentials


class Partition(NamedTuple):
    """Where a part of AWS has its sign-in and its console; services and regions have names below the console's."""

    federation: str
    console: str


PARTITIONS = {
    "aws": Partition("https://signin.aws.amazon.com/federation", "console.aws.amazon.com"),
    "aws-us-gov": Partition("https://signin.amazonaws-us-gov.com/federation", "console.amazonaws-us-gov.com"),
    "aws-cn": Partition("https://signin.amazonaws.cn/federation", "console.amazonaws.cn"),
}
_SERVICE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# What all readers of addresses take for the same: no blanks, no backslashes, nothing but ASCII.
_ADDRESS = re.compile(r"[!-\[\]-~]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LABELS = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*")
# A browser that is signed in several times puts the account and the session in front, which is another one's.
# https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/multisession.html
_SESSION = re.compile(r"[0-9]{12}-[a-z0-9]+\.")


class Page(NamedTuple):
    """What somebody wants to see. With `destination`, the others are None.

    Attributes:
        service: whose home.
        region: of that.
        destination: an address of the console, or what comes after its host.
    """

    service: str | None = None
    region: str | None = None
    destination: str | None = None

    def check(self) -> None:
        """Refuse what is no page, as far as can be told without the role's partition.

        Raises:
            UsageError: it is none.
        """
        if self.destination is not None and (self.service or self.region):
            raise UsageError("--destination is a whole page: leave out --service and --region.")
        if self.destination is not None and not _ADDRESS.fullmatch(self.destination):
            raise UsageError("--destination has blanks or signs that no address has: copy it from the browser.")
        if self.service is not None and not _SERVICE.fullmatch(self.service):
            raise UsageError("--service is a name as in the console's addresses, such as ec2 or cloudwatch.")
        if self.region is not None:
            check_region(self.region)


def partition_of(credentials: Credentials) -> Partition:
    """The part of AWS that a role is in, by its session's ARN.

    Raises:
        UsageError: it is none that is known.
    """
    name = credentials.assumed_role_arn.split(":")[1]
    if name not in PARTITIONS:
        raise UsageError(f"Where the console of {name} is, credvend does not know; it knows {', '.join(PARTITIONS)}.")
    return PARTITIONS[name]


def address_of(page: Page, partition: Partition) -> str:
    """Where to land.

    Raises:
        UsageError: it is not of this partition's console.
    """
    page.check()
    home = f"https://{partition.console}/"
    if page.destination is not None:
        return _address(page.destination, partition.console)
    path = f"{page.service}/home" if page.service else "console/home"
    return home + path + (f"?{urlencode({'region': page.region})}" if page.region else "")


def _address(destination: str, console: str) -> str:
    if not _SCHEME.match(destination) and not destination.startswith("//"):
        destination = f"https://{console}/{destination.removeprefix('/')}"
    try:
        parts = urlsplit(destination)
    except ValueError:
        raise UsageError("--destination is no address.") from None
    host = _SESSION.sub("", parts.netloc, count=1)
    if parts.scheme != "https" or not host.endswith(console) or not _LABELS.fullmatch(host.removesuffix(console)):
        raise UsageError(
            f"--destination is a page of the console: https://{console}/..., a name below that host, or what comes "
            "after it, such as s3/buckets/reports?region=eu-west-1."
        )
    return parts._replace(netloc=host).geturl()
