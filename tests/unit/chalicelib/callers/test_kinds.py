"""A kind of caller is one file: what is written there is all that decisions, records, names and whoami need."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Self

import pytest

from chalicelib.audit.fields import caller_fields
from chalicelib.callers.caller import Caller, Facts, NameParts
from chalicelib.callers.cedar_entity import CedarEntity
from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.kinds import KINDS
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from chalicelib.callers.session_name import session_name
from chalicelib.callers.shape import KnownIssuer, Shape
from chalicelib.configuration.policy_files import read_policies
from chalicelib.configuration.possible_requests import fits
from chalicelib.configuration.source import load_authorizer
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.decisions.decision import Circumstances
from chalicelib.decisions.indexed_policy import IndexedPolicies
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role
from chalicelib.sessions.asked import VendRequest
from chalicelib.sessions.plan import plan_session
from chalicelib.wire.rendering import render_caller
from ops.environments import ROOT
from testing.cedar import SCHEMA

READER = Role("reader", "arn:aws:iam::111122223333:role/reader", "", (), 900, 3600, None, False, True, True)


@dataclass(frozen=True, slots=True)
class Robot(Caller):
    """A kind that nothing but this test knows."""

    kind: ClassVar[str] = "Robot"
    factory: str
    number: str

    @property
    def identifier(self) -> str:
        return f"robot:{self.factory}:{self.number}"

    @property
    def name_parts(self) -> NameParts:
        return NameParts("robot", f"robot={self.factory}={self.number}", self.number, (self.factory, self.number))

    @property
    def entity(self) -> CedarEntity:
        return CedarEntity(self.kind, self.number, {"factory": self.factory})

    @property
    def facts(self) -> Facts:
        return Facts(self.number, claims={"factory": self.factory})

    @property
    def audit_fields(self) -> Mapping[str, object]:
        return {"caller_factory": self.factory}

    @property
    def description(self) -> Mapping[str, object]:
        return {"Type": self.kind, "Factory": self.factory}

    @classmethod
    def problem_with_id(cls, identifier: str, issuers: frozenset[str]) -> str | None:
        return None if identifier.isdigit() else "can be nobody: a robot is its number"

    @classmethod
    def shapes(cls, issuers: Iterable[KnownIssuer]) -> tuple[Shape, ...]:
        return (Shape(cls.kind, id="[0-9]+", attributes={"factory": "north|south"}),)

    @classmethod
    def example(cls) -> Self:
        return cls("a", "1")


ROBOT = Robot("north", "7")
ROBOTS_SCHEMA = SCHEMA.replace("action AssumeRole", "entity Robot = { factory: String };\n\naction AssumeRole").replace(
    "principal: [", "principal: [Robot, "
)
LET_IN = '@id("robots") permit (principal == Robot::"7", action, resource) when { principal.factory == "north" };'


def write(directory: Path, schema: str, policy: str) -> Path:
    (directory / "policies").mkdir(parents=True)
    (directory / "policies/a.cedar").write_text(policy)
    (directory / "schema.cedarschema").write_text(schema)
    return directory


def test_policies_decide_about_a_new_kind() -> None:
    authorizer = Authorizer(IndexedPolicies.of(ROBOTS_SCHEMA, LET_IN), Catalog((READER,)))
    authorizer.check([*KINDS, Robot])
    here = Circumstances(900, "198.51.100.7", False, datetime(2026, 3, 4, 12, tzinfo=UTC))
    assert authorizer.decide(ROBOT, READER, here).policies == ("robots",)
    assert not authorizer.decide(Robot("south", "7"), READER, here).allowed
    assert [found.role for found in authorizer.permitted(ROBOT, [READER], here.source_ip, here.time)] == [READER]


def test_records_sessions_and_whoami_tell_of_a_new_kind() -> None:
    assert caller_fields(ROBOT) == {"caller": "robot:north:7", "caller_type": "Robot", "caller_factory": "north"}
    assert session_name(ROBOT) == "robot=north=7"
    assert session_name(Robot("no\nth", "7")).startswith("robot-7-")
    plan = plan_session(ROBOT, VendRequest("reader"), READER, "id")
    assert dict(plan.tags)["credvend:caller"] == "robot:north:7"
    assert render_caller(ROBOT, "robot=north=7", "id") == {
        "Type": "Robot",
        "Factory": "north",
        "RoleSessionName": "robot=north=7",
        "RequestId": "id",
    }


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (LET_IN.replace('"7"', '"seven"'), 'Robot::"seven" can be nobody: a robot is its number'),
        (LET_IN.replace("north", "moon"), 'can never apply: `principal.factory == "moon"` is never true'),
    ],
)
def test_a_policy_that_names_a_new_kind_is_checked(tmp_path: Path, policy: str, problem: str) -> None:
    kinds: tuple[type[Caller], ...] = (*KINDS, Robot)
    with pytest.raises(ConfigError, match=problem):
        read_policies(write(tmp_path / "wrong", ROBOTS_SCHEMA, policy), Catalog((READER,)), (), kinds)
    assert read_policies(write(tmp_path / "right", ROBOTS_SCHEMA, LET_IN), Catalog((READER,)), (), kinds)


def test_a_kind_of_the_schema_that_no_caller_is_of_lets_in_nobody(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Robot"):
        read_policies(write(tmp_path, ROBOTS_SCHEMA, LET_IN), Catalog((READER,)), ())


def test_a_kind_that_the_schema_has_no_place_for_keeps_the_service_from_starting(tmp_path: Path) -> None:
    without = re.sub(r"entity ServiceToken = .*?;\n", "", SCHEMA, flags=re.S).replace(", ServiceToken", "")
    policy = '@id("all") permit (principal, action, resource);'
    with pytest.raises(ConfigError, match=r"schema\.cedarschema: callers of the kind ServiceToken do not fit it"):
        load_authorizer(write(tmp_path, without, policy), Catalog((READER,)), frozenset())


CALLERS: tuple[Caller, ...] = (
    IamUser("aws-cn", "111122223333", "/division/team/", "alice+x@example.com", "AIDAALICE"),
    IamUser("aws", "111122223333", "/", "alice", "AIDAALICE"),
    IamRoleSession("aws-us-gov", "111122223333", "Dev", "alice@example.com", "AROA:alice@example.com"),
    FederatedUser("aws", "111122223333", "bob", "111122223333:bob"),
    OidcSubject("okta.1", "repo:a/b: *", ("dev:*",), (("ref.x", "main"),)),
    ServiceToken("ci-1", "Team: red", (("a/b:c", "x"),), "0"),
    ROBOT,
)
OKTA = KnownIssuer("okta.1", has_groups=True, tags=("ref.x", "amr"))


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.kind)
def test_each_caller_has_a_shape_of_its_kind(caller: Caller) -> None:
    """A shape that leaves callers out would have policies refused that are about them."""
    entity = caller.entity
    (shape,) = caller.shapes([KnownIssuer("gitlab", has_groups=False, tags=()), OKTA])[-1:]
    match = fits(shape.id, entity.id)
    assert shape.kind == entity.kind and match is not None
    assert match.groupdict().items() <= entity.attributes.items()
    assert shape.attributes.keys() == entity.attributes.keys()
    assert all(fits(shape.attributes[name], value) for name, value in entity.attributes.items())
    assert shape.fixed.items() <= entity.attributes.items()
    for kind, identifier in entity.parents:
        if kind in shape.parents:
            assert entity.attributes[shape.parents[kind]] == identifier
        else:
            assert fits(shape.groups[kind], identifier)
    assert {kind for kind, _ in entity.parents} == {*shape.parents, *shape.groups}
    assert (shape.tags is None) is (entity.tags is None)
    assert all(shape.tags is not None and fits(shape.tags, tag) for tag in entity.tags or {})


def test_the_shapes_of_every_kind_are_held_against_a_caller() -> None:
    assert {type(caller) for caller in CALLERS} == {*KINDS, Robot}


def test_no_two_kinds_share_a_name_or_the_beginning_of_a_session_name() -> None:
    assert len({kind.kind for kind in KINDS}) == len({kind.example().name_parts.prefix for kind in KINDS}) == len(KINDS)


def test_the_schema_has_each_kind_as_a_principal_and_no_other() -> None:
    (principals,) = re.findall(r"principal: \[(.*?)\]", SCHEMA)
    listed = {kind.kind for kind in KINDS}
    assert set(principals.split(", ")) == listed, "schema.cedarschema and KINDS of kinds.py differ"


def test_each_file_of_a_caller_holds_a_kind_that_is_listed() -> None:
    files = ROOT / "chalicelib/callers"
    holding = {path.stem for path in files.glob("*.py") if "    kind: ClassVar[str] = " in path.read_text()}
    assert holding == {kind.__module__.rsplit(".", 1)[1] for kind in KINDS}, "list it in kinds.py"
