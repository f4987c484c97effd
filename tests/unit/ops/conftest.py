"""What operators work on."""

import pytest

from tests.unit.ops.administered import Administered


@pytest.fixture
def administered() -> Administered:
    return Administered()
