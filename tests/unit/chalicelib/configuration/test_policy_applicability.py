"""A policy that can never apply is an error that says why; one that may apply is none."""

from pathlib import Path

import pytest

from chalicelib.text.local_time import WEEKDAYS
from testing.policies import AWAY, HOME, problems

ALICE = f'principal == IamUser::"arn:aws:iam::{HOME}:user/alice"'


def in_range(written: str) -> str:
    return f'context.source_ip.isInRange(ip("{written}"))'


NEVER = [
    # The values that an attribute has.
    (
        'when { principal is OidcSubject && principal.issuer == "otka" }',
        '"otka"` is never true: issuers.yaml has github',
    ),
    ('when { principal has issuer && principal.issuer like "ok-*" }', "is never true: issuers.yaml has github, okta"),
    ('when { principal has issuer && ["otka", "gitlab"].contains(principal.issuer) }', "issuers.yaml has github, okta"),
    ('when { "otka" == principal.issuer }', '`"otka" == principal.issuer` is never true', "principal is OidcSubject"),
    ('when { resource.account == "999988887777" }', f"the catalog has roles of {HOME}, {AWAY}"),
    ('when { resource.arn == "arn:aws:iam::111122223333:role/Reader" }', "no role of the catalog has such an ARN"),
    ('when { resource.arn like "*:role/prod-*" }', "no role of the catalog has such an ARN"),
    (
        f'when {{ !(resource.account == "{HOME}") && resource.account != "{AWAY}" }}',
        f'`resource.account != "{AWAY}"` is always true | its `when {{ !(resource.account == "{HOME}") &&',
    ),
    (f'when {{ principal.account == "{HOME[:-1]}" }}', "is never true", "principal is IamUser"),
    ('when { principal.name == "team/alice" }', "is never true", "principal is IamUser"),
    ('when { principal.path == "/team" }', "is never true", "principal is IamUser"),
    # What can be asked.
    ("when { context.duration > 86400 }", "`context.duration > 86400` is never true: sessions last 1 to 43200 seconds"),
    ("when { context.duration < 1 }", "sessions last 1 to 43200"),
    ("when { 0 >= context.duration }", "sessions last 1 to 43200"),
    ("when { context.duration == 0 }", "sessions last 1 to 43200"),
    (
        "unless { context.duration <= 86400 }",
        "its `unless { context.duration <= 86400 }` is always true: sessions last 1 to 43200",
    ),
    ('when { context.time.toTime() >= duration("24h") }', "a day goes from 0h to 24h"),
    (
        'when { context.time.toTime() >= duration("22h") && context.time.toTime() < duration("6h") }',
        '`context.time.toTime() < duration("6h")` is never true where `context.time.toTime() >= duration("22h")` is; '
        'hours over midnight are written with `||`: `context.time.toTime() >= duration("22h") || ',
    ),
    (
        'when { context.time > datetime("2030-01-01") && context.time < datetime("2029-01-01") }',
        '`context.time < datetime("2029-01-01")` is never true where `context.time > datetime("2030-01-01")` is',
    ),
    # Tags.
    ('when { principal is OidcSubject && principal.hasTag("env") }', "makes the tags amr, ref, team of claims"),
    ('when { principal is OidcSubject && principal.hasTag("temm") }', "amr, ref, team of claims; did you mean team?"),
    ('when { principal.hasTag("amr") }', "makes the tags ref of claims", 'principal in OidcIssuer::"github"'),
    (
        'when { principal has issuer && principal.issuer == "github" && principal.hasTag("team") }',
        "makes the tags ref of claims",
    ),
    ('when { principal.hasTag("amr") }', "is never true: no IamRole has tags", "principal is IamRole"),
    # Contradictions, and what is always so.
    (
        'when { principal.owner == "x" && principal.owner == "y" }',
        '`principal.owner == "y"` is never true where `principal.owner == "x"` is',
        "principal is ServiceToken",
    ),
    (
        'when { principal.owner == "x" } unless { principal.owner like "*" }',
        'its `unless { principal.owner like "*" }` is always true, whatever is asked',
        "principal is ServiceToken",
    ),
    (
        "when { context.has_reason && !context.has_reason }",
        "`!context.has_reason` is never true where `context.has_reason` is",
    ),
    (
        "when { context.has_reason } unless { context.has_reason }",
        "its `unless { context.has_reason }` is always true where `context.has_reason` is",
    ),
    ("when { false }", "`false` is never true"),
    ("unless { true }", "its `unless { true }` is always true"),
    ("when { 1 == 2 }", "is never true"),
    (f'when {{ principal.account == "{AWAY}" }}', f"is never true where `{ALICE}` is", ALICE),
    ('when { principal.name == "bob" }', f"is never true where `{ALICE}` is", ALICE),
    (
        f'when {{ principal in Account::"{AWAY}" }}',
        f'is never true where `principal in Account::"{HOME}"` is',
        f'principal is IamRole in Account::"{HOME}"',
    ),
    # What callers of a kind cannot be called.
    (
        'when { principal.principal_id == "AROAEXAMPLE" }',
        "a session of a role has AROA...:SESSION_NAME",
        "principal is IamRole",
    ),
    (
        'when { principal.principal_id like "AIDA*" }',
        "where `principal is IamRole` is: a session of",
        "principal is IamRole",
    ),
    ('when { principal.principal_id == "AIDAX:alice" }', "an IAM user AIDA...", "principal is IamUser"),
    ('when { principal.principal_id == "bob" }', "a federated user ACCOUNT:NAME", "principal is FederatedUser"),
    ('when { principal.name like "team/*" }', "names hold letters, digits", "principal is IamUser"),
    ('when { principal.path like "team/*" }', "a path begins and ends with `/`", "principal is IamUser"),
    ('when { principal.account like "1*x" }', "an account is 12 digits", "principal is IamUser"),
    ('when { principal.issuer like "otka" }', "issuers.yaml has", "principal is OidcSubject"),
    (
        'when { principal.name like "a*" && principal.name like "b*" }',
        'is never true where `principal.name like "a*"` is',
        "principal is IamUser",
    ),
    ('unless { principal.name like "*" }', "is always true", "principal is IamUser"),
    (
        'when { principal.principal_id == "AROAEXAMPLE:alice" && principal.session_name == "bob" }',
        '`principal.session_name == "bob"` is never true where `principal.principal_id == "AROAEXAMPLE:alice"` is',
        "principal is IamRole",
    ),
    (
        f'when {{ principal.account == "{AWAY}" && principal.principal_id == "{HOME}:bob" }}',
        f'is never true where `principal.account == "{AWAY}"` is',
        "principal is FederatedUser",
    ),
    # The same, in other words.
    ('when { principal has issuer && [principal.issuer].contains("otka") }', "did you mean okta?"),
    ('when { principal has issuer && [principal.issuer].containsAny(["otka", "gitlab"]) }', "issuers.yaml has"),
    ('when { principal has issuer && ["otka", "gitlab"].containsAny([principal.issuer]) }', "issuers.yaml has"),
    ('when { principal has issuer && ["otka", "gitlab"].containsAll([principal.issuer]) }', "issuers.yaml has"),
    ('when { principal has issuer && [principal.issuer] == ["otka"] }', "issuers.yaml has"),
    (
        'when { principal has issuer && {i: principal.issuer}.i == "otka" }',
        '`{"i": principal.issuer}.i == "otka"` is never',
    ),
    (
        'when { principal has issuer && (if context.has_reason then principal.issuer else "x") == "otka" }',
        '`(if context.has_reason then principal.issuer else "x") == "otka"` is never true',
    ),
    ('when { (principal has issuer && principal.issuer == "otka") == true }', "is never true"),
    (
        'when { principal.hasTag("amr") && principal.getTag("amr").values.containsAny(["a", "b"]) && '
        '!principal.getTag("amr").values.contains("a") && '
        '!principal.getTag("amr").values.contains("b") }',
        "is never true",
        'principal is OidcSubject in OidcIssuer::"okta"',
    ),
    # Addresses.
    ('when { context.source_ip == ip("10.0.0.0/8") }', 'write `context.source_ip.isInRange(ip("10.0.0.0/8"))`'),
    ('when { ip("10.0.0.5/8") == context.source_ip }', 'write `context.source_ip.isInRange(ip("10.0.0.0/8"))`'),
    ('unless { context.source_ip != ip("10.0.0.0/8") }', 'write `context.source_ip.isInRange(ip("10.0.0.0/8"))`'),
    ('when { [ip("10.0.0.0/8")].contains(context.source_ip) }', "write `context.source_ip.isInRange"),
    ('when { ip("10.0.0.0/8").isInRange(context.source_ip) }', "write `context.source_ip.isInRange"),
    (
        f"when {{ {in_range('10.0.0.0/8')} && {in_range('192.168.0.0/16')} }}",
        f"`{in_range('192.168.0.0/16')}` is never true where `{in_range('10.0.0.0/8')}` is",
    ),
    (f"unless {{ !{in_range('10.0.0.0/8')} || !{in_range('192.168.0.0/16')} }}", "is never true where"),
    (
        f"when {{ {in_range('10.0.0.0/8')} && !{in_range('10.0.0.0/9')} && !{in_range('10.128.0.0/9')} }}",
        "is never true",
    ),
    (f'when {{ context.source_ip == ip("10.0.0.5") && !{in_range("10.0.0.5/8")} }}', "is never true where"),
    (f"when {{ context.source_ip.isIpv4() && {in_range('2001:db8::/32')} }}", "where `context.source_ip.isIpv4()` is"),
    (f"when {{ context.source_ip.isIpv6() && {in_range('10.0.0.0/8')} }}", "where `context.source_ip.isIpv6()` is"),
    ("when { context.source_ip.isIpv4() && context.source_ip.isIpv6() }", "where `context.source_ip.isIpv4()` is"),
    ("when { !context.source_ip.isIpv4() && !context.source_ip.isIpv6() }", "is never true where"),
    (
        f"when {{ context.source_ip.isLoopback() && {in_range('10.0.0.0/8')} }}",
        "where `context.source_ip.isLoopback()` is",
    ),
    (f"when {{ context.source_ip.isMulticast() && {in_range('10.0.0.0/8')} }}", "`context.source_ip.isMulticast()` is"),
    # Dates, and hours.
    ('when { context.local.date == "2026-13-40" }', "a date is one of the calendar, written 2026-12-24"),
    ('when { context.local.date == "2027-02-29" }', "a date is one of the calendar"),
    ('when { context.local.date == "24.12.2026" }', "a date is one of the calendar"),
    ('when { context.local.date like "24.12.*" }', "a date is one of the calendar"),
    ('when { context.local.date like "*-13-*" }', "a date is one of the calendar"),
    ('when { ["2026-02-30", "x"].contains(context.local.date) }', "a date is one of the calendar"),
    (
        'when { context.local.weekday in [Weekday::"Saturday", Weekday::"Sunday"] && '
        'context.local.weekday in Weekday::"Monday" }',
        'is never true where `context.local.weekday in [Weekday::"Saturday", Weekday::"Sunday"]` is',
    ),
    (
        'when { context.local.date == "2026-12-24" && context.local.weekday == Weekday::"Monday" }',
        'where `context.local.date == "2026-12-24"` is',
    ),
    (
        "when { " + " && ".join(f'context.local.weekday != Weekday::"{day}"' for day in WEEKDAYS) + " }",
        "is never true, whatever is asked",
    ),
    ("when { context.local.time.toHours() >= 24 }", "a day goes from 0h to 24h"),
    ("when { context.local.time.toMinutes() >= 1440 }", "a day goes from 0h to 24h"),
    ("when { 86400 <= context.local.time.toSeconds() }", "a day goes from 0h to 24h"),
    ("when { context.local.time.toMilliseconds() == 86400000 }", "a day goes from 0h to 24h"),
    ("when { context.local.time.toDays() != 0 }", "`context.local.time.toDays() != 0` is never true | a day goes from"),
    ("when { [24, 25].contains(context.local.time.toHours()) }", "a day goes from 0h to 24h"),
    ('when { context.local.time > duration("1d1h") }', "a day goes from 0h to 24h"),
    ('when { context.time.offset(duration("2h")).toTime() >= duration("24h") }', "a day goes from 0h to 24h"),
    ("unless { context.local.time.toHours() < 24 }", "is always true: a day goes from 0h to 24h"),
    (
        "when { context.local.time.toHours() >= 22 && context.local.time.toHours() < 6 }",
        "hours over midnight are written with `||`: `context.local.time.toHours() >= 22 || ",
    ),
    (
        'when { context.time.toDate() == datetime("2026-12-24") && context.time < datetime("2026-12-24") }',
        'where `context.time.toDate() == datetime("2026-12-24")` is',
    ),
    ('when { context.time.toDate() == datetime("2026-12-24T01:00:00Z") }', "is never true"),
    (
        'when { context.time.durationSince(datetime("2026-01-01")) > duration("1d") && '
        'context.time < datetime("2026-01-02") }',
        "is never true where",
    ),
    # Arithmetic.
    ("when { context.duration > 86400 + 1 }", "sessions last 1 to 43200"),
    ("when { context.duration * 1 > 86400 }", "sessions last 1 to 43200"),
    ("when { context.duration - 43200 > 0 }", "sessions last 1 to 43200"),
    ("when { 43200 - context.duration < 0 }", "sessions last 1 to 43200"),
    ("when { -context.duration < -86400 }", "sessions last 1 to 43200"),
    ("when { context.duration * -2 == 2 }", "sessions last 1 to 43200"),
    ("when { context.duration * 2 == 2001 }", "sessions last 1 to 43200"),
    ("when { context.duration * 0 == 1 }", "sessions last 1 to 43200"),
    (
        "when { context.duration > 9223372036854775807 + 1 }",
        "that is no number of 64 bits, and a policy that comes to it",
    ),
    ("unless { context.duration > -(-9223372036854775807 - 1) }", "that is no number of 64 bits"),
    ("when { context.duration * 9223372036854775807 > 9223372036854775807 }", "is never true"),
    ("when { context.duration < context.duration }", "is never true"),
    ('when { duration("1h") > duration("90m") || 2 * 3 == 7 }', '`duration("1h") > duration("90m")` is never true'),
    # What follows from something else.
    (
        "when { context has reason && !context.has_reason }",
        '`!context.has_reason` is never true where `context has "reason"` is',
    ),
    ("when { !context.has_reason && context has reason }", "is never true where `context.has_reason` is not"),
    ('when { context has reason && context.reason == "" }', "a reason is never empty"),
    ('when { context has reason && context.reason like "* " }', "a reason is never empty, and has no blanks"),
    ('when { context.narrowed && context.format == Format::"container" }', "where `context.narrowed` is"),
    (
        'when { context.format == Format::"container" && context.tags.hasTag("x") }',
        'where `context.format == Format::"container"`',
    ),
    # Types.
    ("when { principal is OidcSubject }", "`principal is OidcSubject` is never true", "principal is IamUser"),
    ('when { principal has issuer && principal.issuer == "okta" }', "is never true", "principal is IamUser"),
    ('when { principal in OidcGroup::"okta:dev" }', "is never true", "principal is IamUser"),
    (
        "unless { principal is IamUser }",
        "its `unless { principal is IamUser }` is always true where `principal is IamUser` is",
        "principal is IamUser",
    ),
    (
        "when { principal is IamUser && principal is IamRole }",
        "`principal is IamRole` is never true where `principal is IamUser` is",
    ),
    ("when { resource is RoleGroup }", "is never true"),
]


