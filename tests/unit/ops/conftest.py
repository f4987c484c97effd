"""What tests of API tokens begin with."""

import pytest

from ops.api_tokens.table import Tokens
from tests.unit.ops.administered import Administered


@pytest.fixture
def administered() -> Administered:
    return Administered()


@pytest.fixture
def tokens(administered: Administered) -> Tokens:
    return administered.tokens
