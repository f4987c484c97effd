"""The function that operators ask: verdicts and records, and nothing of a session in either."""

import json
import re
import time
from dataclasses import replace
from typing import cast, get_args

import pytest

import app as app_module
from chalicelib.assembly import load_doctor
from chalicelib.errors import AuditFailed, StsRefused
from chalicelib.examining.doctor import EXAMINED_AT_ONCE, LISTED_AT_ONCE, Doctor, ExaminationEvent
from chalicelib.roles.catalog import Catalog
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts_failures import StsFailure
from ops.environments import ROOT
from testing.app import CredvendApp, Invocation, Json
from testing.events import iam_user, rest_event
from testing.sts_server import REQUEST_ID, SECRET, TOKEN, Refusal
from tests.unit.chalicelib.decisions.test_authorizer import role

SECTION = (ROOT / "docs/audit.md").read_text().partition("## Records of the doctor")[2].partition("\n## ")[0]
EVENTS: tuple[str, ...] = get_args(ExaminationEvent)
DENIED = Refusal("AccessDenied", "User: x is not authorized to perform: sts:TagSession on resource: y")


class Records:
    """An audit log, which may be full."""

    def __init__(self) -> None:
        self.written: list[tuple[str, dict[str, object]]] = []
        self.room = 1_000_000

    def write(self, event: ExaminationEvent, fields: dict[str, object]) -> None:
        if not self.room:
            raise AuditFailed
        self.room -= 1
        self.written.append((event, {name: value for name, value in fields.items() if value is not None}))


class Hurried(Invocation):
    """Whose time is nearly over."""

    def get_remaining_time_in_millis(self) -> int:
        return 29_999


def granted(plan: SessionPlan) -> str:
    return "sts-id"


def roles_of(answer: Json) -> list[Json]:
    return cast(list[Json], answer["Roles"])


def doctor(count: int = 3, records: Records | None = None) -> Doctor:
    catalog = Catalog(tuple(role(f"r{number}") for number in range(count)))
    return Doctor(catalog, "digest", granted, records or Records())


@pytest.fixture
def sts_calls(credvend: CredvendApp) -> CredvendApp:
    load_doctor.cache_clear()
    return credvend


def test_it_tells_what_sts_says_as_the_deployed_function_asks(
    sts_calls: CredvendApp, capsys: pytest.CaptureFixture[str]
) -> None:
    sts_calls.sts.refusals = [DENIED]
    answer = app_module.examine_roles({"Examine": ["reader"]}, Invocation())
    assert answer["Configuration"] == app_module.service.configuration().digest
    (told,) = roles_of(answer)
    assert (told["Role"], told["Granted"], told["Lacks"]) == (
        "reader",
        False,
        [{"What": "together", "Cause": "no_tag_session"}],
    )
    assert len(sts_calls.sts.asked) == 5  # the whole, bare, and tags, source identity, duration
    output = json.dumps(answer) + capsys.readouterr().out
    assert '"role.examined"' in output and REQUEST_ID in output
    for secret in (SECRET, TOKEN, "ASIAEXAMPLE"):
        assert secret not in output


@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        [],
        "Examine",
        {"Examine": "reader"},
        {"Examine": [1]},
        {"Examine": [None]},
        {"Examine": ["reader"], "List": 0},
        {"Examine": ["x"] * (EXAMINED_AT_ONCE + 1)},
        {"List": -1},
        {"List": True},
        {"List": "0"},
        {"List": 0.0},
        {"Records": []},
        rest_event("POST", "/v1/iam/credentials", identity=iam_user("alice")),
    ],
)
def test_nothing_else_is_answered_least_of_all_what_api_gateway_sends(event: object) -> None:
    records = Records()
    answer = doctor(records=records).handle(event, Invocation())
    assert answer.keys() == {"Error"} and not records.written


