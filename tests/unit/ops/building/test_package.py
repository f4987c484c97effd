"""Whoever packages is told of what was hardly meant to be packaged."""

from pathlib import Path

import pytest

from chalicelib.configuration import all_warnings
from local.aws import ACCOUNT
from ops.building import package as packaging
from ops.building.source_tree import SHIPPED_CONFIG, copy_source
from ops.environments import ROOT
from ops.stages.stage import Stage
from testing.app import write_config


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packaging without the steps that take long: nothing is installed."""
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setattr(packaging, "dependencies", lambda *arguments: b"")
    monkeypatch.setattr(packaging, "packaging_programs", lambda *arguments: Path("programs"))
    monkeypatch.setattr(packaging, "chalice_package", lambda stage, build, *others: build / "package/sam.json")
    monkeypatch.setattr(packaging, "complete_template", lambda *arguments: None)


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize(("stage", "is_told"), [("dev", True), ("local", False)])
def test_a_role_of_the_walk_through_is_told_of_in_any_other_stage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stage: str, is_told: bool
) -> None:
    packaging.package(Stage(stage, "python3.12"), tmp_path, ROOT / SHIPPED_CONFIG)
    said = capsys.readouterr().err
    assert (f"arn:aws:iam::{ACCOUNT}:role/assume-role-role: account {ACCOUNT} is the walk-through's" in said) is is_told


def test_what_an_earlier_version_installed_beside_the_source_is_not_packaged(tmp_path: Path) -> None:
    (tmp_path / "source/vendor").mkdir(parents=True)
    (tmp_path / "source/vendor/old.py").write_text("")
    copy_source(tmp_path / "source", None)
    assert not (tmp_path / "source/vendor").exists()


@pytest.mark.usefixtures("steps")
def test_what_is_likely_a_mistake_is_said_and_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_config(tmp_path / "config", policies='@id("all") permit (principal, action, resource);')
    template = packaging.package(Stage("dev", "python3.12"), tmp_path / "build", config)
    assert template == tmp_path / "build/package/sam.json"
    said = capsys.readouterr().err.splitlines()
    assert [
        line
        for line in said
        if line.startswith("Warning: policies/all.cedar: policy all (line 1): it asks nothing of the caller: ")
    ]


@pytest.mark.usefixtures("steps")
def test_a_warning_cannot_pass_for_other_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_warnings, "_SOURCES", (lambda written: ["a.yaml: one\nThis deploys", "b.yaml: \x1b[2K"],))
    packaging.package(Stage("dev", "python3.12"), tmp_path / "build", write_config(tmp_path / "config"))
    said = capsys.readouterr().err.splitlines()
    assert said == ["Warning: a.yaml: one\\nThis deploys", "Warning: b.yaml: \\x1b[2K"]
