"""Connections of clients that try once are kept while they are sure to be there."""

from dataclasses import dataclass

import pytest

from chalicelib.aws.brief_connections import BriefConnections


@dataclass
class Client:
    closed: int = 0

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("moments", "closed"),
    [
        ([0, 0], 0),
        ([0, 5], 0),
        ([0, 6], 1),
        # Kept for as long as calls follow one another.
        ([0, 4, 8, 12], 0),
        ([0, 4, 8, 14, 15], 1),
        # The environment was frozen, or the clock set back.
        ([0, 3600], 1),
        ([0, -1], 1),
    ],
)
def test_what_is_kept_longer_than_seconds_is_closed(moments: list[float], closed: int) -> None:
    client = Client()
    clock = iter(moments)
    brief = BriefConnections(client, lambda: next(clock))
    for _ in moments[1:]:
        assert brief.client() is client
    assert client.closed == closed
