"""What stays of botocore's service models: the operations that the function calls, and their shapes.

A client reads the whole model of its service when it is made. Of DynamoDB's, which has 57 operations and is mostly
documentation, that is a tenth of a cold start: docs/performance.md.
"""

import gzip
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, cast

from chalicelib.aws.probes import PROBES
from ops.documents.json_object import Json

# What the functions' code calls of each service, and nothing else can be: whoever calls another one adds it here.
_CALLED: Final[Mapping[str, tuple[str, ...]]] = {
    "dynamodb": ("BatchGetItem", "GetItem", "PutItem", "Query", "Scan", "TransactWriteItems", "UpdateItem"),
    "iam": ("DeleteRolePolicy", "GetRolePolicy", "ListRolePolicies", "PutRolePolicy"),
    "kms": ("GetPublicKey", "Sign"),
    "sts": ("AssumeRole", "AssumeRoleWithWebIdentity", "GetScopedCredentials"),
}
# And what it calls to see that a revocation is in force.
_PROBED: Final = {(probe.service, probe.operation) for probe in PROBES.values()}
OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    service: tuple(sorted({*_CALLED.get(service, ()), *(name for of, name in _PROBED if of == service)}))
    for service in sorted({*_CALLED, *(service for service, _ in _PROBED)})
}
_DOCUMENTATION: Final = frozenset({"documentation", "documentationUrl"})


def shorten_models(data: Path) -> None:
    """Cut the models below botocore's `data` directory, in place."""
    for service, operations in OPERATIONS.items():
        for old in sorted(path for path in (data / service).glob("*") if path.is_dir())[:-1]:
            shutil.rmtree(old)  # botocore takes the latest version
        for path in (data / service).glob("*/service-2.json*"):
            model = cut(json.loads(_read(path)), operations)
            path.unlink()
            # Not packed once more: the archive is, and Lambda unpacks that before the function starts.
            path.with_name("service-2.json").write_text(json.dumps(model, separators=(",", ":")), encoding="utf-8")


def cut(model: Json, operations: tuple[str, ...]) -> Json:
    """A model with some operations alone, what they refer to, and no documentation."""
    kept = {name: one for name, one in cast(dict[str, Json], model["operations"]).items() if name in operations}
    shapes = cast(dict[str, Json], model["shapes"])
    needed: set[str] = set()
    new = set(_referred(kept))
    while new:
        needed |= new
        new = {name for shape in new for name in _referred(shapes[shape])} - needed
    rest = {"operations": kept, "shapes": {name: shape for name, shape in shapes.items() if name in needed}}
    return cast(Json, _without_documentation(model | rest))


def _referred(node: object) -> Iterator[str]:
    """The shapes that a part of a model names."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "shape" and isinstance(value, str):
                yield value
            else:
                yield from _referred(value)
    elif isinstance(node, list):
        for value in node:
            yield from _referred(value)


def _without_documentation(node: object, is_member: bool = False) -> object:
    """The same without what only people read. Members and shapes may be called `documentation`, too."""
    if isinstance(node, dict):
        return {
            key: _without_documentation(value, key in ("members", "shapes", "operations") and not is_member)
            for key, value in node.items()
            if is_member or key not in _DOCUMENTATION
        }
    if isinstance(node, list):
        return [_without_documentation(value) for value in node]
    return node


def _read(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
