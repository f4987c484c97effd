"""Entities of roles are kept up to a bound; and those that policies look at are parsed once for all decisions."""

import json
from collections.abc import Iterable, Mapping

import cedarpy
import pytest

from chalicelib.callers.iam_user import IamUser
from chalicelib.decisions.entities import ROLE_FACTS, principal_json
from chalicelib.decisions.role_entities import RoleEntities
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role
from testing.cedar import SCHEMA

ROLES = tuple(
    Role(f"r{n}", f"arn:aws:iam::111122223333:role/r{n}", "", ("g",), 900, 3600, None, False, True, True)
    for n in range(30)
)
ALICE = principal_json(IamUser("aws", "111122223333", "/", "alice", "AIDA"))


def entities() -> RoleEntities:
    return RoleEntities(Catalog(ROLES), cedarpy.Schema.from_str(SCHEMA), ROLE_FACTS)


def test_a_decision_gets_the_caller_the_role_and_the_roles_that_policies_look_at() -> None:
    found = entities()

    def names(*named: str) -> list[str]:
        listed = json.loads(str(found.with_request([ALICE], found.of(ROLES[0]), frozenset(named))))
        return sorted(one["uid"]["id"] for one in listed if one["uid"]["type"] != "Action")  # which the schema adds

    alice = "arn:aws:iam::111122223333:user/alice"
    assert names() == [alice, "r0"]
    assert names("r1", "r2", "nobody") == [alice, "r0", "r1", "r2"]
    assert names("r0", "r1") == [alice, "r0", "r1"]


def uids(found: cedarpy.Entities) -> list[str]:
    return sorted(one["uid"]["id"] for one in json.loads(str(found)) if one["uid"]["type"] != "Action")


@pytest.mark.parametrize("named", [(), ("r1", "r2", "nobody"), ("r0", "r1")])
def test_a_caller_of_many_decisions_stands_beside_the_same_as_one_of_a_single_one(named: tuple[str, ...]) -> None:
    found = entities()
    caller = found.beside(ALICE)
    for role in ROLES[:3]:
        alone = found.with_request([ALICE], found.of(role), frozenset(named))
        assert uids(caller.with_request([], [found.document(role)], frozenset(named))) == uids(alone)


def test_a_caller_of_many_decisions_is_parsed_once_for_the_roles_that_policies_look_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever is in 1,500 groups would take longer to parse than each decision takes."""
    found, parsed = entities(), list[str]()
    added, parse = RoleEntities.added, RoleEntities.parse

    def note(documents: Iterable[Mapping[str, object]]) -> list[Mapping[str, object]]:
        listed = list(documents)
        parsed.extend("caller" for one in listed if one == ALICE)
        return listed

    monkeypatch.setattr(RoleEntities, "added", lambda self, new, old: added(self, note(new), old))
    monkeypatch.setattr(RoleEntities, "parse", lambda self, new: parse(self, note(new)))
    caller = found.beside(ALICE)
    for role in ROLES:
        for named in (frozenset[str](), frozenset({"r1"})):
            caller.with_request([], [found.document(role)], named)
    assert len(parsed) == 2


def test_what_is_kept_of_a_caller_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.decisions.role_entities._KEPT_CHARACTERS", 1000)
    found = entities()
    caller = found.beside(ALICE)
    for number, role in enumerate(ROLES):
        caller.with_request([], [found.document(role)], frozenset({f"r{number}", f"r{number // 2}"}))
    assert 1 < len(caller._kept._values) < 10


def test_decisions_about_many_roles_share_the_roles_that_policies_look_at() -> None:
    found = entities()
    named = frozenset(role.name for role in ROLES)
    for role in ROLES:
        found.with_request([ALICE], found.of(role), named)
    assert len(found._kept_sets._values) == 1


def test_what_is_kept_of_roles_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.decisions.role_entities._KEPT_CHARACTERS", 1000)
    found = entities()
    for number, role in enumerate(ROLES):
        found.with_request([ALICE], found.of(role), frozenset({f"r{number}", f"r{number // 2}"}))
    assert 1 < len(found._kept._values) < 10 and 1 < len(found._kept_sets._values) < 10
