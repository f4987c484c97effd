"""The revoker's records hold what docs/audit.md says, and no event has a field that it does not tell of."""

import re
from typing import get_args

import pytest

from chalicelib.revocation import requests
from chalicelib.revocation.probe import NotAsked
from chalicelib.revocation.revoker import RevocationEvent
from ops.environments import ROOT
from tests.unit.chalicelib.revocation.revoked import request_id
from tests.unit.chalicelib.revocation.world import CHAINED, PROBED, World, asked, denied, session

SECTION = (ROOT / "docs/audit.md").read_text().partition("## Records of the revoker")[2].partition("\n## ")[0]
EVENTS: tuple[str, ...] = get_args(RevocationEvent)


def documented() -> dict[str, tuple[set[str], set[str]]]:
    """For each event, the fields that it always has, and those that it may have."""
    promised: dict[str, tuple[set[str], set[str]]] = {event: (set(), set()) for event in EVENTS}
    for field, where in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", SECTION, re.M):
        for part in (part.strip() for part in where.split(",")):
            for event in EVENTS if part.startswith("all") else [f"revocation.{part.rstrip('?')}"]:
                promised[event][part.endswith("?")].add(field)
    return promised


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Has seen whatever can happen, more than once, of roles with a name and without one."""
    monkeypatch.setattr("chalicelib.revocation.probe.PROBE_SECONDS", 0)
    world = World()
    for arn in (PROBED.arn, CHAINED):
        for failure in ([denied()], [RuntimeError()], []):
            world.iam.failures = [*failure]
            world.ask(session(1, arn))
            world.run()
        world.iam.policies[arn]["by-hand"] = "x" * 9_400
        for number in range(40, 80):
            world.ask(requests.session_item(asked(arn), request_id(number), "greedy"))
        world.run()
        for number in range(40):
            world.ask(session(number, arn))
        world.run()
    # The other session asks first.
    for answers in ([NotAsked("No.", "probe_not_trusted")], [True, True]):
        world.sessions.answers = [*answers]
        world.ask(requests.role_item(asked(PROBED.arn, at=round(world.clock.now))))
        world.run()
        world.clock.now += 1
    return world


def test_every_event_has_exactly_the_documented_fields(world: World) -> None:
    assert set(re.findall(r"^\| `(revocation\.\w+)` \|", SECTION, re.M)) == set(EVENTS)
    for event, (always, sometimes) in documented().items():
        found = [fields.keys() for name, fields in world.records if name == event]
        assert len(found) > 1, event
        assert set.intersection(*map(set, found)) >= always, event
        assert set.union(*map(set, found)) <= always | sometimes, event
    everything = set.union(*(set(fields) for _, fields in world.records))
    assert everything == set.union(*(always | sometimes for always, sometimes in documented().values()))