@pytest.mark.parametrize("effect", ["permit", "forbid"])
@pytest.mark.parametrize("case", NEVER, ids=lambda case: case[0])
def test_a_policy_that_can_never_apply_is_an_error(tmp_path: Path, case: tuple[str, ...], effect: str) -> None:
    conditions, why, scope = (*case, "principal")[:3]
    found = problems(tmp_path, f'@id("never") {effect} ({scope}, action, resource) {conditions};')
    assert len(found) == 1, found
    assert found[0].startswith("policies/a.cedar: policy never (line 1): it can never apply: ")
    assert any(words in found[0] for words in why.split(" | ")), found[0]


MAY = [
    ('when { principal.principal_id == "AROAEXAMPLE:alice" }', "principal is IamRole"),
    ('when { principal.principal_id like "AROAEXAMPLE:*" }', "principal is IamRole"),
    ('when { principal has principal_id && principal.principal_id like "AIDA*" }', "principal"),
    ('when { principal.principal_id == "111122223333:bob" }', "principal is FederatedUser"),
    ('when { principal.principal_id == "AROAX:alice" && principal.session_name == "alice" }', "principal is IamRole"),
    ('when { context.local.weekday in [Weekday::"Sunday"] && !(context.format in Format::"json") }', "principal"),
    ('when { principal.path like "/team/*" && principal.path like "*/" }', "principal is IamUser"),
    ('when { principal.name like "a*" && principal.name like "*b" }', "principal is IamUser"),
    ('unless { principal.name like "*a*" }', "principal is IamUser"),
    ('when { principal has issuer && [principal.issuer].contains("okta") }', "principal"),
    ('when { principal has issuer && [principal.issuer, "x"].containsAll(["okta", "x"]) }', "principal"),
    (f"when {{ {in_range('10.0.0.0/8')} && {in_range('10.1.0.0/16')} }}", "principal"),
    (f"when {{ {in_range('10.0.0.0/8')} && !{in_range('10.0.0.0/9')} }}", "principal"),
    (f"when {{ {in_range('::ffff:0:0/96')} && !context.source_ip.isIpv4() }}", "principal"),
    ('when { context.source_ip == ip("10.0.0.5/32") || context.source_ip == ip("::1/128") }', "principal"),
    ("when { context.source_ip.isLoopback() && context.source_ip.isIpv6() }", "principal"),
    ('when { context.local.date == "2028-02-29" && context.local.weekday == Weekday::"Tuesday" }', "principal"),
    ('when { context.local.date like "*-12-24" && context.local.date like "2026-*" }', "principal"),
    ("when { context.local.time.toHours() >= 22 || context.local.time.toHours() < 6 }", "principal"),
    ("when { context.local.time.toMinutes() == 1439 }", "principal"),
    (
        "when { context.duration * 2 == 2002 && context.duration - 1 == 1000 && -context.duration == -1001 }",
        "principal",
    ),
    ("when { context.duration > 1800 + 1 }", "principal"),
    ('when { context has reason && context.reason like "INC-*" && context.has_reason }', "principal"),
    ('when { context.tags.hasTag("x") && context.format == Format::"json" }', "principal"),
    ('when { context.tags.hasTag("Teams") }', "principal"),
    ('when { principal is OidcSubject && principal.issuer == "okta" }', "principal"),
    ('when { principal has issuer && principal.issuer like "o*a" && principal.hasTag("amr") }', "principal"),
    ('unless { principal is OidcSubject && principal.issuer == "otka" }', "principal"),
    (f'when {{ resource.account == "{AWAY}" || resource.account == "{HOME}" }}', "principal"),
    ("when { context.duration > 1800 && context.duration <= 3600 }", "principal"),
    ("when { context.duration >= 3600 } unless { context.duration > 3600 }", "principal"),
    ('unless { context.time.toTime() >= duration("6h") && context.time.toTime() < duration("22h") }', "principal"),
    ('when { principal.hasTag("env") }', "principal is ServiceToken"),
    ('when { !principal.hasTag("amr") }', 'principal in OidcIssuer::"okta"'),
    ('when { !(principal in OidcGroup::"okta:dev") }', 'principal in OidcIssuer::"okta"'),
    (f'when {{ principal.account == "{HOME}" && principal.name == "alice" }}', ALICE),
    (f'when {{ principal in [Account::"{HOME}", Account::"{AWAY}"] }}', ALICE),
    ('when { principal.name like "*" && principal.path != "/team/" }', "principal is IamUser"),
    ('when { principal.session_name like "*@example.com" }', "principal is IamRole"),
    (
        'when { principal.hasTag("amr") && principal.getTag("amr").values.contains("a") }',
        'principal in OidcGroup::"okta:a"',
    ),
]


