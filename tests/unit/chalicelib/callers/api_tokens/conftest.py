"""A world with one API token in it."""

import pytest

from tests.unit.chalicelib.callers.api_tokens.one_token import World


@pytest.fixture
def world() -> World:
    return World()
