"""A service on loopback, and a caller whose files are all in a directory of its own."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_keyring import Ring
from fake_service import FakeService, fake_service

from credvend.text import messages

SOURCES = str(Path(__file__).resolve().parents[1] / "src")


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that was told `--verbose` ends, and with it what it was told; tests run many in one process."""
    monkeypatch.setattr(messages, "_verbose", False)


@pytest.fixture
def service() -> Iterator[FakeService]:
    with fake_service() as started:
        yield started


@pytest.fixture
def environ(service: FakeService, tmp_path: Path) -> dict[str, str]:
    """The environment of a caller with an API token, and nothing of whoever runs the tests."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": SOURCES,
        "CREDVEND_URL": service.url,
        "CREDVEND_TOKEN": "cvt_of-the-test",
    }


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    """The operating system's keyring."""
    ring = Ring()
    package = types.ModuleType("keyring")
    package.get_keyring = lambda: ring  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", package)
    return ring
