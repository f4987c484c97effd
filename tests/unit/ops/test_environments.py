"""Setting up: once, and again only when something changed."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Barrier

import pytest

from ops import environments


@pytest.fixture(autouse=True)
def pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pip of the tests' own virtualenv, as the checkouts of these tests have none."""
    monkeypatch.setattr(environments, "_python_with_pip", lambda name: Path(sys.executable))


def test_an_environment_is_made_once_and_again_when_its_pins_change(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "ENVIRONMENTS", {"empty": ("nothing", ("requirements.txt",))})
    ran: list[list[str]] = []
    monkeypatch.setattr(environments, "_run", ran.append)
    for pins, made in (("# none\n", True), ("# none\n", False), ("# others\n", True), ("# others\n", False)):
        (tmp_path / "requirements.txt").write_text(pins)
        (tmp_path / ".venv/empty").mkdir(parents=True, exist_ok=True)
        ran.clear()
        environments.ensure("empty")
        assert bool(ran) is made
        assert ("Installing nothing into .venv/empty" in capsys.readouterr().err) is made


def test_a_package_is_installed_again_when_its_sources_change_and_the_checkout_stays_clean(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "ENVIRONMENTS", {"some": ("nothing", ("requirements.txt",))})
    monkeypatch.setattr(environments, "PACKAGES", {"some": "package"})
    ran: list[list[str]] = []
    monkeypatch.setattr(environments, "_run", ran.append)
    (tmp_path / "package/src").mkdir(parents=True)
    (tmp_path / ".venv/some").mkdir(parents=True)
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "package/pyproject.toml").write_text("")
    for source, commands in (("a = 1\n", 3), ("a = 1\n", 0), ("a = 2\n", 1)):
        (tmp_path / "package/src/some.py").write_text(source)
        ran.clear()
        environments.ensure("some")
        assert len(ran) == commands
    assert "--no-deps" in ran[-1] and str(tmp_path) not in ran[-1][-1]


def test_several_are_made_side_by_side_and_the_first_that_fails_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Barrier(2, timeout=30)
    made: list[str] = []

    def ensure(name: str) -> None:
        if name in ("one", "two"):
            both.wait()  # neither goes on before the other has begun
        if name == "broken":
            raise environments.SetupError("no such wheel")
        made.append(name)

    monkeypatch.setattr(environments, "ensure", ensure)
    environments.ensure_all(["one", "two"])
    assert sorted(made) == ["one", "two"]
    monkeypatch.setattr(environments, "_AT_ONCE", 1)
    with pytest.raises(environments.SetupError, match="no such wheel"):
        environments.ensure_all(["broken", *(f"later-{number}" for number in range(50))])
    assert len(made) < 52


def test_an_old_python_is_told_what_to_do(tmp_path: Path) -> None:
    old = tmp_path / "python3.10"
    old.write_text("#!/bin/sh\nexit 1\n")  # what the Makefile asks it is whether it is new enough
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "demo", f"PYTHON={old}"],
        cwd=environments.ROOT,
        env={"PATH": os.environ["PATH"]},  # not the settings of a `make test` that runs this
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and "needs Python 3.11 or newer" in done.stderr and done.stdout == ""


def test_a_failed_install_shows_what_pip_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "requirements.txt").write_text("no-such-package-of-credvend==1\n")
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "ENVIRONMENTS", {"broken": ("nothing", ("requirements.txt",))})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    assert environments.main(["broken"]) == 1
    assert "no-such-package-of-credvend" in capsys.readouterr().err
    assert not (tmp_path / ".venv/broken/complete").exists()
