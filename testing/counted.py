"""Which tests count for the coverage of the service? Those that are about its code, and are the same in each run.

Counting makes Python a third slower, and what the tests of tools, client and stack go through of the service by the way
is proved by none of them. What is demanded is covered without them. So it is without the tests that make up their
examples, hundreds each: what they go through would differ from run to run. Tests that do the same thousands of times
are marked `no_cover`.
"""

import importlib
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from ops.environments import ROOT

COUNTED: Final = ("tests/unit/chalicelib", "tests/service", "tests/security")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not counts(item.path) or makes_up_examples(item):
            item.add_marker(pytest.mark.no_cover)  # pytest-cov's


def pytest_collection_finish(session: pytest.Session) -> None:
    """Import the whole service while it is counted.

    What a test that does not count imports first is never imported again: its lines outside of functions would be
    missed in whichever lane that was.
    """
    if session.config.getoption("cov_source", None):
        for name in service_modules():
            importlib.import_module(name)


def service_modules() -> list[str]:
    """The names of all modules of the service."""
    paths = (ROOT / "chalicelib").rglob("*.py")
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths)
    return sorted(name.removesuffix(".__init__") for name in names)


def makes_up_examples(item: pytest.Item) -> bool:
    """Whether it is a test of Hypothesis."""
    return isinstance(item, pytest.Function) and getattr(item.obj, "is_hypothesis_test", False) is True


@cache
def counts(path: Path) -> bool:
    """Whether the tests of a file do, if they are the project's."""
    return not path.is_relative_to(ROOT) or any(path.is_relative_to(ROOT / folder) for folder in COUNTED)
