"""A policy that asks for an attribute that there is not guards nothing, and is told of."""

from pathlib import Path

import pytest

from chalicelib.configuration.all_warnings import configuration_warnings
from chalicelib.configuration.source import read_source
from testing.policies import configuration_directory


def warnings(directory: Path, condition: str, schema: str | None = None) -> tuple[str, ...]:
    policy = f'@id("p") forbid (principal is IamUser, action, resource) when {{ {condition} }};'
    configuration_directory(directory, policy)
    if schema is not None:
        (directory / "schema.cedarschema").write_text(schema)
    return configuration_warnings(read_source(directory, allow_loopback_http=False))


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ('context.duration > 900 || (context has rea_son && context.rea_son like "x*")', "did you mean reason?"),
        ("context.duration > 900 || context has has_reasons", "did you mean has_reason?"),
        ('context.duration > 900 || (principal has accounts && principal.accounts == "1")', "did you mean account?"),
        ("context.duration > 900 || resource has accounts", "did you mean account?"),
        ("context.duration > 900 || context.local has qwertz", "in schema.cedarschema"),
    ],
)
def test_an_attribute_that_there_is_not_is_told(tmp_path: Path, asked: str, meant: str) -> None:
    told = [line for line in warnings(tmp_path, asked) if "is never true: no attribute" in line]
    assert len(told) == 1 and meant in told[0] and told[0].startswith("policies/a.cedar: policy p")


@pytest.mark.parametrize(
    "asked",
    [
        'context has reason && context.reason like "x*"',
        'context has source_ip && context.source_ip.isInRange(ip("10.0.0.0/8"))',
        "context.local has weekday",
        "principal has account",
    ],
)
def test_one_that_there_is_is_not(tmp_path: Path, asked: str) -> None:
    assert not [line for line in warnings(tmp_path, asked) if "no attribute" in line]


def test_what_an_older_schema_does_not_know_is_told(tmp_path: Path) -> None:
    shipped = (Path(__file__).resolve().parents[4] / "chalicelib/config/schema.cedarschema").read_text()
    older = "\n".join(line for line in shipped.splitlines() if not line.strip().startswith(("reason:", "reason?:")))
    assert older != shipped
    asked = 'context.duration > 900 || (context has reason && context.reason like "x*")'
    assert [line for line in warnings(tmp_path, asked, older) if "no attribute" in line]
