"""A policy that Cedar cannot take, because of its depth, is told with file and place; it does not end the process."""

import subprocess
import sys
from pathlib import Path

import pytest

from ops.environments import ROOT
from testing.policies import problems

ALIKE = "context.duration == 900"


def policy(condition: str, name: str = "deep") -> str:
    return f'@id("{name}") permit (principal is IamUser, action, resource)\n  when {{ {condition} }};'


def alternatives(count: int) -> str:
    return " || ".join(f"context.duration == {900 + number}" for number in range(count))


def brackets(count: int, opens: str = "(", closes: str = ")", within: str = ALIKE) -> str:
    return opens * count + within + closes * count


DEEP = {
    "alternatives": alternatives(100),
    "very many alternatives": alternatives(20_000),
    "conjunctions": " && ".join([ALIKE] * 2000),
    "a sum": f"context.duration < {' + '.join(['1'] * 2000)}",
    "conditionals": f"{'if context.duration == 900 then true else ' * 2000}false",
    "few conditionals": f"{'if context.duration == 900 then true else ' * 70}false",
    "attributes": f"context{'.a' * 20_000}",
    "attributes that there may be": f"context has {'.'.join(['a'] * 3000)}",
    "brackets": brackets(1000),
    "very many brackets": brackets(100_000),
    "sets": brackets(1000, "[", "]", "1") + ".isEmpty()",
    "few sets": brackets(60, "[", "]", "1") + ".isEmpty()",
    "records": brackets(1000, '{"a":', "}", "1") + ' == {"a": 1}',
    "calls": brackets(1000, "ip(", ")", '"::1"') + ".isLoopback()",
    "brackets that nothing closes": "(" * 100_000,
}


@pytest.mark.parametrize("condition", DEEP.values(), ids=DEEP)
def test_what_is_nested_too_deeply_is_told_where_it_is_and_what_to_do(tmp_path: Path, condition: str) -> None:
    sound = policy(ALIKE, "sound")
    (found,) = problems(tmp_path, f"{sound}\n{policy(condition)}\n{policy(ALIKE, 'behind')}")
    assert found.startswith("policies/a.cedar: policy deep (line ") and "nested too deeply" in found
    assert "write `[...].contains(...)` for many `||` in a row, or several policies" in found


@pytest.mark.parametrize(
    "condition",
    [
        alternatives(55),
        brackets(63),
        brackets(50, "[", "]", "1") + ".isEmpty()" + f" || {ALIKE}",
        " && ".join(f"({alternatives(20)})" for _ in range(20)),  # broad, and not deep
        f"{[f'x{number}' for number in range(3000)]}".replace("'", '"') + f'.contains("a") || {ALIKE}',
    ],
)
def test_what_is_only_long_is_taken(tmp_path: Path, condition: str) -> None:
    assert [one for one in problems(tmp_path, policy(condition)) if "deep" in one.removeprefix("policy deep")] == []


def test_signs_in_texts_and_comments_nest_nothing(tmp_path: Path) -> None:
    signs = "(" * 2000
    assert problems(tmp_path, policy(f'context has reason && context.reason like "{signs}*" // {signs}\n')) == []


def test_a_deep_policy_hides_no_other_problem_of_its_file(tmp_path: Path) -> None:
    wrong = '@id("wrong") permit (principal, action, resource) when { context.duration = 900 };'
    deep, other = problems(tmp_path, f"{policy(alternatives(100))}\n{wrong}")
    assert "policy deep (line 1): its conditions are nested" in deep and "policy wrong (line 3, " in other


@pytest.mark.parametrize("condition", [brackets(63), alternatives(55)])
def test_the_deepest_that_is_taken_is_so_with_the_stack_of_a_thread(condition: str) -> None:
    """Of 1 MB: less than any platform gives to whoever loads policies."""
    program = (
        "import sys, threading; from chalicelib.decisions.cedar import cedarpy; "
        "threading.stack_size(1 << 20); ended = []; text = sys.stdin.read(); "
        "one = threading.Thread(target=lambda: ended.append(cedarpy.PolicySet.from_str("
        "cedarpy.policies_from_json_str(cedarpy.policies_to_json_str(text))))); "
        "one.start(); one.join(); print(len(ended))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=policy(condition), capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
