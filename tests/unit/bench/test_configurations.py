"""The configurations that `make bench` measures are ones that the service takes."""

from pathlib import Path
from typing import Final

import pytest

from bench.configurations import Size, write_configuration
from chalicelib.configuration.compile import compile_configuration
from testing.cedar import SCHEMA
from testing.tokens import rsa_key

# With more policies than roles, more roles than policies, and what each setting adds: as measured, but small.
SIZES: Final = [
    Size(10, 10),
    Size(40, 200),
    Size(400, 20),
    Size(400, 20, accounts=4),
    Size(10, 10, ledger=True),
    Size(10, 10, long=True),
    Size(20, 100, "caller"),
    Size(20, 20, "anything"),
]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_what_is_measured_is_there_and_has_no_problems(tmp_path: Path, size: Size) -> None:
    config = write_configuration(tmp_path, size, rsa_key("bench"))
    (config / "schema.cedarschema").write_text(SCHEMA)
    roles = compile_configuration(config, allow_loopback_http=False).catalog.roles
    assert len(roles) == size.roles
    assert {name for _, name in size.questions} <= {role.name for role in roles}
