"""What policies can say of the request and of the moment, and what decisions are told of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.kinds import KINDS
from chalicelib.configuration.time_zone import find_time_zone
from chalicelib.decisions.authorizer import Authorizer, make_authorizer
from chalicelib.decisions.decision import ATTRIBUTES, Circumstances
from chalicelib.decisions.indexed_policy import IndexedPolicies
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role
from chalicelib.text.local_time import WEEKDAYS
from chalicelib.wire.formats.known import FORMATS
from testing.app import write_config
from testing.cedar import SCHEMA

ALICE = IamUser("aws", "111122223333", "/", "alice", "AIDA")
READER = Role("reader", "arn:aws:iam::111122223333:role/reader", "", ("open",), 900, 3600, None, False, True, True)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HERE = Circumstances(900, "198.51.100.7", False, NOON)
BERLIN = find_time_zone("Europe/Berlin")


def when(condition: str) -> str:
    return f'@id("p") permit (principal, action, resource) when {{ {condition} }};'


def authorizer(condition: str, schema: str = SCHEMA) -> Authorizer:
    return make_authorizer(IndexedPolicies.of(schema, when(condition)), Catalog((READER,)), BERLIN)


def allowed(condition: str, here: Circumstances = HERE, schema: str = SCHEMA) -> bool:
    decision = authorizer(condition, schema).decide(ALICE, READER, here)
    assert decision.errors == ()
    return decision.allowed


OFFICE_HOURS = """
    ![Weekday::"Saturday", Weekday::"Sunday"].contains(context.local.weekday) &&
    context.local.time >= duration("9h") && context.local.time < duration("17h30m")
