"""What clocks show, at the edges of days, years and daylight saving."""

from datetime import UTC, datetime

import pytest

from chalicelib.configuration.time_zone import find_time_zone
from chalicelib.text.local_time import LocalTime, local_time, zone_of


def shown(zone: str, moment: str) -> LocalTime:
    return local_time(datetime.fromisoformat(moment), zone_of(find_time_zone(zone)))


def clock(hour: int, minute: int = 0, second: int = 0) -> int:
    return hour * 3600 + minute * 60 + second


@pytest.mark.parametrize(
    ("zone", "moment", "expected"),
    [
        ("UTC", "2026-03-04T12:00:01Z", ("Wednesday", "2026-03-04", clock(12, 0, 1))),
        # Midnight is the first moment of a day.
        ("Asia/Seoul", "2026-03-07T14:59:59Z", ("Saturday", "2026-03-07", clock(23, 59, 59))),
        ("Asia/Seoul", "2026-03-07T15:00:00Z", ("Sunday", "2026-03-08", 0)),
        # Clocks go forward: there is no 02:30 on that day, and 09:00 is 09:00 before and after.
        ("Europe/Berlin", "2026-03-29T00:59:59Z", ("Sunday", "2026-03-29", clock(1, 59, 59))),
        ("Europe/Berlin", "2026-03-29T01:00:00Z", ("Sunday", "2026-03-29", clock(3))),
        ("Europe/Berlin", "2026-03-28T08:00:00Z", ("Saturday", "2026-03-28", clock(9))),
        ("Europe/Berlin", "2026-03-29T07:00:00Z", ("Sunday", "2026-03-29", clock(9))),
        # They go back: 02:30 comes twice, and is the same for policies.
        ("Europe/Berlin", "2026-10-25T00:30:00Z", ("Sunday", "2026-10-25", clock(2, 30))),
        ("Europe/Berlin", "2026-10-25T01:30:00Z", ("Sunday", "2026-10-25", clock(2, 30))),
        ("Europe/Berlin", "2026-10-25T02:30:00Z", ("Sunday", "2026-10-25", clock(3, 30))),
        # They go forward at midnight, so that there is none; a policy for its first hour never applies on that day.
        ("Africa/Cairo", "2026-04-23T21:59:59Z", ("Thursday", "2026-04-23", clock(23, 59, 59))),
        ("Africa/Cairo", "2026-04-23T22:00:00Z", ("Friday", "2026-04-24", clock(1))),
        # They go back across midnight: the last hour of Saturday comes twice, and Sunday begins once.
        ("America/Nuuk", "2026-10-25T00:59:59Z", ("Saturday", "2026-10-24", clock(23, 59, 59))),
        ("America/Nuuk", "2026-10-25T01:00:00Z", ("Saturday", "2026-10-24", clock(23))),
        ("America/Nuuk", "2026-10-25T02:00:00Z", ("Sunday", "2026-10-25", 0)),
        # A whole day that there was not: the date line was moved.
        ("Pacific/Apia", "2011-12-30T09:59:59Z", ("Thursday", "2011-12-29", clock(23, 59, 59))),
        ("Pacific/Apia", "2011-12-30T10:00:00Z", ("Saturday", "2011-12-31", 0)),
        # In the south in our winter, by half an hour, and by three quarters.
        ("Australia/Lord_Howe", "2026-01-01T00:00:00Z", ("Thursday", "2026-01-01", clock(11))),
        ("Australia/Lord_Howe", "2026-07-01T00:00:00Z", ("Wednesday", "2026-07-01", clock(10, 30))),
        ("Asia/Kathmandu", "2026-12-31T18:15:00Z", ("Friday", "2027-01-01", 0)),
        # As far from UTC as it gets, on both sides.
        ("Pacific/Kiritimati", "2026-03-07T10:00:00Z", ("Sunday", "2026-03-08", 0)),
        ("Pacific/Pago_Pago", "2026-03-08T10:59:59Z", ("Saturday", "2026-03-07", clock(23, 59, 59))),
        # Years that no transition is listed for any more.
        ("Europe/Berlin", "2060-07-01T12:00:00Z", ("Thursday", "2060-07-01", clock(14))),
        ("Europe/Berlin", "2060-12-01T12:00:00Z", ("Wednesday", "2060-12-01", clock(13))),
        ("America/New_York", "2028-02-29T04:59:59Z", ("Monday", "2028-02-28", clock(23, 59, 59))),
    ],
)
def test_a_moment_is_what_the_clocks_there_show(zone: str, moment: str, expected: tuple[str, str, int]) -> None:
    assert shown(zone, moment) == expected


def test_parts_of_seconds_are_left_out() -> None:
    assert local_time(datetime(2026, 3, 4, 16, 59, 59, 999_999, UTC), UTC).seconds == clock(16, 59, 59)


def test_a_zone_is_made_of_its_rules_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda's runtime need not have a database of them."""
    import zoneinfo

    berlin = find_time_zone("Europe/Berlin")
    zoneinfo.reset_tzpath(to=())
    try:
        monkeypatch.setitem(__import__("sys").modules, "tzdata", None)
        assert local_time(datetime(2026, 7, 1, tzinfo=UTC), zone_of(berlin)).seconds == clock(2)
    finally:
        zoneinfo.reset_tzpath()
