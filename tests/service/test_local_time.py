"""Local time at the edges of daylight saving, as a request meets it: what policies see, and what the record says."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.configuration.settings import Settings
from testing.app import POLICIES, ROLES, CredvendApp, write_config

At = Callable[[str, str], CredvendApp]


@pytest.fixture
def at(credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> At:
    """The app in a time zone, at a moment, with one policy more: nobody gets in between 0:00 and 3:00 on a Sunday."""

    def start(zone: str, moment: str) -> CredvendApp:
        class Then(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> "Then":
                assert tz is UTC
                return cls.fromisoformat(moment)

        closed = """
            @id("closed") forbid (principal, action, resource) when {
              context.local.weekday == Weekday::"Sunday" && context.local.time < duration("3h")
            };
        """
        config = write_config(tmp_path, f"{ROLES}time_zone: {zone}\n", POLICIES + closed)
        monkeypatch.setattr("chalicelib.service.datetime", Then)
        monkeypatch.setattr(app_module, "service", load_service(config, Settings("eu-west-1")))
        return credvend

    return start


@pytest.mark.parametrize(
    ("zone", "moment", "status", "told"),
    [
        # Clocks go forward from 2:00 to 3:00: closed for two hours, and open from the first moment of 3:00 on.
        ("Europe/Berlin", "2026-03-28T22:59:59Z", 200, "2026-03-28T23:59:59+01:00"),
        ("Europe/Berlin", "2026-03-28T23:00:00Z", 403, "2026-03-29T00:00:00+01:00"),
        ("Europe/Berlin", "2026-03-29T00:59:59Z", 403, "2026-03-29T01:59:59+01:00"),
        ("Europe/Berlin", "2026-03-29T01:00:00Z", 200, "2026-03-29T03:00:00+02:00"),
        # They go back from 3:00 to 2:00: the hour that comes twice is closed twice, and the record tells which it was.
        ("Europe/Berlin", "2026-10-25T00:30:00Z", 403, "2026-10-25T02:30:00+02:00"),
        ("Europe/Berlin", "2026-10-25T01:30:00Z", 403, "2026-10-25T02:30:00+01:00"),
        ("Europe/Berlin", "2026-10-25T02:00:00Z", 200, "2026-10-25T03:00:00+01:00"),
        # Midnight does not exist: Sunday begins at 1:00.
        ("America/Santiago", "2026-09-06T03:59:59Z", 200, "2026-09-05T23:59:59-04:00"),
        ("America/Santiago", "2026-09-06T04:00:00Z", 403, "2026-09-06T01:00:00-03:00"),
        # The last hour of Saturday comes twice, and is no Sunday either time.
        ("America/Nuuk", "2026-10-25T00:59:59Z", 200, "2026-10-24T23:59:59-01:00"),
        ("America/Nuuk", "2026-10-25T01:59:59Z", 200, "2026-10-24T23:59:59-02:00"),
        ("America/Nuuk", "2026-10-25T02:00:00Z", 403, "2026-10-25T00:00:00-02:00"),
    ],
)
def test_policies_and_records_go_by_what_the_clocks_show(
    at: At, zone: str, moment: str, status: int, told: str
) -> None:
    credvend = at(zone, moment)
    assert credvend.vend({"role": "reader"}).status == status
    record = credvend.records()[-1]
    assert record["decision_time"] == told
    assert record["policies"] == (["closed"] if status == 403 else ["alice-may-use-open-roles"])
    listed = credvend.call("GET", "/v1/iam/roles").body["Roles"]
    assert bool(listed) is (status == 200)
