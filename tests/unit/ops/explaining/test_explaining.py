"""Why a decision is what it is: each condition, what it saw, and where it stands."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chalicelib.configuration.source import read_source
from ops.deciding.deciding import Outcome
from ops.deciding.described import CallerEntry, Described, outcome_of
from ops.deciding.written_policies import PolicyBook
from ops.explaining.explaining import Explanation, explain
from ops.explaining.words import MOST_TOLD, answer, explanation_json, reasons
from testing.policies import HOME, configuration_directory

NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)
ALICE = CallerEntry(arn=f"arn:aws:iam::{HOME}:user/alice")
DEV = CallerEntry(issuer="okta", claims={"sub": "x", "groups": ["dev", "ops"], "team": "b", "amr": ["otp", "pwd"]})


def explained(directory: Path, policies: str, described: Described) -> tuple[Outcome, Explanation]:
    written = read_source(configuration_directory(directory, policies), False)
    outcome = outcome_of(written.configuration, described)
    return outcome, explain(written, PolicyBook(written), outcome)


def lines(directory: Path, policies: str, described: Described) -> list[str]:
    outcome, explanation = explained(directory, policies, described)
    return [answer(outcome), *reasons(explanation)]


def test_a_denial_by_default_names_each_condition_that_failed_and_what_it_saw(tmp_path: Path) -> None:
    policies = """
@id("dev") permit (principal in OidcGroup::"okta:dev", action, resource in RoleGroup::"open")
when {
  principal.hasTag("team") && principal.getTag("team").text == "a" &&
  principal.hasTag("amr") && principal.getTag("amr").values.contains("mfa") && context.duration <= 900
}
unless {
  context.narrowed ||
  context.local.time < duration("9h30m") || !context.source_ip.isInRange(ip("10.0.0.0/8"))
};
"""
    assert lines(tmp_path, policies, Described(DEV, "reader", NOON.replace(hour=7), duration=1200)) == [
        "Denied by default: no permit applies.",
        "permit dev (policies/a.cedar, line 2) does not apply:",
        '  line 4: when `principal.getTag("team").text == "a"` is false; principal.getTag("team").text is "b"',
        '  line 5: when `principal.getTag("amr").values.contains("mfa")` is false; '
        'principal.getTag("amr").values is ["otp", "pwd"]',
        "  line 5: when `context.duration <= 900` is false; context.duration is 1200",
        '  line 9: unless `context.local.time < duration("9h30m")` is true; context.local.time is duration("7h")',
        '  line 9: unless `!context.source_ip.isInRange(ip("10.0.0.0/8"))` is true; '
        'context.source_ip is ip("192.0.2.1")',
    ]


def test_what_nobody_comes_to_look_at_is_not_told_where_it_could_not_be_evaluated(tmp_path: Path) -> None:
    policies = """@id("p") permit (principal is OidcSubject, action, resource)
when { principal.hasTag("team") && principal.getTag("team").text == "a" };"""
    described = Described(CallerEntry(issuer="okta", claims={"sub": "x", "amr": "pwd"}), "reader", NOON)
    assert lines(tmp_path, policies, described)[1:] == [
        "permit p (policies/a.cedar, line 1) does not apply:",
        '  line 2: when `principal.hasTag("team")` is false; principal.getTag("team") is not there; there is amr',
    ]
    _, explanation = explained(tmp_path, policies, described)
    (policy,) = explanation.permits
    assert [(one.value, one.reached, one.error is None) for one in policy.conditions] == [
        (False, True, True),
        (None, False, False),
    ]


def test_a_forbid_that_applies_is_told_with_what_it_saw_and_who_would_have_let_in(tmp_path: Path) -> None:
    policies = f"""
@id("all") permit (principal in Account::"{HOME}", action, resource);
@id("no") forbid (principal, action, resource in RoleGroup::"open")
when {{ principal is IamUser && principal.name like "a*" }} unless {{ context has reason }};"""
    assert lines(tmp_path, policies, Described(ALICE, "reader", NOON)) == [
        "Denied: no forbids it.",
        "forbid no (policies/a.cedar, line 3) applies:",
        f'  line 4: when `principal is IamUser` is true; principal is IamUser::"arn:aws:iam::{HOME}:user/alice", in '
        f'Account::"{HOME}"',
        '  line 4: when `principal.name like "a*"` is true; principal.name is "alice"',
        '  line 4: unless `context has "reason"` is false; context.reason is not there',
        "permit all (policies/a.cedar, line 2) would have let in.",
    ]


def test_what_permits_is_told(tmp_path: Path) -> None:
    policies = f"""@id("a") permit (principal in Account::"{HOME}", action, resource);
@id("b") permit (principal, action, resource == Role::"writer")
when {{ context.tags.hasTag("Team") && context.params.getTag("tenant") == "x" }};"""
    policies = policies.replace("context.params.getTag", 'context.params.hasTag("tenant") && context.params.getTag')
    described = Described(ALICE, "writer", NOON, tags={"Team": "t"}, params={"tenant": "x"})
    assert lines(tmp_path, policies, described) == [
        "Allowed by a, b.",
        "permit a (policies/a.cedar, line 1) applies, whatever else is asked.",
        "permit b (policies/a.cedar, line 2) applies:",
        '  line 3: when `context.tags.hasTag("Team")` is true; context.tags.getTag("Team") is "t"',
        '  line 3: when `context.params.hasTag("tenant")` is true; context.params.getTag("tenant") is "x"',
        '  line 3: when `context.params.getTag("tenant") == "x"` is true; context.params.getTag("tenant") is "x"',
    ]


def test_permits_for_other_roles_and_for_other_callers_are_told(tmp_path: Path) -> None:
    policies = f"""
