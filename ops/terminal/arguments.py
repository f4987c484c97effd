"""What is written on a command line, read."""

import ipaddress
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

import click

from chalicelib.text.durations import seconds_of
from chalicelib.text.printable import says_something, unprintable

_LONGEST_REASON: Final = 256
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def duration(text: str) -> int:
    """Seconds meant by `90d`, `24h`, `1h30m`, `45s` or `0`: never a number alone, which might be meant as days."""
    try:
        seconds = seconds_of(text)
    except ValueError:
        seconds = None
    if seconds is None or (seconds and text.isdigit()):
        raise click.BadParameter(f"{text!r} is no duration: write numbers with units, such as 90d or 1h30m")
    return seconds


def network(text: str) -> Network:
    """A network such as `192.0.2.0/24`, or one address."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}: write a network such as 192.0.2.0/24 or 2001:db8::/32") from None


def tag(text: str) -> tuple[str, str]:
    """Key and value of `KEY=VALUE`."""
    key, separator, value = text.partition("=")
    if not separator:
        raise click.BadParameter(f"{text!r} is no tag: write KEY=VALUE")
    return key, value


class When(NamedTuple):
    """A moment, or how far it is from now.

    Attributes:
        seconds: from now, into the past or the future.
        moment: seconds since 1970, UTC.
    """

    seconds: int | None = None
    moment: int | None = None

    def before(self, now: int) -> int:
        """The moment, if it is in the past; seconds since 1970, UTC."""
        return now - self.seconds if self.seconds is not None else (self.moment or 0)

    def after(self, now: int) -> int:
        """The moment, if it is in the future."""
        return now + self.seconds if self.seconds is not None else (self.moment or 0)


def when(text: str) -> When:
    """A duration such as `2h`, or a moment such as `2026-01-31T12:00:00Z`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            return When(seconds=duration(text))
        except click.BadParameter:
            found = None
    if found is None or found.tzinfo is None:
        raise click.BadParameter(
            f"{text!r} is no time: write how long, such as 2h or 7d, or a moment with its zone, such as "
            "2026-01-31T12:00:00Z"
        )
    return When(moment=int(found.timestamp()))


def reason(text: str) -> str:
    """Why something is done: at most 256 characters on one line."""
    if (mark := unprintable(text, prose=True)) is not None:
        raise click.BadParameter(f"the reason holds {mark}: remove that")
    if len(text) > _LONGEST_REASON or not says_something(text):
        raise click.BadParameter(f"a reason has 1 to {_LONGEST_REASON} characters")
    return text


def positive(text: str) -> int:
    """A whole number from 1 on."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise click.BadParameter(f"{text!r} is no number from 1 on")
    return int(text)


def account(text: str) -> str:
    """An AWS account: 12 digits."""
    if not (text.isascii() and text.isdigit() and len(text) == 12):
        raise click.BadParameter(f"{text!r} is no account: write its 12 digits.")
    return text


def expect_one(given: Mapping[str, bool]) -> None:
    """Of some options, exactly one is to be given.

    Raises:
        click.UsageError: none, or several.
    """
    there = [option for option, is_given in given.items() if is_given]
    if len(there) != 1:
        *others, last = given
        words = f"{', '.join(others)} or {last}"
        raise click.UsageError(f"Say one of {words}." + (f" {' and '.join(there)} are too many." if there else ""))


def expect_one_at_most(given: Mapping[str, bool]) -> None:
    """Of some options, not more than one is to be given.

    Raises:
        click.UsageError: several are.
    """
    there = [option for option, is_given in given.items() if is_given]
    if len(there) > 1:
        raise click.UsageError(f"{' and '.join(there)} do not go together.")
