"""Tests of policies that cannot be read say where, and what was meant."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chalicelib.errors import ConfigError
from ops.deciding.described import CallerEntry
from ops.errors import OperationFailed
from ops.policy_tests.read import TIME, Case, Cases, read_tests


def read(directory: Path, text: str, name: str = "a.yaml") -> Cases:
    (directory / "tests").mkdir(exist_ok=True)
    (directory / "tests" / name).write_text(text, encoding="utf-8")
    return read_tests(directory)


def problems(directory: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        read(directory, text)
    return error.value.problems


GOOD = "tests:\n  - {name: a, caller: {arn: x}, role: r, expect: allow}\n"


def test_a_test_is_read_with_what_its_file_says_for_all(tmp_path: Path) -> None:
    text = """
time: 2026-02-01T08:00:00+09:00
callers: {ci: {token: ci}}
tests:
  - {name: a, caller: ci, role: r, expect: allow, duration: 20m, tags: {a: b}, params: {p: q}, reason: x}
  - name: b
    caller: {issuer: okta, claims: {sub: x, roles: [1, {a: null}]}}
    role: r
    format: container
    address: 10.0.0.1
    time: 2026-03-01T00:00:00Z
    expect: deny
"""
    first, second = read(tmp_path, text).cases
    assert (first.file, first.line, first.name) == ("tests/a.yaml", 5, "a")
    assert first.described.caller == CallerEntry(token="ci")
    assert first.described.time.astimezone(UTC) == datetime(2026, 1, 31, 23, tzinfo=UTC)
    assert first.unsaid == {"address"}
    assert (second.line, second.unsaid, second.described.address) == (6, frozenset(), "10.0.0.1")
    assert second.described.caller.claims == {"sub": "x", "roles": [1, {"a": None}]}
    assert second.described.time == datetime(2026, 3, 1, tzinfo=UTC)


def test_without_a_folder_there_are_no_tests(tmp_path: Path) -> None:
    assert read_tests(tmp_path).cases == ()


def test_a_test_that_tells_no_time_is_always_of_the_same(tmp_path: Path) -> None:
    (case,) = read(tmp_path, GOOD).cases
    assert case.described.time == TIME and case.unsaid == {"address", "time"}


def test_subfolders_are_read_and_nothing_hidden(tmp_path: Path) -> None:
    (tmp_path / "tests/team").mkdir(parents=True)
    (tmp_path / "tests/.git").mkdir()
    (tmp_path / "tests/.git/x.yaml").write_text("][")
    (tmp_path / "tests/README.md").write_text("][")
    (tmp_path / "tests/team/b.yml").write_text("callers: {ci: {token: ci}}")
    (case,) = read(tmp_path, GOOD.replace("{arn: x}", "ci")).cases
    assert case.described.caller == CallerEntry(token="ci")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tests: [", "tests/a.yaml: not valid YAML"),
        ("- a", "tests/a.yaml: must hold keys and values"),
        ("\ntest: []", "tests/a.yaml (line 2): unknown key `test`: did you mean `tests`?"),
        ("\ntests: {}", "tests/a.yaml (line 2): `tests` must be a list"),
        ("\ncallers: []", "tests/a.yaml (line 2): `callers` must be keys with values"),
        ("tests: []\naddress: 7", "tests/a.yaml (line 2): `address` must be a text, and is a whole number"),
        ("callers:\n  a:\n    claim: x", "caller 'a' (line 3): has an unknown field `claim`: did you mean `claims`?"),
        ("callers:\n  7: {arn: x}", "caller 7 (line 2): the name must be a text: quote it"),
        ("tests:\n  - 7", "test number 1 (line 2): must be keys with values, and is a whole number"),
        ("tests:\n  - name: a\n    rule: x", "test 'a' (line 3): has an unknown field `rule`: did you mean `role`?"),
        (GOOD.replace("role: r, ", ""), "test 'a' (line 2): lacks the required field `role`"),
        (GOOD.replace("role: r", "role: 7"), "`role` must be a text, and is a whole number: write it in quotes"),
        (GOOD.replace("allow", "allows"), "`expect` must be allow or deny, and is 'allows'; did you mean allow?"),
        (GOOD.replace("allow", "deny, code: Denied"), "`code` must be AccessDenied, CallerRefused, "),
        (GOOD.replace("{arn: x}", "{arm: x}"), "`caller`: has an unknown field `arm`"),
        (GOOD.replace("{arn: x}", "{claims: []}"), "`caller`: `claims` must be keys with values, and is a list"),
        (GOOD.replace("{arn: x}", "bob"), "`caller` 'bob' is none of `callers`"),
        (GOOD.replace("allow", "allow, session: {names: x}"), "has an unknown field `names`: did you mean `name`?"),
        (GOOD.replace("allow", "allow, policies: x"), "`policies` must be a list, and is a text: put it in brackets"),
        (GOOD.replace("allow", "allow, time: 9h"), "`time` must be a moment with its zone"),
        (GOOD.replace("allow", "allow, time: 2026-01-01T00:00:00"), "`time` must be a moment with its zone"),
        (GOOD.replace("allow", "allow, code: InvalidRequest"), "has `code`, which only what is denied has"),
        (GOOD.replace("allow", "deny, session: {}"), "has `session`, which only what is allowed has"),
        (f"{GOOD}{GOOD[7:]}", "test 'a' (line 3): the name is that of tests/a.yaml, line 2 too"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    (told,) = problems(tmp_path, text)
    assert problem in told and told.startswith("tests/a.yaml")


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    read(tmp_path, "callers: {ci: {token: ci}}", "b.yaml")
    found = problems(tmp_path, "callers: {ci: {token: ci}}\ntests:\n  - {name: a}\n  - {name: b}\n")
    assert [problem.partition(": ")[0] for problem in found] == ["tests/a.yaml", "tests/a.yaml", "tests/b.yaml"]
    assert "callers have their names in all files" in found[2]


def test_a_test_is_found_by_its_name(tmp_path: Path) -> None:
    cases = read(tmp_path, GOOD.replace("name: a", "name: alice reads"))
    found: Case = cases.named("alice reads")
    assert found.line == 2
    with pytest.raises(OperationFailed, match=r"did you mean alice reads\?$"):
        cases.named("alyce reads")


def test_a_test_is_found_by_a_part_of_its_name_that_no_other_has(tmp_path: Path) -> None:
    one, more = GOOD.replace("name: a", "name: alice reads"), GOOD[7:].replace("name: a", "name: alice reads more")
    cases = read(tmp_path, one + more)
    assert cases.named("reads more").line == 3
    assert cases.named("alice reads").line == 2  # which is a whole name
    with pytest.raises(OperationFailed, match="2 tests have 'alice' in their names"):
        cases.named("alice")
