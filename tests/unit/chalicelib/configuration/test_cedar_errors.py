"""Whoever writes a wrong policy is told which, where, and what to write instead: all at once."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.configuration.cedar_errors import CedarFile
from chalicelib.configuration.policy_files import load_policies
from chalicelib.decisions.cedar import cedarpy
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.places import Places
from testing.app import write_config
from testing.policies import catalog_and_issuers

SCOPE = '@id("a") permit (principal, action, resource)'


def problems(directory: Path, policies: str) -> list[str]:
    config = write_config(directory, policies=policies)
    catalog = Catalog.of(Places([], ()), lambda place: pytest.fail(f"there is no role {place}"), b"key")
    try:
        load_policies(config, catalog, catalog_and_issuers()[1])
    except ConfigError as error:
        return error.problems
    return []


def when(condition: str) -> str:
    return f"{SCOPE}\nwhen {{ {condition} }};"


# What people write, the place of it, and the words that help.
WRITTEN = [
    ("@id('a')\npermit (principal, action, resource);", "line 1, column 5", 'straight double quotes: "a"'),
    (when("principal.issuer == 'okta'"), "line 2, column 28", 'straight double quotes: "okta"'),
    (when('principal.issuer == \u201cokta"'), "line 2, column 28", 'straight double quotes: "okta"'),
    (SCOPE.replace('"a"', "\u201ca\u201d") + ";", "line 1, column 5", 'straight double quotes: "a"'),
    (SCOPE.replace('"a"', '"a\u201d') + ";", "line 1, column 5", 'straight double quotes: "a"'),
    (when("context.has_reason and context.duration > 3"), "line 2, column 27", "unexpected token `and`: write &&"),
    (when("context.has_reason OR context.duration > 3"), "line 2, column 27", "unexpected token `OR`: write ||"),
    (when("not context.has_reason"), "line 2, column 8", "Cedar has no `not`: write !"),
    (when("not (context.has_reason)"), "line 2, column 8", "write !"),
    (when("context.has_reason & context.has_reason"), "line 2, column 27", "Cedar has no &: write &&"),
    (when("context.has_reason = true"), "line 2, column 27", "write =="),
    (when("context.has_reason === true"), "line 2, column 27", "write =="),
    (when("context.duration <> 900"), "line 2, column 25", "write !="),
    (when("context.has_reason == True"), "line 2, column 30", "invalid variable: True: write true"),
    (when("context.has_reason != null"), "line 2, column 30", "ask whether there is one, with `has`"),
    (when('principal.subject.startsWith("x")'), "line 2, column 26", 'write like "TEXT*"'),
    (when("$x"), "line 2, column 8", "$ may stand only within texts"),
    (when("context.has_reason\u200b"), "line 2, column 26", "U+200B ZERO WIDTH SPACE may stand only within"),
    (when('principal.issuer == "okta'), "line 2, column 28", "does not end on its line"),
    (when("foo(context.source_ip)"), "line 2, column 8", "`foo` is not a valid function"),
    (when(f"context.duration < {10**20}"), "line 2, column 27", "too large"),
    (f"{SCOPE}\nwhen {{ context.has_reason ;", "line 2, column 6", "this { is not closed: } is missing"),
    (f"{SCOPE}\nwhen context.has_reason;", "line 2, column 6", "a condition stands in braces: when { ... }"),
    (f"{SCOPE}\nif {{ context.has_reason }};", "line 2, column 1", "write when"),
    (SCOPE, "line 1, column 45", "does not end with a semicolon"),
    (f"{SCOPE};;", "line 1, column 47", "no policy before this semicolon"),
    (f"{SCOPE}\n@id(\"b\") forbid (principal, action, resource);", "line 1, column 45", "with a semicolon"),
    ('@id("a") allow (principal, action, resource);', "line 1, column 10", "write permit"),
    ('@id("a") Deny (principal, action, resource);', "line 1, column 10", "write forbid"),
    (f"// fine\n# not fine\n{SCOPE};", "line 2, column 1", "comments begin with //, not with #"),
    (f"/* no\n; */ {SCOPE};", "line 1, column 1", "comments begin with //, not with /*"),
    ('@id("a") permit (principal == "okta:x", action, resource);', "line 1, column 31", 'OidcSubject::"okta:x"'),
    (SCOPE.replace("principal", 'principal in [OidcGroup::"okta:x"]') + ";", "line 1", "a policy for each"),
    ('@id("a")\npermit (principal in Account::111122223333, action, resource);', "line 2, column 31",
     'an id stands in quotes: write Account::"111122223333"'),
    (when("principal in Account::111122223333"), "line 2, column 30", 'write Account::"111122223333"'),
    (when("principal in OidcGroup::okta:dev"), "line 2, column 36", "an id stands in quotes"),
    (when('principal in OidcGroup:"okta:dev"'), "line 2, column 30", "two colons: write ::"),
    (when("context.local.weekday == Weekday::Sunday"), "line 2, column 42", 'write Weekday::"Sunday"'),
    (when("context.local.weekday == Weekday.Sunday"), "line 2, column 33", 'written Weekday::"Sunday"'),
    (when("context.local.weekday == Sunday"), "line 2, column 33", 'written Weekday::"Sunday"'),
    (when("principal.hasTag(team)"), "line 2, column 25", 'a text stands in quotes: "team"'),
    ('@id("a") permit (princpal, action, resource);', "line 1, column 18", "did you mean principal?"),
    ('@id("a") permit (principal, action, resourc);', "line 1, column 37", "did you mean resource?"),
    (when('resourc.account == "1"'), "line 2, column 8", "did you mean resource?"),
    (when("contxt.has_reason"), "line 2, column 8", "did you mean context?"),
    ('@id("a") permit principal, action, resource);', "line 1, column 17", "write permit (principal, "),
    ('@id("a") permit (principal, action resource);', "line 1, column 36", "a comma is missing"),
    ('@id("a") permit (resource, principal, action);', "line 1, column 18", "in this order"),
    ('@id("a") permit (principal, action);', "line 1, column 1", "the scope is (principal, action, resource)"),
    (when("(context.has_reason"), "line 2, column 8", "this ( is not closed: ) is missing"),
    (when("context.has_reason)"), "line 2, column 26", "this ) closes nothing"),
    (when("context.duration <= 30m"), "line 2, column 30", "which is in seconds, 1800"),
]  # fmt: skip
# What Cedar's validator finds, likewise.
MEANT = [
    (when('principal is OidcSubject && principal.getTag("e").text == "x"'), "line 2, column 46",
     'write principal.hasTag("e") && before it'),
    (when('principal is OidcSubject && principal.hasTag("e") && principal.getTag("e") == "x"'), "line 2, column 71",
     "write .text behind it"),
    (when('principal is OidcSubject && principal.hasTag("e") && principal.getTag("e") like "x*"'), "line 2, column 71",
     "write .text behind it"),
    (when('principal is OidcSubject && principal.hasTag("e") && principal.getTag("e").contains("x")'),
     "line 2, column 71", "write .values behind it"),
    (when('principal.hasTag("e") && principal.getTag("e").text == "x"'), "line 2, column 8",
     "write principal is OidcSubject && before it"),
    (when('principal.account == "1"'), "line 2, column 18",
     "attribute `account` on OidcSubject, ServiceToken not found: it is of FederatedUser, IamRole, IamUser alone"),
    (when('principal is OidcSubject && principal.subjects == "x"'), "line 2, column 46", "did you mean subject?"),
    (when('principal is OidcSubject && principal.branch == "x"'), "line 2, column 46", '.getTag("branch")'),
    (when("context.duratio > 900"), "line 2, column 16", "did you mean duration?"),
    (when('context.duration == "1h"'), "line 2, column 8", "durations are seconds"),
    (when('context.source_ip == "192.0.2.1"'), "line 2, column 8", 'write ip("192.0.2.1")'),
    (when('context.time > "2026-01-01"'), "line 2, column 8", 'write datetime("2026-01-31")'),
    (when('context.local.weekday == Weekday::"saturday"'), "line 2, column 42",
     '`Weekday::"saturday"` is not one of its type: there are Monday, Tuesday, '),
    (when('principal is OidcSubject && principal.issuer in ["a"]'), "line 2, column 36", '["a", "b"].contains(...)'),
    ('@id("a") permit (principal is OidcSubjet, action, resource);', "line 1, column 31", "did you mean OidcSubject?"),
    ('@id("a") permit (principal, action == Action::"Assume", resource);', "line 1, column 47", '"AssumeRole"'),
    ('@id("a") permit (principal == Role::"x", action, resource);', "line 1", "the resource a Role"),
    (when('context.local.weekday == "sunday"'), "line 2, column 8", 'write Weekday::"Sunday"'),
    (when("context.local.weekday == 7"), "line 2, column 8", 'write Weekday::"'),
    (when('["Sunday"].contains(context.local.weekday)'), "line 2, column 8", 'write Weekday::"Sunday"'),
    (when('context.has_reason && context.narrowed == "false"'), "line 2, column 30", "stand without quotes"),
    (when("context.narrowed == 1"), "line 2, column 8", "stand without quotes"),
    (when('context.duration < duration("1h30m")'), "line 2, column 8", "a number of seconds: write 5400"),
    (when("context.local.time < 17"), "line 2, column 8", 'write duration("9h")'),
    (when("context.time.toTime() < 17"), "line 2, column 8", 'write duration("9h")'),
    (when('context.weekday == Weekday::"Sunday"'), "line 2, column 16", "did you mean context.local.weekday?"),
    (when('context.local.weekdy == Weekday::"Sunday"'), "line 2, column 8", "did you mean context.local.weekday?"),
    (when("context.local.hour < 9"), "line 2, column 8", "the time of day is context.local.time"),
    (when("context.hour < 9"), "line 2, column 16", "the time of day is context.local.time"),
    (when("context.time.hour < 9"), "line 2, column 8", "the time of day is context.local.time"),
    (when('context.local.time > duration("9:00")'), "line 2, column 29", 'written duration("1h30m")'),
    (when('context.time > datetime("2026-01-01 10:00")'), "line 2, column 32", "datetime(\"2026-01-31T09:00:00Z\")"),
    (when('context.source_ip in ip("10.0.0.0/8")'), "line 2, column 8", "context.source_ip.isInRange("),
]  # fmt: skip


@pytest.mark.parametrize(("policies", "place", "hint"), WRITTEN + MEANT)
def test_an_error_names_file_policy_and_place_and_says_what_helps(
    tmp_path: Path, policies: str, place: str, hint: str
) -> None:
    found = problems(tmp_path, policies)
    told = [line for line in found if hint in line]
    assert told, found
    assert re.match(rf"policies/all\.cedar: policy (a|number 1|number 2) \({place}[,)]", told[0]), told


def test_a_hint_stands_only_where_cedar_refuses(tmp_path: Path) -> None:
    quoted = when('principal has "and" && context.has_reason && ["it\'s = # /* not true” and or"].contains("\' or")')
    commented = f"// don't: allow = and # /* ” (\n{quoted}\n// no end"
    assert CedarFile.of(commented).problems == () and problems(tmp_path, commented) == []


SEVERAL = """@id("one") permit (principal, action, resource) when { not context.has_reason and context.duration = 3 };
// fine
@id("two") permit (principal, action, resource);
@id('three') allow (principal, action, resource) when { context.has_reason
@id("four") deny (principal, action, resource)
permit (principal, action, resource) if { context.has_reason };
@id("six") permit (principal, action, resource) when { context.duratio > 4 };
@id("two") permit (principal in Account::"1", action, resource);
"""


def test_every_problem_of_every_policy_is_told_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, SEVERAL)
    where = [re.search(r"policy (.+?) \(line (\d+)", line) for line in found]
    assert [(match[1], int(match[2])) for match in where if match] == [
        ("one", 1), ("one", 1), ("one", 1),
        ("three", 4), ("three", 4), ("three", 4),
        ("four", 5), ("four", 5),
        ("number 5", 6),
        ("number 7", 8), ("two", 8),
        ("six", 7),
    ]  # fmt: skip
    assert len(found) == len(where)


def test_a_byte_order_mark_is_named_and_what_follows_is_read(tmp_path: Path) -> None:
    found = problems(tmp_path, "\ufeff" + when("context.has_reason and true"))
    assert [line.partition(": ")[2].partition(" ")[0] for line in found] == ["begins", "policy"]
    assert "U+FEFF" in found[0] and "UTF-8 without" in found[0] and "(line 2, column 27)" in found[1]


def test_a_schema_with_a_byte_order_mark_and_files_in_another_encoding_are_named(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    schema = config / "schema.cedarschema"
    for content, word in (("\ufeff".encode() + schema.read_bytes(), "U+FEFF"), ("é".encode("latin-1"), "UTF-8")):
        schema.write_bytes(content)
        with pytest.raises(ConfigError, match=rf"schema\.cedarschema: .*{re.escape(word)}"):
            load_policies(config, Catalog(()), frozenset())
    write_config(tmp_path)
    (config / "policies/all.cedar").write_bytes(SCOPE.encode("utf-16"))
    with pytest.raises(ConfigError, match=r"all\.cedar: .*UTF-8"):
        load_policies(config, Catalog(()), frozenset())


def test_policies_stand_under_the_names_that_cedar_gives_them() -> None:
    text = "\n".join(
        f'@id("p{index}") permit (principal{" == ?principal" if index == 3 else ""}, action, resource);'
        for index in range(12)
    )
    parsed = json.loads(cedarpy.policies_to_json_str(text))
    ids = {name: est["annotations"]["id"] for name, est in (parsed["staticPolicies"] | parsed["templates"]).items()}
    assert {name: policy.label for name, policy in CedarFile.of(text).policies.items()} == ids


PIECES = ["permit", "forbid", "allow", "(principal, action, resource)", "when", "{", "}", "(", ")", "@id(\"a\")", "@",
          ";", "'", '"', "\u201c", "#", "/*", "//", "\n", "and", "not", "=", "==", "context.has_reason", "\ufeff",
          "\x00", "\u202e", "1", "[", "]", "\\", "\x1c", "\ud800"]  # fmt: skip


@settings(max_examples=150)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=2), max_size=25).map(" ".join))
@example(SEVERAL)
@example("\x1c" + SCOPE + ";")
def test_whatever_a_file_holds_cedar_alone_says_whether_it_is_right(text: str) -> None:
    file = CedarFile.of(text)
    try:
        cedarpy.policies_to_json_str(text)
    except ValueError:
        assert file.problems
    else:
        assert not file.problems and file.sound == text
    assert cedarpy.policies_to_json_str(file.sound) == file.document
    for problem in file.problems:
        assert problem.isprintable() and len(problem) < 500