@id("deep") permit (principal is IamUser in Account::"{HOME}", action, resource == Role::"deep");
@id("dev") permit (principal in OidcGroup::"okta:dev", action, resource in RoleGroup::"open");"""
    assert lines(tmp_path, policies, Described(ALICE, "reader", NOON)) == [
        "Denied by default: no permit applies.",
        'permit deep (policies/a.cedar, line 2) is for this caller, and for other roles: resource == Role::"deep"',
        "permit dev (policies/a.cedar, line 3) is for this role, and for other callers: "
        'principal in OidcGroup::"okta:dev"',
    ]


@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_a_policy_that_cannot_be_evaluated_denies_and_is_told(tmp_path: Path, effect: str) -> None:
    policies = f"""@id("a") permit (principal in Account::"{HOME}", action, resource);
@id("b") {effect} (principal, action, resource) when {{ context.duration * 9000000000000000 > 0 }};"""
    found = lines(tmp_path, policies, Described(ALICE, "reader", NOON, duration=1200))
    assert found[0].startswith("Denied: a policy could not be evaluated")
    assert "policy `b`: integer overflow" in found[1]
    assert found[-2] == f"{effect} b (policies/a.cedar, line 2) does not apply:"
    assert "cannot be evaluated: integer overflow" in found[-1]


def test_conditions_are_asked_about_roles_that_they_name(tmp_path: Path) -> None:
    policies = """@id("a") permit (principal is IamUser, action, resource)
when { Role::"deep" in RoleGroup::"all" && resource in RoleGroup::"all" };"""
    assert lines(tmp_path, policies, Described(ALICE, "reader", NOON))[2:] == [
        '  line 2: when `resource in RoleGroup::"all"` is false; resource is Role::"reader", in RoleGroup::"open", '
        f'Account::"{HOME}"'
    ]


def test_local_time_is_that_of_the_catalog(tmp_path: Path) -> None:
    policies = """@id("a") permit (principal is IamUser, action, resource)
when { context.local.time < duration("9h") && context.local.weekday == Weekday::"Thursday" };"""
    config = configuration_directory(tmp_path, policies)
    (config / "roles.yaml").write_text("time_zone: Asia/Seoul\n" + (config / "roles.yaml").read_text())
    written = read_source(config, False)
    outcome = outcome_of(written.configuration, Described(ALICE, "reader", NOON.replace(hour=16)))
    assert outcome.allowed
    explanation = explain(written, PolicyBook(written), outcome)
    assert [condition.values[0][1] for condition in explanation.deciding[0].conditions] == [
        'duration("1h")',
        'Weekday::"Thursday"',
    ]


def test_who_is_turned_away_before_any_policy_is_asked_gets_no_reasons(tmp_path: Path) -> None:
    policies = '@id("a") permit (principal is IamUser, action, resource);'
    root = CallerEntry(arn=f"arn:aws:iam::{HOME}:root")
    (told,) = lines(tmp_path, policies, Described(root, "reader", NOON))
    assert told.startswith("Refused before any policy is asked (CallerRefused): ")


def test_the_roles_own_rules_are_told_apart_from_policies(tmp_path: Path) -> None:
    policies = '@id("a") permit (principal is IamUser, action, resource);'
    told = lines(tmp_path, policies, Described(ALICE, "reader", NOON, duration="1h"))
    assert told[0].startswith("Refused by the role's own rules (InvalidRequest), though a permits it: ")


def test_people_are_told_a_few_permits_and_json_has_all(tmp_path: Path) -> None:
    policies = "\n".join(
        f'@id("p{n}") permit (principal is IamUser, action, resource) when {{ context.duration == {901 + n} }};'
        for n in range(MOST_TOLD + 3)
    )
    _, explanation = explained(tmp_path, policies, Described(ALICE, "reader", NOON))
    told = list(reasons(explanation))
    assert told[-1] == "3 more permits are for this caller and this role: --json has them all."
    assert len(told) == 2 * MOST_TOLD + 1
    permits = explanation_json(explanation)["Permits"]
    assert isinstance(permits, list) and len(permits) == MOST_TOLD + 3
    assert explanation.more == 0


def test_what_policies_in_audit_mode_would_do_is_told(tmp_path: Path) -> None:
    policies = """@id("all") permit (principal, action, resource == Role::"reader");
@id("tried") @mode("audit") forbid (principal is IamUser, action, resource);
@id("fails") @mode("audit") forbid (principal, action, resource) when {
context.duration * context.duration * context.duration * context.duration * context.duration * context.duration > 0
};"""
    assert lines(tmp_path, policies, Described(ALICE, "reader", NOON)) == [
        "Allowed by all.",
        "permit all (policies/a.cedar, line 1) applies, whatever else is asked.",
        "In audit mode, fails, tried would apply; enforced, it would be denied.",
    ]
    _, explanation = explained(tmp_path, policies, Described(ALICE, "reader", NOON, duration=1800))
    assert explanation.audited is not None
    told = explanation_json(explanation)["Audited"]
    assert told == {"WouldBe": "deny", "Policies": ["tried"], "Errors": list(explanation.audited.errors)}
    assert any(line.startswith("In audit mode: ") and "`fails`" in line for line in reasons(explanation))
