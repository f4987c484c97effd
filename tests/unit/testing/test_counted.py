"""Only what is about the service counts as covering it."""

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.environments import ROOT
from testing.counted import COUNTED, counts, makes_up_examples, service_modules


def test_the_folders_that_count_are_there() -> None:
    assert [folder for folder in COUNTED if not list((ROOT / folder).rglob("test_*.py"))] == []


def test_what_is_about_the_service_counts_and_nothing_else(request: pytest.FixtureRequest) -> None:
    assert counts(ROOT / "tests/service/test_vending.py") and counts(
        ROOT / "tests/unit/chalicelib/aws/test_durations.py"
    )
    assert not counts(ROOT / "tests/unit/ops/test_dist.py") and not counts(ROOT / "client/tests/test_lean.py")
    assert request.node.get_closest_marker("no_cover") is not None  # this test itself


@given(st.none())
def made_up(_: None) -> None:
    """As tests of Hypothesis are."""


def test_a_test_that_makes_up_its_examples_does_not_count(request: pytest.FixtureRequest) -> None:
    written, found = (
        pytest.Function.from_parent(request.node.parent, name="one", callobj=one) for one in (service_modules, made_up)
    )
    assert makes_up_examples(found) and not makes_up_examples(written)


def test_every_module_of_the_service_is_imported_while_it_is_counted() -> None:
    names = service_modules()
    assert {"chalicelib", "chalicelib.wire.own_sessions", "chalicelib.revocation.probe"} <= set(names)
    assert all(importlib.util.find_spec(name) for name in names)
