"""The function calls what is left of botocore's models, as it would call the whole ones."""

import ast
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import botocore
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape, StructureShape

from ops.building.service_models import OPERATIONS, cut, shorten_models
from ops.environments import ROOT

DATA = Path(botocore.__file__).parent / "data"


@pytest.fixture(scope="module")
def shortened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    for service in OPERATIONS:
        shutil.copytree(DATA / service, data / service)
    shorten_models(data)
    return data


def model(data: Path, service: str) -> ServiceModel:
    loader = Loader(extra_search_paths=[str(data)], include_default_search_paths=False)
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


def described(shape: Shape | None, seen: tuple[str, ...] = ()) -> object:
    """All that botocore goes by, without documentation."""
    if shape is None or shape.name in seen:
        return None
    seen = (*seen, shape.name)
    parts: dict[str, object] = {"name": shape.name, "type": shape.type_name, **shape.serialization, **shape.metadata}
    if isinstance(shape, StructureShape):
        parts["members"] = {name: described(member, seen) for name, member in shape.members.items()}
    for part in ("member", "key", "value"):
        if hasattr(shape, part):
            parts[part] = described(getattr(shape, part), seen)
    return parts


@pytest.mark.parametrize(("service", "operation"), [(s, o) for s, some in OPERATIONS.items() for o in some])
def test_an_operation_is_as_botocore_has_it(shortened: Path, service: str, operation: str) -> None:
    ours, whole = (model(data, service) for data in (shortened, DATA))
    assert ours.operation_names == sorted(OPERATIONS[service], key=whole.operation_names.index)
    assert ours.metadata == whole.metadata
    one, other = (each.operation_model(operation) for each in (ours, whole))
    assert one.http == other.http
    assert described(one.input_shape) == described(other.input_shape)
    assert described(one.output_shape) == described(other.output_shape)
    assert [described(shape) for shape in one.error_shapes] == [described(shape) for shape in other.error_shapes]
    assert one.idempotent_members == other.idempotent_members


def test_little_is_left_of_them(shortened: Path) -> None:
    assert {path.name for path in shortened.glob("*/*/service-2*")} == {"service-2.json"}
    assert all(path.stat().st_size < 50_000 for path in shortened.glob("*/*/service-2.json"))


def test_a_member_that_is_called_documentation_stays() -> None:
    shape = {"type": "structure", "documentation": "x", "members": {"documentation": {"shape": "Text"}}}
    operations = {"Get": {"documentation": "x", "input": {"shape": "In"}}, "Put": {"input": {"shape": "Other"}}}
    shapes = {"In": shape, "Text": {"type": "string"}, "Other": {"type": "structure", "members": {}}}
    left = cut({"documentation": "x", "operations": operations, "shapes": shapes}, ("Get",))
    assert left == {
        "operations": {"Get": {"input": {"shape": "In"}}},
        "shapes": {
            "In": {"type": "structure", "members": {"documentation": {"shape": "Text"}}},
            "Text": {"type": "string"},
        },
    }


def called() -> Iterator[str]:
    """Methods of clients, in what is shipped."""
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield node.func.attr


def test_all_that_is_called_of_aws_is_left() -> None:
    """By names that only clients have: DynamoDB's end so, and STS's, and IAM's."""
    known = {
        _method(operation)
        for service in ("dynamodb", "sts", "iam")
        for operation in model(DATA, service).operation_names
    }
    left = {_method(operation) for operations in OPERATIONS.values() for operation in operations}
    # A method of our own may be called `query`.
    assert {name for name in called() if name in known and "_" in name} <= left


def _method(operation: str) -> str:
    return botocore.xform_name(operation)


def test_the_whole_model_is_much_larger() -> None:
    """Else nothing would be gained, and all of this could go."""
    whole = Loader().load_service_model("dynamodb", "service-2")
    assert len(json.dumps(whole)) > 10 * len(json.dumps(cut(whole, OPERATIONS["dynamodb"])))