@pytest.mark.parametrize(("conditions", "scope"), MAY)
def test_a_policy_that_may_apply_is_none(tmp_path: Path, conditions: str, scope: str) -> None:
    assert problems(tmp_path, f'@id("may") forbid ({scope}, action, resource) {conditions};') == []


def test_the_part_that_never_holds_is_told_with_its_line(tmp_path: Path) -> None:
    policy = """@id("p")
forbid (principal, action, resource)
when {
  (context.has_reason || context.narrowed) &&
  context.local.time >= duration("22h") &&
  (context.duration > 1800 ||
   context.local.time < duration("6h")) }
unless {
  context.local.time >= duration("1h")
};"""
    (found,) = problems(tmp_path, policy)
    assert found == (
        "policies/a.cedar: policy p (line 1): it can never apply: "
        '`context.local.time < duration("6h")` (line 7) is never true where '
        '`context.local.time >= duration("22h")` (line 5) is; hours over midnight are written with `||`: '
        '`context.local.time >= duration("22h") || context.local.time < duration("6h")`'
    )
    (found,) = problems(tmp_path, policy.replace('context.local.time < duration("6h")', "context.narrowed"))
    assert found == (
        "policies/a.cedar: policy p (line 1): it can never apply: "
        'its `unless { context.local.time >= duration("1h") }` (line 9) is always true '
        'where `context.local.time >= duration("22h")` (line 5) is'
    )


def test_a_line_is_the_files(tmp_path: Path) -> None:
    first = '@id("a") permit (principal is IamUser, action, resource);\n\n// Never.\n'
    (found,) = problems(
        tmp_path, first + '@id("b") forbid (principal, action, resource)\nwhen { context.duration > 86400 };'
    )
    assert "policy b (line 4): it can never apply: `context.duration > 86400` (line 5) is never true: sessions" in found


def test_a_condition_is_not_told_at_any_length(tmp_path: Path) -> None:
    names = " || ".join(f'principal.name == "a/{n}/{"x" * 100}"' for n in range(20))
    (found,) = problems(tmp_path, f'@id("p") forbid (principal is IamUser, action, resource) unless {{ !({names}) }};')
    assert len(found) < 500


@pytest.mark.parametrize("call", ["containsAny", "containsAll"])
def test_sets_may_be_long(tmp_path: Path, call: str) -> None:
    several = ", ".join(f'"{n}"' for n in range(2000))
    conditions = f'principal.hasTag("amr") && principal.getTag("amr").values.{call}([{several}])'
    scope = 'principal is OidcSubject in OidcIssuer::"okta"'
    assert problems(tmp_path, f'@id("p") forbid ({scope}, action, resource) when {{ {conditions} }};') == []
