"""Only what is about the service counts as covering it."""

import importlib.util

import pytest

from ops.environments import ROOT
from testing.counted import COUNTED, counts, service_modules


def test_the_folders_that_count_are_there() -> None:
    assert [folder for folder in COUNTED if not list((ROOT / folder).rglob("test_*.py"))] == []


def test_what_is_about_the_service_counts_and_nothing_else(request: pytest.FixtureRequest) -> None:
    assert counts(ROOT / "tests/service/test_vending.py") and counts(
        ROOT / "tests/unit/chalicelib/aws/test_durations.py"
    )
    assert not counts(ROOT / "tests/unit/ops/test_dist.py") and not counts(ROOT / "client/tests/test_lean.py")
    assert request.node.get_closest_marker("no_cover") is not None  # this test itself


def test_every_module_of_the_service_is_imported_while_it_is_counted() -> None:
    names = service_modules()
    assert {"chalicelib", "chalicelib.wire.own_sessions", "chalicelib.revocation.probe"} <= set(names)
    assert all(importlib.util.find_spec(name) for name in names)
