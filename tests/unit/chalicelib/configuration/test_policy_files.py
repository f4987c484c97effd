"""A policy's `@id` is what logs and deployments call it: it cannot pass for lines of theirs."""

from pathlib import Path

import pytest

from chalicelib.configuration.policy_files import load_policies
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.places import Places
from testing.app import write_config
from testing.policies import problems


def load(directory: Path, identifier: str) -> list[str]:
    config = write_config(directory, policies=f'@id("{identifier}") permit (principal, action, resource);')
    catalog = Catalog.of(Places([], ()), lambda place: pytest.fail(f"there is no role {place}"), b"key")
    return [policy.name for policy in load_policies(config, catalog, frozenset()).indexed]


@pytest.mark.parametrize(
    "identifier", [r"a\n  - policies: deny-all", r"a\u{1b}[2K", r"a\u{2028}b", r"a\u{202e}b", "a\tb"]
)
def test_an_id_that_is_not_one_printable_line_is_refused(tmp_path: Path, identifier: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, identifier)
    (line,) = str(refused.value).splitlines()
    assert "policies/all.cedar: policy number 1 (line 1): @id('a" in line and "holds what cannot be printed" in line
    assert line.isascii() and line.isprintable()


@pytest.mark.parametrize("identifier", ["people may read", "büro: {a} & 'b'"])
def test_any_other_id_is_taken(tmp_path: Path, identifier: str) -> None:
    assert load(tmp_path, identifier) == [identifier]


def test_a_policy_that_is_too_deep_is_told_and_so_are_the_others(tmp_path: Path) -> None:
    deep = " || ".join(f"context.duration == {900 + seconds}" for seconds in range(70))
    found = problems(
        tmp_path,
        f'@id("a") forbid (principal, action, resource) when {{ {deep} }};\n'
        '@id("b") forbid (principal, action, resource) when { context.duration > 86400 };',
    )
    assert [line.partition(": its")[0].partition(": it can")[0] for line in found] == [
        "policies/a.cedar: policy a (line 1)",
        "policies/a.cedar: policy b (line 2)",
    ]
    assert "nested too deeply: write `[...].contains(...)` for many `||` in a row" in found[0]
