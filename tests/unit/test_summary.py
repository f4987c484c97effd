"""The summary of a configuration tells that an entry changed, and nothing of what it says."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from chalicelib.compiled import compile_configuration, configuration_digest
from ops.environments import ROOT
from ops.summary import Summary, compare, summarize


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return shutil.copytree(ROOT / "tests/e2e/config", tmp_path / "config", dirs_exist_ok=True)


def summary(config: Path) -> Summary:
    shutil.copy(ROOT / "chalicelib/config/schema.cedarschema", config)
    compile_configuration(config, allow_loopback_http=False)
    return summarize(config)


def test_it_has_the_digest_that_the_deployed_function_tells(config: Path) -> None:
    assert summary(config).digest == configuration_digest(config)


def test_each_role_and_policy_is_an_entry_that_changes_by_itself(config: Path) -> None:
    before = summary(config)
    roles, policies = config / "roles.yaml", config / "policies/callers.cedar"
    roles.write_text(roles.read_text().replace("Lists instances.", "Lists them."))
    policies.write_text(policies.read_text().replace("context.duration <= 1200", "context.duration <= 1800"))
    (config / "policies/more.cedar").write_text(
        '@id("more") permit (principal, action, resource == Role::"instances") when { context.duration < 900 };'
    )
    found = {difference.kind: difference for difference in compare(summary(config), before)}
    assert found.keys() == {"roles", "policies"}
    assert found["roles"].changed == ("instances",) and not found["roles"].added + found["roles"].taken
    assert found["policies"].changed == ("the-office-may-use-its-role",) and found["policies"].added == ("more",)


def test_an_issuer_is_an_entry(config: Path) -> None:
    before = summary(config)
    (config / "issuers.yaml").write_text(
        "issuers: [{name: ci, issuer: 'https://ci.example.com', audiences: [credvend]}]"
    )
    (difference,) = compare(summary(config), before)
    assert (difference.kind, difference.added) == ("issuers", ("ci",))


def test_it_holds_names_and_hashes_alone(config: Path) -> None:
    roles = config / "roles.yaml"
    roles.write_text(
        roles.read_text().replace("    groups: [open]\n", "    groups: [open]\n    external_id: s3cret\n", 1)
    )
    text = msgspec.json.encode(summary(config)).decode()
    assert "s3cret" not in text and "Lists instances" not in text
    assert msgspec.json.decode(text, type=Summary) == summary(config)
    assert {len(value) for value in json.loads(text)["roles"].values()} == {16}
