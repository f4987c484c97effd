"""What is written on a command line, read."""

import argparse
import ipaddress

from chalicelib.text.durations import seconds_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def duration(text: str) -> int:
    """Seconds meant by `90d`, `24h`, `1h30m`, `45s` or `0`: never a number alone, which might be meant as days."""
    try:
        seconds = seconds_of(text)
    except ValueError:
        seconds = None
    if seconds is None or (seconds and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write numbers with units, such as 90d or 1h30m")
    return seconds


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
