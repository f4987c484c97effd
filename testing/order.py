"""In which order do tests run? The quick ones first, so that a broken unit shows at once."""

from functools import cache
from pathlib import Path
from typing import Final

import pytest

from ops.environments import ROOT

# What stands last in it needs the local AWS.
ORDER: Final = (
    "tests/unit",
    "tests/service",
    "tests/security",
    "client/tests",
    "tests/runtime",
    "tests/walkthroughs",
    "tests/e2e",
)
# It looks back on the whole run of a stack.
LAST: Final = "test_no_line_of_the_whole_run_holds_a_secret_that_was_vended"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: (item.name == LAST, place_of(item.path)))


@cache
def place_of(path: Path) -> int:
    """Where the tests of a file stand in the order.

    Raises:
        ValueError: in a folder that has no place.
    """
    folder = "/".join(path.relative_to(ROOT).parts[:2])
    return ORDER.index(folder)
