"""The summary of a configuration tells that an entry changed, and nothing of what it says."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from chalicelib.configuration.compile import compile_configuration
from chalicelib.configuration.digest import configuration_digest
from ops.building.summary import Summary, compare, summarize, write_summary
from ops.environments import ROOT
from ops.stages.read_stage_file import read_stage_file
from ops.template.overlay import read_overlay
from testing.tokens import ec_key, key_set


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Laid out as packaging does."""
    return shutil.copytree(ROOT / "tests/e2e/config", tmp_path / "chalicelib/config", dirs_exist_ok=True)


def summary(config: Path, stage: str = "{}", template: str = "{}") -> Summary:
    """What packaging says of a configuration directory that has this stage.yaml and this template.yaml as well."""
    shutil.copy(ROOT / "chalicelib/config/schema.cedarschema", config)
    catalog = compile_configuration(config, allow_loopback_http=False).catalog
    own = config.parents[1] / "own"
    own.mkdir(exist_ok=True)
    (own / "stage.yaml").write_text(stage)
    (own / "template.yaml").write_text(template)
    written = write_summary(config.parents[1], catalog, read_stage_file(own), read_overlay(own))
    assert summarize(config) == written
    return written


def named(new: Summary, old: Summary) -> list[tuple[str, str, str]]:
    """What differs, but for files: sign, kind, name."""
    return [
        (sign, difference.kind, name)
        for difference in compare(new, old)
        if difference.kind != "files"
        for sign, names in (("+", difference.added), ("~", difference.changed), ("-", difference.taken))
        for name in names
    ]


def test_it_has_the_digest_that_the_deployed_function_tells(config: Path) -> None:
    assert summary(config).digest == configuration_digest(config)


def test_each_role_and_policy_is_an_entry_that_changes_by_itself(config: Path) -> None:
    before = summary(config)
    roles, policies = config / "roles.yaml", config / "policies/callers.cedar"
    roles.write_text(roles.read_text().replace("Lists instances.", "Lists them."))
    policies.write_text(policies.read_text().replace("context.duration <= 1200", "context.duration <= 1800"))
    (config / "policies/more.cedar").write_text(
        '@id("more") permit (principal, action, resource == Role::"instances") when { context.duration < 1000 };'
    )
    found = {difference.kind: difference for difference in compare(summary(config), before)}
    assert found.keys() == {"roles", "policies", "files"}
    assert found["roles"].changed == ("instances",) and not found["roles"].added + found["roles"].taken
    assert found["policies"].changed == ("the-office-may-use-its-role",) and found["policies"].added == ("more",)


def test_a_policy_that_goes_into_audit_mode_is_taken_from_those_that_decide(config: Path) -> None:
    more = config / "policies/more.cedar"
    text = '@id("more") {} forbid (principal, action, resource == Role::"instances");'
    more.write_text(text.format(""))
    before = summary(config)
    more.write_text(text.format('@mode("audit")'))
    tried = summary(config)
    assert named(tried, before) == [("-", "policies", "more"), ("+", "policies in audit mode", "more")]
    more.write_text(text.format('@mode("audit")').replace("forbid", "permit"))
    assert named(summary(config), tried) == [("~", "policies in audit mode", "more")]


def test_an_issuer_is_an_entry(config: Path) -> None:
    before = summary(config)
    (config / "issuers.yaml").write_text(
        "issuers: [{name: ci, issuer: 'https://ci.example.com', audiences: [credvend]}]"
    )
    assert named(summary(config), before) == [("+", "issuers", "ci")]


def test_other_keys_in_the_file_of_an_issuer_change_the_issuer(config: Path) -> None:
    (config / "issuers.yaml").write_text(
        "issuers: [{name: ci, issuer: 'https://ci.example.com', audiences: [credvend], jwks_file: keys/ci.json}]"
    )
    (config / "keys").mkdir()
    keys = config / "keys/ci.json"
    keys.write_text(json.dumps(key_set(ec_key("one"))))
    before = summary(config)
    keys.write_text(json.dumps(key_set(ec_key("another"))))
    assert named(summary(config), before) == [("~", "issuers", "ci")]


def test_who_is_let_in_and_what_bounds_the_function_is_told_by_name(config: Path) -> None:
    before = summary(config, "accounts: ['111122223333', '444455556666']\norganization: o-a1b2c3d4e5\nmemory: 512")
    roles = config / "roles.yaml"
    roles.write_text(f"role_path: /vended/\n{roles.read_text()}")
    boundary = "arn:aws:iam::111122223333:policy/company"
    after = summary(
        config,
        f"accounts: ['777788889999', '444455556666']\norganization: o-99999999zz\npermissions_boundary: {boundary}\n"
        "memory: 1024\ntags: {a: b}",
    )
    assert named(after, before) == [
        ("+", "accounts let in", "777788889999"),
        ("-", "accounts let in", "111122223333"),
        ("+", "organization let in", "o-99999999zz"),
        ("-", "organization let in", "o-a1b2c3d4e5"),
        ("+", "role_path", "/vended/"),
        ("+", "permissions_boundary", boundary),
        ("+", "other settings of stage.yaml", "tags"),
        ("~", "other settings of stage.yaml", "memory"),
    ]


def test_the_template_that_is_added_is_an_entry(config: Path) -> None:
    topic = "Resources: {Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: %s}}}"
    none, one, other = summary(config), summary(config, "{}", topic % "a"), summary(config, "{}", topic % "b")
    assert named(one, none) == [("+", "template", "template.yaml")]
    assert named(other, one) == [("~", "template", "template.yaml")]
    assert len({one.own_digest, other.own_digest, none.own_digest}) == 3 and one.digest == other.digest


def test_where_nothing_named_differs_the_files_are_told(config: Path) -> None:
    before = summary(config)
    roles = config / "roles.yaml"
    roles.write_text(f"{roles.read_text()}# a remark\n")
    (difference,) = compare(summary(config), before)
    assert (difference.kind, difference.changed) == ("files", ("roles.yaml",))


def test_it_holds_names_and_hashes_alone(config: Path) -> None:
    roles = config / "roles.yaml"
    roles.write_text(
        roles.read_text().replace("    groups: [open]\n", "    groups: [open]\n    external_id: s3cret\n", 1)
    )
    text = msgspec.json.encode(summary(config)).decode()
    assert "s3cret" not in text and "Lists instances" not in text
    assert msgspec.json.decode(text, type=Summary) == summary(config)
    assert {len(value) for value in json.loads(text)["roles"].values()} == {16}