def test_names_of_the_catalog_alone_are_asked_about_and_each_once() -> None:
    asked: list[str] = []
    catalog = Catalog((role("r0"),))

    def ask(plan: SessionPlan) -> str:
        asked.append(plan.role.arn)
        return "id"

    names = ["r0", "r0", "missing", "arn:aws:iam::111122223333:role/r0", "arn:aws:iam::111122223333:role/other", ""]
    answer = Doctor(catalog, "digest", ask, Records()).handle({"Examine": names}, Invocation())
    assert len(asked) == 1 and [one["Role"] for one in roles_of(answer)] == ["r0"]


def test_a_catalog_of_any_size_is_listed_page_by_page() -> None:
    count = 2 * LISTED_AT_ONCE + 1
    large = doctor(count)
    seen: list[Json] = []
    first: object = 0
    while isinstance(first, int):
        page = large.handle({"List": first}, Invocation())
        assert len(json.dumps(page)) < 6 * 1024 * 1024
        seen += roles_of(page)
        first = page["Next"]
    assert len(seen) == count
    assert large.handle({"List": count + 5}, Invocation())["Roles"] == []


def test_nothing_is_asked_before_it_is_on_record_and_nothing_told_that_is_not() -> None:
    asked: list[SessionPlan] = []
    for room in (0, 1):
        records = Records()
        records.room = room
        one = Doctor(Catalog((role("r0"),)), "digest", lambda plan: asked.append(plan) or "id", records)  # type: ignore[func-returns-value]
        with pytest.raises(AuditFailed):
            one.handle({"Examine": ["r0"]}, Invocation())
        assert len(asked) == room


def test_who_has_no_time_left_says_so_and_asks_nothing() -> None:
    def ask(plan: SessionPlan) -> str:
        raise AssertionError("it was asked")

    answer = Doctor(Catalog((role("r0"),)), "digest", ask, Records()).handle({"Examine": ["r0"]}, Hurried())
    (told,) = roles_of(answer)
    assert (told["Granted"], told["Unknown"]) == (None, "out_of_time")


def test_several_roles_are_asked_about_at_once() -> None:
    def ask(plan: SessionPlan) -> str:
        time.sleep(0.05)  # as STS does
        return "id"

    catalog = Catalog(tuple(role(f"r{number}") for number in range(40)))
    started = time.monotonic()
    answer = Doctor(catalog, "digest", ask, Records()).handle(
        {"Examine": [r.name for r in catalog.roles]}, Invocation()
    )
    assert len(roles_of(answer)) == 40 and time.monotonic() - started < 40 * 0.05 / 2


def documented() -> dict[str, tuple[set[str], set[str]]]:
    """For each event, the fields that it always has, and those that it may have."""
    promised: dict[str, tuple[set[str], set[str]]] = {event: (set(), set()) for event in EVENTS}
    names = {"requested": "examination.requested", "examined": "role.examined"}
    for field, where in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", SECTION, re.M):
        for part in (part.strip() for part in where.split(",")):
            for event in EVENTS if part == "all" else [names[part.rstrip("?")]]:
                promised[event][part.endswith("?")].add(field)
    return promised


def test_every_event_has_exactly_the_documented_fields() -> None:
    def ask(plan: SessionPlan) -> str:
        if plan.role.name == "lacking":
            raise StsFailure(StsRefused("no"), "not_trusted", "id", 1)
        return "id"

    records = Records()
    external = replace(role("external"), external_id="shared")
    one = Doctor(Catalog((role("granted"), role("lacking"), external)), "digest", ask, records)
    for context in (Invocation(), Hurried()):
        one.handle({"Examine": ["granted", "lacking", "external"]}, context)
    assert set(re.findall(r"^\| `(\w+\.\w+)` \|", SECTION, re.M)) == set(EVENTS)
    for event, (always, sometimes) in documented().items():
        found = [set(fields) for name, fields in records.written if name == event]
        assert len(found) > 1
        assert set.intersection(*found) >= always, event
        assert set.union(*found) == always | sometimes, event
