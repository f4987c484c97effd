"""The runtime is the stage's, and the package is made by a Python of that version, or not at all."""

import json
from pathlib import Path

import pytest

from ops.environments import ENVIRONMENTS, ROOT, programs
from ops.errors import CommandFailed
from ops.stages import runtimes
from ops.stages.runtimes import OWN_RUNTIME, RUNTIMES, find_python, packaging_programs
from ops.stages.stage import read_stage

OTHER = next(runtime for runtime in RUNTIMES if runtime != OWN_RUNTIME)


def interpreter(path: Path, version: str | None) -> Path:
    """A program that answers as an interpreter of that version does, or does not run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + ("exit 127\n" if version is None else f"echo {version}\n"))
    path.chmod(0o755)
    return path


def stages(root: Path, **settings: object) -> Path:
    (root / ".chalice").mkdir()
    (root / ".chalice/config.json").write_text(json.dumps({"stages": {"prod": settings}}))
    return root


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    """An environment in which no Python is to be found yet."""
    return {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}


def test_a_stage_names_its_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CREDVEND_RUNTIME", raising=False)
    root = stages(tmp_path, runtime=OTHER)
    assert read_stage(root, "prod").runtime == OTHER
    monkeypatch.setenv("CREDVEND_RUNTIME", OWN_RUNTIME)
    assert read_stage(root, "prod").runtime == OWN_RUNTIME


def test_a_stage_says_which_file_names_its_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CREDVEND_RUNTIME", raising=False)
    root = stages(tmp_path, runtime=OTHER)
    assert read_stage(root, "prod", tmp_path).runtime_file is None
    (tmp_path / "stage.yaml").write_text(f"runtime: {OWN_RUNTIME}")
    stage = read_stage(root, "prod", tmp_path)
    assert (stage.runtime, stage.runtime_file) == (OWN_RUNTIME, tmp_path / "stage.yaml")


def test_what_goes_to_aws_does_not_hang_on_who_deploys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDVEND_RUNTIME", raising=False)
    shipped = json.loads((ROOT / ".chalice/config.json").read_text())["stages"]
    assert {name: "runtime" in settings for name, settings in shipped.items()} == {
        "local": False,  # the local AWS runs functions with the Python that it has
        "dev": True,
        "prod": True,
    }
    assert read_stage(ROOT, "local").runtime == OWN_RUNTIME


@pytest.mark.parametrize("runtime", ["nodejs24.x", "python3.10", "3.12", 3.12, None])
def test_a_runtime_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runtime: object) -> None:
    monkeypatch.delenv("CREDVEND_RUNTIME", raising=False)
    with pytest.raises(CommandFailed, match=r"stage prod is none of python3\.11, "):
        read_stage(stages(tmp_path, runtime=runtime), "prod")


def test_ones_own_version_packages_without_another_virtualenv() -> None:
    assert packaging_programs(OWN_RUNTIME) == programs("dev")


def test_for_every_runtime_there_is_a_virtualenv_of_its_own() -> None:
    assert {f"package-{runtime.removeprefix('python')}" for runtime in RUNTIMES} <= ENVIRONMENTS.keys()


def test_the_python_on_the_path_is_taken(paths: dict[str, str], tmp_path: Path) -> None:
    there = interpreter(tmp_path / "bin" / OTHER, OTHER)
    assert find_python(OTHER, paths) == there


def test_behind_a_shim_that_does_not_run_the_newest_of_pyenv_is_taken(paths: dict[str, str], tmp_path: Path) -> None:
    interpreter(tmp_path / "bin" / OTHER, None)
    version = OTHER.removeprefix("python")
    for patch in (1, 2):
        newest = interpreter(tmp_path / f"home/.pyenv/versions/{version}.{patch}/bin/{OTHER}", OTHER)
    assert find_python(OTHER, paths) == newest


def test_a_python_that_is_another_version_than_its_name_says_is_not_taken(
    paths: dict[str, str], tmp_path: Path
) -> None:
    interpreter(tmp_path / "bin" / OTHER, OWN_RUNTIME)
    with pytest.raises(CommandFailed, match="no such Python"):
        find_python(OTHER, paths)


def test_a_named_python_is_taken_and_no_other(paths: dict[str, str], tmp_path: Path) -> None:
    interpreter(tmp_path / "bin" / OTHER, OTHER)
    named = interpreter(tmp_path / "mine/python", OTHER)
    assert find_python(OTHER, paths | {"PACKAGE_PYTHON": str(named)}) == named
    interpreter(named, OWN_RUNTIME)
    with pytest.raises(CommandFailed, match=f"is {OWN_RUNTIME}; the package is for {OTHER}"):
        find_python(OTHER, paths | {"PACKAGE_PYTHON": str(named)})


def test_where_there_is_none_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, paths: dict[str, str]) -> None:
    for name, value in paths.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PACKAGE_PYTHON", raising=False)
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    with pytest.raises(CommandFailed) as failure:
        runtimes.packaging_programs(OTHER)
    with pytest.raises(CommandFailed) as of_stage_file:
        runtimes.packaging_programs(OTHER, Path("mine/stage.yaml"))
    assert f"`runtime: {OWN_RUNTIME}` in mine/stage.yaml" in str(of_stage_file.value)
    assert ".chalice" not in str(of_stage_file.value)
    for advice in (f"{OTHER} is on the PATH", f"PACKAGE_PYTHON=/path/to/{OTHER}", f'"runtime": "{OWN_RUNTIME}"'):
        assert advice in str(failure.value)
