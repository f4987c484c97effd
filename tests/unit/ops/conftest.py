"""What tests of operators' commands begin with."""

import pytest

from ops.api_tokens.table import Tokens
from tests.unit.ops.admin_line import AdminLine
from tests.unit.ops.administered import Administered
from tests.unit.ops.stage_tables import StageTables


@pytest.fixture
def administered() -> Administered:
    return Administered()


@pytest.fixture
def tokens(administered: Administered) -> Tokens:
    return administered.tokens


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> AdminLine:
    return AdminLine(capsys, monkeypatch)


@pytest.fixture
def tables(line: AdminLine) -> StageTables:
    return line.tables
