"""What do the clocks on the wall show? A moment in a named time zone, daylight saving included."""

from datetime import datetime, tzinfo
from io import BytesIO
from typing import Final, NamedTuple

# In English wherever this runs: names of `strftime` follow the locale. Monday is 0, as `datetime.weekday` counts.
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class TimeZone(NamedTuple):
    """A time zone, and all there is to know of it.

    Attributes:
        name: as IANA calls it, such as `Europe/Berlin`.
        rules: its file in TZif (RFC 9636), so that no machine's own database is asked: Lambda's need not have one.
    """

    name: str
    rules: bytes


class LocalTime(NamedTuple):
    """What calendar and clock show.

    Attributes:
        weekday: one of `WEEKDAYS`.
        date: `2026-12-24`.
        seconds: hour, minute and second, as seconds: 9:30 is 34,200, on days with 23 or 25 hours too.
    """

    weekday: str
    date: str
    seconds: int


def zone_of(zone: TimeZone) -> tzinfo:
    """The zone, for `datetime`.

    Raises:
        ValueError: its rules are no TZif.
    """
    from zoneinfo import ZoneInfo  # 1.3 ms, for those alone who have a zone

    return ZoneInfo.from_file(BytesIO(zone.rules), key=zone.name)


def local_time(moment: datetime, zone: tzinfo) -> LocalTime:
    """A moment as a zone's clocks show it.

    Args:
        moment: with a time zone.
    """
    local = moment.astimezone(zone)
    return LocalTime(
        weekday=WEEKDAYS[local.weekday()],
        date=local.date().isoformat(),
        seconds=local.hour * 3600 + local.minute * 60 + local.second,
    )
