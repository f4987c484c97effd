"""Which tests count for the coverage of the service? Those that are about its code.

Counting makes Python a third slower, and what the tests of tools, client and stack go through of the service by the way
is proved by none of them. What is demanded is covered without them.
"""

from pathlib import Path
from typing import Final

import pytest

from ops.environments import ROOT

COUNTED: Final = ("tests/unit/chalicelib", "tests/service", "tests/security")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(ROOT) and not counts(item.path):
            item.add_marker(pytest.mark.no_cover)  # pytest-cov's


def counts(path: Path) -> bool:
    """Whether the tests of a file do."""
    return any(path.is_relative_to(ROOT / folder) for folder in COUNTED)
