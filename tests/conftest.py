"""What every suite needs: a region, which Lambda always sets; and the fixtures."""

import os

import pytest

os.environ.setdefault("AWS_REGION", "ap-northeast-2")
os.environ.setdefault("AWS_DEFAULT_REGION", "ap-northeast-2")

pytest_plugins = [
    "testing.lanes",
    "testing.cedar",
    "testing.app",
    "testing.deployed",
    "testing.client",
]

# It looks back on the whole run.
LAST = "test_no_line_of_the_whole_run_holds_a_secret_that_was_vended"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.name == LAST)
