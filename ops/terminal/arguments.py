"""What is written on a command line, read."""

import argparse
import ipaddress
import re
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DURATION = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def duration(text: str) -> int:
    """Seconds meant by `90d`, `24h`, `30m`, `45s` or `0`."""
    match = _DURATION.fullmatch(text)
    if match is None and text != "0":
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write a number and a unit, such as 90d or 12h")
    return 0 if match is None else int(match[1]) * _UNIT_SECONDS[match[2]]


def network(text: str) -> Network:
    """A network such as `192.0.2.0/24`, or one address."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}: write a network such as 192.0.2.0/24 or 2001:db8::/32") from None


def tag(text: str) -> tuple[str, str]:
    """Key and value of `KEY=VALUE`."""
    key, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is no tag: write KEY=VALUE")
    return key, value
