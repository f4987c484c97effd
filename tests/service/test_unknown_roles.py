"""A role that is not there is refused as one that is: in the same words, and after the same work."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.callers.caller import Caller
from chalicelib.callers.iam_user import IamUser
from chalicelib.configuration.compile import compile_configuration
from chalicelib.configuration.compiled import load_compiled
from chalicelib.configuration.settings import Settings
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.decisions.decision import Circumstances, Decision, NearPermits
from chalicelib.decisions.indexed_policy import IndexedPolicies
from chalicelib.roles.catalog import NOWHERE, Catalog
from chalicelib.roles.places import Places
from chalicelib.roles.role import Role
from testing.app import POLICIES, ROLES, CredvendApp, write_config
from testing.cedar import SCHEMA

NAMES = [f"nobody-{number}" for number in range(20)]


def test_a_role_that_is_not_there_is_decided_as_one_that_is(
    credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the decision thrown away: some of these roles alice may have."""
    asked: list[str] = []
    decide = Authorizer.decide

    def remember(self: Authorizer, caller: Caller, role: Role, circumstances: Circumstances) -> Decision:
        asked.append(role.name)
        return decide(self, caller, role, circumstances)

    monkeypatch.setattr(Authorizer, "decide", remember)
    answers = [credvend.vend({"role": name}) for name in NAMES]
    assert {answer.status for answer in answers} == {403} and credvend.sts.asked == []
    assert len(asked) == len(NAMES) and "" not in asked and len(set(asked)) > 1
    assert [record["decision"] for record in credvend.records()] == ["deny"] * len(NAMES)
    # The second time as the first: else whoever asks twice could tell it from a role that is there.
    again = [credvend.vend({"role": name}) for name in NAMES]
    assert asked[len(NAMES) :] == asked[: len(NAMES)] and {answer.status for answer in again} == {403}


def test_without_any_role_there_is_one_to_ask_about() -> None:
    assert Catalog(()).role_or_stand_in("nobody") == (None, NOWHERE)


def test_without_any_role_a_decision_is_made_all_the_same() -> None:
    policies = IndexedPolicies.of(SCHEMA, '@id("all") permit (principal, action, resource is Role);')
    authorizer = Authorizer(policies, Catalog(()))
    alice = IamUser("aws", "111122223333", "/", "alice", "AIDA")
    here = Circumstances(900, "198.51.100.7", False, datetime(2026, 3, 4, 12, tzinfo=UTC))
    # Decided, and thrown away by the service, which hands out no role that is not there.
    assert authorizer.decide(alice, NOWHERE, here).allowed
    assert authorizer.permitted(alice, (), here.source_ip, here.time) == []


def roles(count: int) -> tuple[Role, ...]:
    return tuple(
        Role(f"r{n}", f"arn:aws:iam::111122223333:role/r{n}", "", (), 900, 3600, None, False, True, True)
        for n in range(count)
    )


MANY = [f"nobody-{number}" for number in range(500)]


def stand_ins(catalog: Catalog) -> list[str]:
    return [catalog.role_or_stand_in(name)[1].name for name in MANY]


def test_which_role_stands_in_can_be_computed_by_no_caller() -> None:
    """Who could would ask for another name with the same one, and see whether the second refusal is quicker."""
    places = Places([(role.name, role.arn, ()) for role in roles(20)], ())
    one, same, other = (Catalog.of(places, roles(20).__getitem__, key) for key in (b"one", b"one", b"other"))
    assert stand_ins(one) == stand_ins(one) == stand_ins(same)
    assert sum(map(str.__eq__, stand_ins(one), stand_ins(other))) < 100  # 25 are to be expected
    # Without a configuration that was compiled, the key is drawn.
    assert stand_ins(Catalog(roles(20))) != stand_ins(Catalog(roles(20)))


def test_every_role_stands_in_alike() -> None:
    """Else a name of which nobody knows would be one of a few."""
    counted = Counter(stand_ins(Catalog(roles(5))))
    assert len(counted) == 5 and min(counted.values()) > 50  # 100 each are to be expected


def test_a_role_that_is_there_stands_for_itself() -> None:
    catalog = Catalog(roles(5))
    for role in roles(5):
        assert catalog.role_or_stand_in(role.name) == catalog.role_or_stand_in(role.arn) == (role, role)


def test_all_environments_of_a_deployment_have_the_same_stand_ins(tmp_path: Path) -> None:
    """Else a name that is asked for in many would be another role in each, and a role that is there the same."""
    found: list[list[str]] = []
    for number, text in enumerate((ROLES, ROLES, ROLES.replace("Reads.", "Reads!"))):
        config = write_config(tmp_path / str(number) / "config", text)
        compile_configuration(config, allow_loopback_http=False)
        found.append(stand_ins(load_compiled(config, allow_loopback_http=False).catalog))
    assert found[0] == found[1] != found[2]


FORBIDDING = POLICIES + '@id("never") forbid (principal, action, resource == Role::"brief");'


@pytest.mark.parametrize("role", ["nobody", "forbidden", "brief"])
def test_every_denial_looks_for_near_permits_once(
    credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    """Whether the role is there or not, and whatever denies: else one kind of denial would come sooner."""
    monkeypatch.setattr(
        app_module, "service", load_service(write_config(tmp_path, policies=FORBIDDING), Settings("eu-west-1"))
    )
    asked: list[str] = []
    near_permits = Authorizer.near_permits

    def remember(self: Authorizer, caller: Caller, role: Role) -> NearPermits:
        asked.append(role.name)
        return near_permits(self, caller, role)

    monkeypatch.setattr(Authorizer, "near_permits", remember)
    answer = credvend.vend({"role": role})
    assert answer.body["Code"] == "AccessDenied" and len(asked) == 1
    (record,) = credvend.records()
    # A role that is not there was decided as another one, of which nothing is told.
    assert ("near_permits" in record) is (role == "forbidden")
