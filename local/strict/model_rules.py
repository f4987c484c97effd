"""A request held against the constraints of botocore's own service model: required members, lengths, ranges, patterns.

https://smithy.io/2.0/spec/constraint-traits.html. AWS's services check the same model; what each answers with is in
the table below.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import botocore.session
from botocore.model import ListShape, MapShape, OperationNotFoundError, ServiceModel, Shape, StructureShape

from local.strict.patterns import matcher
from local.strict.refusal import Refusal

# What a service answers with: the errors that all its operations have in common, in each one's API reference.
CODES: Final = {
    "sts": "ValidationError",
    "iam": "ValidationError",
    "cloudformation": "ValidationError",
    "dynamodb": "ValidationException",
    "logs": "InvalidParameterException",
    "lambda": "ValidationException",
    "apigateway": "BadRequestException",
    "kms": "ValidationException",
}
_NUMBERS: Final = ("integer", "long")
# ministack pins a botocore that is older than these; tests/unit/local/test_strict_rules.py holds them against ours.
_ADDITIONS: Final[Mapping[str, Mapping[str, Mapping[str, object]]]] = {
    "sts": json.loads((Path(__file__).parent / "sts_additions.json").read_text()),
}


@cache
def service_model(service: str) -> ServiceModel:
    """The model of a service, by its name in botocore, and what newer versions of botocore have added to it."""
    model = botocore.session.Session().get_component("data_loader").load_service_model(service, "service-2")
    for part, added in _ADDITIONS.get(service, {}).items():
        model[part] = added | model[part]
    return ServiceModel(model, service_name=service)


def check_model(service: str, operation: str, members: Mapping[str, object]) -> Refusal | None:
    """What a service says of members that its model does not allow, or None.

    Args:
        members: as JSON has them; numbers may be text.
    """
    try:
        shape = service_model(service).operation_model(operation).input_shape
    except OperationNotFoundError:
        return None  # the local AWS says so itself
    problems = [] if shape is None else list(_problems(shape, "", members))
    if not problems:
        return None
    errors = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
    return Refusal(CODES[service], errors + "; ".join(problems))


def _problems(shape: Shape, place: str, value: object) -> Iterator[str]:
    match shape:
        case StructureShape() if isinstance(value, Mapping):
            for name, member in shape.members.items():
                shown = f"{place}.{name[0].lower()}{name[1:]}".lstrip(".")
                if value.get(name) is not None:
                    yield from _problems(member, shown, value[name])
                elif name in shape.required_members:
                    yield f"Value null at '{shown}' failed to satisfy constraint: Member must not be null"
        case ListShape() if isinstance(value, Sequence) and not isinstance(value, str):
            yield from _size_problems(shape, place, len(value), "length")
            for number, item in enumerate(value, start=1):
                yield from _problems(shape.member, f"{place}.{number}.member", item)
        case MapShape() if isinstance(value, Mapping):
            yield from _size_problems(shape, place, len(value), "length")
            for key, item in value.items():
                yield from _problems(shape.key, place, key)
                yield from _problems(shape.value, f"{place}.{key}.member", item)
        case Shape(type_name=kind) if kind in _NUMBERS and isinstance(value, int | str):
            if re.fullmatch(r"-?[0-9]+", str(value)):
                yield from _size_problems(shape, place, int(value), "value")
            else:
                yield _problem(place, "Member must be a number")
        case Shape(type_name="string") if isinstance(value, str):
            yield from _text_problems(shape, place, value)
        case Shape(type_name="blob") if isinstance(value, str | bytes):
            yield from _size_problems(shape, place, _bytes_of(value), "length")


def _text_problems(shape: Shape, place: str, value: str) -> Iterator[str]:
    yield from _size_problems(shape, place, len(value), "length")
    pattern, known = shape.metadata.get("pattern"), shape.metadata.get("enum")
    if pattern is not None and matcher(pattern).fullmatch(value) is None:
        yield _problem(place, f"Member must satisfy regular expression pattern: {pattern}")
    if known is not None and value not in known:
        yield _problem(place, f"Member must satisfy enum value set: [{', '.join(known)}]")


def _bytes_of(value: str | bytes) -> int:
    """The size of a blob, which JSON holds in base64; what is none is left to the service."""
    try:
        return len(value if isinstance(value, bytes) else base64.b64decode(value, validate=True))
    except ValueError:
        return 1


def _size_problems(shape: Shape, place: str, size: int, of: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if most is not None and size > int(most):
        yield _problem(place, f"Member must have {of} less than or equal to {most}")
    if least is not None and size < int(least):
        yield _problem(place, f"Member must have {of} greater than or equal to {least}")


def _problem(place: str, constraint: str) -> str:
    # AWS repeats the value here; what is refused may be a secret, and logs are read by many.
    return f"Value at '{place}' failed to satisfy constraint: {constraint}"
