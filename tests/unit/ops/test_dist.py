"""The client's wheel: the same from the same sources, whole, and one that can be installed."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from ops import dist, environments
from ops.environments import ROOT, programs
from ops.errors import CommandFailed

CLIENT = ROOT / "client"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dist.build(CLIENT, tmp_path_factory.mktemp("wheel") / "dist")


def test_the_same_sources_give_the_same_bytes_whenever_and_by_whomever_they_are_built(
    wheel: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(CLIENT, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("*.egg-info"))
    for file in (copy / "src").rglob("*.py"):
        file.chmod(0o600)
        os.utime(file, (1_000_000_000, 1_000_000_000))
    (copy / "src/credvend/__pycache__").mkdir(exist_ok=True)
    (copy / "build/lib/credvend").mkdir(parents=True)
    (copy / "build/lib/credvend/gone.py").write_text("of another build\n")
    umask = os.umask(0o077)
    try:
        again = dist.build(copy, tmp_path / "dist")
    finally:
        os.umask(umask)
    assert again.read_bytes() == wheel.read_bytes()
    assert [file.name for file in (tmp_path / "dist").iterdir()] == [again.name]
    assert not list((CLIENT / "src").glob("*.egg-info")) and not (CLIENT / "build").exists()


def test_the_moment_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    with zipfile.ZipFile(dist.build(CLIENT, tmp_path)) as archive:
        assert {entry.date_time[:3] for entry in archive.infolist()} == {(2023, 11, 14)}


def test_it_holds_every_source_that_everybody_may_read_and_nothing_else(wheel: Path) -> None:
    sources = {
        str(file.relative_to(CLIENT / "src"))
        for file in (CLIENT / "src/credvend").rglob("*")
        if file.suffix == ".py" or file.name == "py.typed"
    }
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if ".dist-info/" not in name} == sources
        assert {entry.external_attr >> 16 & 0o777 for entry in archive.infolist()} <= {0o644, 0o664}
        (metadata,) = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")]
    assert "Requires-Dist: click" in metadata and "Provides-Extra: boto3" in metadata


def test_it_installs_into_a_fresh_virtualenv_and_says_its_version(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv")
    python = str(tmp_path / "venv/bin/python")
    # The pinned pip: with Python's own, which it unpacks for 6 s, the GitHub action's first step is tested.
    pip = [str(environments._python_with_pip("client")), "-m", "pip", "--python", python]
    options = ["--no-index", "--no-deps", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", *options, str(wheel)], check=True, timeout=120)
    # The libraries of the client's own virtualenv, but not the client that is installed there.
    (libraries,) = (programs("client").parent / "lib").glob("python*/site-packages")
    (tmp_path / "libraries").mkdir()
    for one in libraries.iterdir():
        if not one.name.startswith("credvend"):
            (tmp_path / "libraries" / one.name).symlink_to(one)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path / "libraries")}
    credvend = str(tmp_path / "venv/bin/credvend")
    for words, said in (["--version"], f"credvend {wheel.name.split('-')[1]}\n"), (["roles", "--help"], "roles"):
        done = subprocess.run(
            [credvend, *words], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
        )
        assert said in done.stdout
    where = [python, "-c", "import credvend; print(credvend.__file__)"]
    found = subprocess.run(where, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.startswith(str(tmp_path / "venv"))


def test_credvend_admin_runs_without_the_checkout(tmp_path: Path) -> None:
    wheel = dist.build(ROOT, tmp_path / "dist", dist._ADMIN)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        (metadata,) = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")]
    # What the commands import beside it is what the wheel asks for.
    asked = {re.split(r"[\[><=]", line)[0] for line in re.findall(r"Requires-Dist: (\S+)", metadata)}
    assert asked == {"boto3", "cedarpy", "click", "msgspec", "PyJWT", "PyYAML", "tzdata"}
    config = tmp_path / "config"
    shutil.copytree(ROOT / "chalicelib/config", config)
    (config / "schema.cedarschema").unlink()  # the shipped one is in the wheel
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from ops.admin import main; import ops; "
        "assert ops.__file__.startswith(sys.argv[1]); sys.exit(main(sys.argv[2:]))"
    )
    for words in (["validate"], ["who-can", "assume-role-role"], ["check-issuers", "--stage", "prod"]):
        done = subprocess.run(
            [sys.executable, "-I", "-c", program, str(tmp_path / "installed"), *words, "--config", str(config)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr


def test_a_package_that_cannot_be_built_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package/pyproject.toml").write_text("[project\n")
    with pytest.raises(CommandFailed, match="cannot be built"):
        dist.build(tmp_path / "package", tmp_path / "dist")
    assert list((tmp_path / "dist").iterdir()) == []


def test_make_dist_prints_where_the_wheel_is_and_its_hash(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dist, "_DIST", tmp_path / "dist")
    assert dist.main() == 0
    where, digest, *of_admin = (line.split()[1] for line in capsys.readouterr().out.splitlines())
    assert Path(of_admin[0]).name.startswith("credvend_admin-") and len(of_admin) == 2
    assert Path(where).parent == tmp_path / "dist" and Path(where).read_bytes() == wheel.read_bytes()
    assert digest == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_make_dist_is_what_make_clean_removes_and_git_does_not_see() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "make dist" in listed
    shown = subprocess.run(
        ["make", "-n", "dist", "clean", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert "-m ops.dist" in shown and any(" dist " in line for line in shown.splitlines() if "rm -rf" in line)
    ignored = subprocess.run(["git", "check-ignore", "-q", "dist/credvend.whl"], cwd=ROOT, check=False, timeout=60)
    assert ignored.returncode == 0
