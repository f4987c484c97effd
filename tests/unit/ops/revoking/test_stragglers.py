"""Sessions that are under way while their end is asked for do not get away."""

from chalicelib.ledger.entry import Entry
from ops.revoking.stragglers import stragglers
from testing.clock import Clock
from tests.unit.chalicelib.ledger.ledger_world import session

ASKED = 1_800_000_000


class World:
    """A ledger that changes while one waits."""

    def __init__(self, *states: list[Entry]) -> None:
        self.clock = Clock(ASKED)
        self.states = list(states)

    def look(self) -> list[Entry]:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    def late(self) -> list[str]:
        return [entry.id for entry in stragglers(self.look, ASKED, clock=self.clock, wait=self.wait).late]


def requested(id_: str, ago: float) -> Entry:
    return session(id_, ASKED - ago, state="requested", access_key_id=None)


def issued(id_: str, ago: float, after: float) -> Entry:
    """A session that STS issued so many seconds after the moment of the revocation."""
    return session(id_, ASKED - ago, expires=int(ASKED + after) + 3600)


def test_one_that_is_issued_after_the_moment_is_found_once_it_is_there() -> None:
    world = World([requested("a", 2)], [requested("a", 2)], [issued("a", 2, 3), issued("b", 5, -4)])
    assert world.late() == ["a"] and world.clock.now == ASKED + 2


def test_one_that_was_asked_for_later_is_none_of_them() -> None:
    assert World([issued("new", -5, 5), issued("old", 60, -59)]).late() == []


def test_one_that_nobody_ever_recorded_is_not_waited_for() -> None:
    world = World([requested("lost", 600)])
    assert world.late() == [] and world.clock.now == ASKED


def test_there_is_an_end_to_waiting() -> None:
    world = World([requested("a", 2)])
    assert world.late() == [] and world.clock.now == ASKED + 30