"""


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-03-06T07:59:59Z", False),
        ("2026-03-06T08:00:00Z", True),
        ("2026-03-06T16:29:59Z", True),
        ("2026-03-06T16:30:00Z", False),
        # Saturday and Sunday; and the Monday after clocks went forward.
        ("2026-03-28T12:00:00Z", False),
        ("2026-03-29T12:00:00Z", False),
        ("2026-03-30T06:59:59Z", False),
        ("2026-03-30T07:00:00Z", True),
        ("2026-03-30T15:29:59Z", True),
        ("2026-03-30T15:30:00Z", False),
        # Sunday in Berlin, while it is Saturday in UTC; Friday in UTC.
        ("2026-07-03T22:00:00Z", False),
    ],
)
def test_office_hours_know_sundays_and_daylight_saving(moment: str, open_: bool) -> None:
    assert allowed(OFFICE_HOURS, HERE._replace(time=datetime.fromisoformat(moment))) is open_


def test_policies_may_look_at_the_date() -> None:
    closed = '!["2026-12-25", "2026-12-26"].contains(context.local.date) && !(context.local.date like "*-01-01")'
    days = {
        "2026-12-24T22:59:59Z": True,
        "2026-12-24T23:00:00Z": False,
        "2026-12-26T22:59:59Z": False,
        "2026-12-26T23:00:00Z": True,
        "2026-12-31T23:00:00Z": False,
        "2027-01-01T23:00:00Z": True,
    }
    assert {day: allowed(closed, HERE._replace(time=datetime.fromisoformat(day))) for day in days} == days


def test_without_a_time_zone_local_time_is_utc() -> None:
    utc = make_authorizer(
        IndexedPolicies.of(SCHEMA, when('context.local.time == duration("12h")')), Catalog((READER,)), None
    )
    assert utc.decide(ALICE, READER, HERE).allowed
    assert utc.local(NOON).isoformat() == "2026-03-04T12:00:00+00:00"


def test_a_zone_is_set_up_only_where_a_policy_looks_at_local_times() -> None:
    """It takes a millisecond of each cold start."""
    assert authorizer("true").local(NOON).tzinfo is UTC
    assert authorizer("context has local").local(NOON).isoformat() == "2026-03-04T13:00:00+01:00"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("INC-7", True), ("INC-", True), ("inc-7", False), ("for INC-7", False), ("", False), (None, False)],
)
def test_policies_may_look_at_the_text_of_the_reason(reason: str | None, expected: bool) -> None:
    here = HERE._replace(reason=reason, has_reason=reason is not None)
    assert allowed('context has reason && context.reason like "INC-*"', here) is expected
    assert allowed("context.has_reason", here) is (reason is not None)
    assert allowed("context has reason", here) is (reason is not None)


ODD = '"a\\b\u00e9\U0001f600\x00*'


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ({"Project": "x"}, True),
        ({"Project": "X"}, False),
        ({"project": "x"}, False),
        ({"Project": ""}, False),
        ({}, False),
    ],
)
def test_policies_may_look_at_tags_and_params(pairs: Mapping[str, str], expected: bool) -> None:
    condition = 'context.{0}.hasTag("Project") && context.{0}.getTag("Project") == "x"'
    tags, params = HERE._replace(tags=pairs), HERE._replace(params=pairs)
    assert allowed(condition.format("tags"), tags) is allowed(condition.format("params"), params) is expected
    assert not allowed(condition.format("tags"), params) and not allowed(condition.format("params"), tags)


def test_tags_and_params_hold_whatever_a_text_may_hold_and_as_many_as_a_request_may() -> None:
    many = {f"{ODD}{number}": ODD * 30 for number in range(50)}
    condition = " && ".join(
        f'context.{name} in context.{name} && !context.{name}.hasTag("Project")' for name in ("tags", "params")
    )
    assert allowed(condition, HERE._replace(tags=many, params=many))


def test_tags_of_one_request_are_not_those_of_the_next() -> None:
    asks = authorizer('context.tags.hasTag("Project")')
    tags: tuple[dict[str, str], ...] = ({"Project": "x"}, {}, {"Project": "y"}, {"Other": "x"})
    assert [asks.decide(ALICE, READER, HERE._replace(tags=one)).allowed for one in tags] == [True, False, True, False]


def test_policies_may_look_at_narrowing_and_format() -> None:
    assert [allowed("context.narrowed", HERE._replace(narrowed=one)) for one in (True, False)] == [True, False]
    formats = (*(form.name for form in FORMATS), "container")
    for form in formats:
        found = [allowed(f'context.format == Format::"{form}"', HERE._replace(format=one)) for one in formats]
        assert found == [one == form for one in formats]


@pytest.mark.parametrize("day", range(7))
def test_the_schema_knows_each_weekday(day: int) -> None:
    here = HERE._replace(time=NOON.replace(day=2 + day))
    found = [allowed(f'context.local.weekday == Weekday::"{name}"', here) for name in WEEKDAYS]
    assert found == [number == day for number in range(7)]


def problems(directory: Path, policies: str, schema: str = SCHEMA) -> str:
    from chalicelib.configuration.source import load_source

    config = write_config(directory, policies=policies)
    (config / "schema.cedarschema").write_text(schema)
    try:
        load_source(config, allow_loopback_http=False)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "condition",
    [
        'context.local.weekday == Weekday::"Sonntag"',
        'context.local.weekday == "Sunday"',
        'context.format == Format::"yaml"',
        'context.reason like "INC-*"',
        'context.tags.getTag("Project") == "x"',
        'context.tags.hasTag("a") && context.tags.getTag("a") == 7',
        'context.local.time < "17:30"',
        'RequestedTags::"request".hasTag("Project")',
        'context.params == RequestedParams::"request"',
    ],
)
def test_a_condition_that_could_not_hold_is_an_error(tmp_path: Path, condition: str) -> None:
    assert "all.cedar: policy p" in problems(tmp_path, when(condition))


def older(*left_out: str) -> str:
    """The schema as adopters may have copied it before it had these attributes."""
    lines = [line for line in SCHEMA.splitlines() if not line.strip().startswith(tuple(f"{one}:" for one in left_out))]
    return "\n".join(line for line in lines if not ("reason" in left_out and line.strip().startswith("reason?:")))


EVERYTHING = HERE._replace(
    has_reason=True, reason="INC-7", params={"tenant": "a"}, tags={"Project": "x"}, narrowed=True, format="process"
)


@pytest.mark.parametrize("left_out", [tuple(ATTRIBUTES), *((one,) for one in sorted(ATTRIBUTES))])
def test_an_older_copy_of_the_schema_decides_as_before(tmp_path: Path, left_out: tuple[str, ...]) -> None:
    schema = older(*left_out)
    assert schema.count("\n") == SCHEMA.count("\n") - len(left_out) - 1
    assert problems(tmp_path, when("context.has_reason && context.duration <= 900"), schema) == ""
    for here in (HERE._replace(has_reason=True), EVERYTHING):
        assert allowed("context.has_reason && context.duration <= 900", here, schema)
        # `has` of what a schema does not declare is false, and Cedar lets it stand.
        assert allowed(" || ".join(["true", *(f"context has {one}" for one in ATTRIBUTES)]), here, schema)


def test_with_an_older_copy_of_the_schema_what_it_lacks_is_no_word_of_policies(tmp_path: Path) -> None:
    found = problems(tmp_path, when('context.local.weekday == Weekday::"Sunday"'), older("local"))
    assert "attribute `local` in context" in found and "not found" in found


@pytest.mark.parametrize(
    ("declared", "told_of"),
    [
        ("ticket: String,", "expected the record to have an attribute `ticket`"),
        ("reason: String,", "expected the record to have an attribute `reason`"),
        ("narrowed: String,", "narrowed"),
    ],
)
def test_a_schema_that_requests_do_not_fit_keeps_the_service_from_starting(
    tmp_path: Path, declared: str, told_of: str
) -> None:
    """Each decision would be a denial."""
    schema = older("narrowed", "reason").replace("has_reason: Bool,", f"has_reason: Bool, {declared}")
    found = problems(tmp_path, when("context has narrowed && context has reason || context.duration > 1"), schema)
    assert found.startswith("schema.cedarschema: requests do not fit it") and told_of in found


def test_an_attribute_that_cannot_be_made_optional_is_told_all_the_same(tmp_path: Path) -> None:
    schema = older("narrowed").replace("has_reason: Bool,", 'has_reason: Bool, "narrowed": Bool,')
    assert IndexedPolicies.of(schema, when("true")).attributes == {"narrowed"}
    assert problems(tmp_path, when("true"), schema) == ""
    assert allowed("true", EVERYTHING, schema)


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("context.duration < 1800 && context.has_reason", set()),
        ("context has reason", {"reason"}),
        ('context["narrowed"]', {"narrowed"}),
        ('context has local.weekday && context.tags.hasTag("narrowed")', {"local", "tags"}),
        ("(if context.has_reason then context else context).narrowed", ATTRIBUTES),
        ("[context].contains(context)", ATTRIBUTES),
    ],
)
def test_decisions_are_told_what_a_policy_looks_at(condition: str, told: set[str]) -> None:
    """Everything takes twice the time."""
    assert IndexedPolicies.of(SCHEMA, when("true") + when(condition).replace('"p"', '"q"')).attributes == told


def test_every_kind_of_caller_may_ask_for_everything() -> None:
    everything = " && ".join(f"context has {one}" for one in sorted(ATTRIBUTES))
    for kind in KINDS:
        assert authorizer(everything).decide(kind.example(), READER, EVERYTHING).allowed
