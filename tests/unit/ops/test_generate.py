"""The generated files: up to date, and of use to editors."""

import json
import re
from pathlib import Path

import pytest
import yaml

from chalicelib.configuration.catalog_file import catalog_json_schema
from ops.environments import ROOT
from ops.generate import main


def test_the_files_in_the_repository_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_a_file_that_is_out_of_date_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "chalicelib/config"
    config.mkdir(parents=True)
    (tmp_path / ".chalice").mkdir()
    (config / "roles.yaml").write_text("roles: []")
    monkeypatch.setattr("ops.generate.ROOT", tmp_path)
    assert main(["--check"]) == 1
    assert ".chalice/policy.json is out of date: run `make generate`" in capsys.readouterr().err
    assert main([]) == 0 and main(["--check"]) == 0


def test_the_json_schema_has_every_key_of_a_role_with_a_pattern_that_editors_know() -> None:
    text = json.dumps(catalog_json_schema())
    assert r"\\Z" not in text
    entry = json.loads(text)["$defs"]["RoleEntry"]
    assert entry["additionalProperties"] is False and entry["required"] == ["name"]
    assert entry["oneOf"] == [
        {"required": ["arn"]},
        {"required": ["role", "accounts"], "not": {"required": ["arn"]}},
    ]
    assert set(entry["properties"]) == {
        "name",
        "arn",
        "role",
        "accounts",
        "description",
        "groups",
        "default_duration",
        "max_duration",
        "min_duration",
        "external_id",
        "require_reason",
        "source_identity",
        "tag_session",
        "probe",
        "chains_to",
        "policy",
        "policy_arns",
        "params",
        "claims",
        "tags",
        "caller_tags",
        "transitive_tags",
    }
    shipped = yaml.safe_load((ROOT / "chalicelib/config/roles.yaml").read_text())["roles"][0]
    assert re.search(entry["properties"]["arn"]["pattern"], shipped["arn"])
