"""Setting up what comes from npm: once, and again only when something changed."""

import json
from pathlib import Path

import pytest

from local import npm


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> npm.NpmPackages:
    """A program that needs no packages, in a checkout of its own."""
    made = npm.NpmPackages("nothing", tmp_path / "source", ("program.mjs",))
    made.source.mkdir()
    for file in made.files:
        file.write_text("")
    (tmp_path / ".venv/oidc").mkdir(parents=True)
    monkeypatch.setattr(npm, "ROOT", tmp_path)
    monkeypatch.setattr(npm, "INSTALLED", {"empty": made})
    monkeypatch.setattr(npm, "node", lambda: tmp_path / "no-node")
    return made


def test_packages_are_installed_once_and_again_when_a_file_changes(
    packages: npm.NpmPackages, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[Path] = []
    monkeypatch.setattr(npm, "_install", lambda program, directory: ran.append(directory))
    for content, made in (("// one", True), ("// one", False), ("// two", True), ("// two", False)):
        packages.files[-1].write_text(content)
        ran.clear()
        npm.ensure("empty")
        assert ran == ([npm.place("empty")] if made else [])
        assert (npm.place("empty") / "program.mjs").read_text() == content
        assert ("Installing nothing into .venv/oidc/empty" in capsys.readouterr().err) is made


def test_an_installation_that_fails_is_tried_again(
    packages: npm.NpmPackages, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = tmp_path / "bin/node"
    node.parent.mkdir()
    node.write_text("#!/bin/sh\necho no such package\nexit 1\n")
    node.chmod(0o755)
    monkeypatch.setattr(npm, "node", lambda: node)
    for _ in range(2):
        assert npm.main(["empty"]) == 1
        assert "no such package" in capsys.readouterr().err
    assert not (npm.place("empty") / "complete").exists()


@pytest.mark.parametrize("name", npm.INSTALLED)
def test_lock_files_pin_every_package_by_its_hash_and_name_no_registry(name: str) -> None:
    locked = json.loads((npm.INSTALLED[name].source / "package-lock.json").read_text())["packages"]
    for place, package in locked.items():
        assert place == "" or (package["version"] and package["integrity"].startswith("sha512-"))
        assert "resolved" not in package
