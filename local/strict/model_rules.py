"""A request held against the constraints of botocore's own service model: lengths, ranges, patterns, required members.

For AWS's query protocol (https://smithy.io/2.0/aws/protocols/aws-query-protocol.html), which STS and IAM speak.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import botocore.session
from botocore.model import ListShape, OperationNotFoundError, ServiceModel, Shape, StructureShape

# Java's way to say: letters, separators and digits of any script, and some punctuation. Python has no such classes.
_TAG_TEXT: Final = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]"
_TAG_PUNCTUATION: Final = frozenset("_.:/=+-@")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer of AWS."""

    code: str
    message: str
    status: int = 400


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.Session().get_service_model(service)


def check_model(service: str, action: str, parameters: Mapping[str, str]) -> Refusal | None:
    """What a service says of parameters that its model does not allow, or None.

    Args:
        parameters: as the query protocol writes them: `Tags.member.1.Key`.
    """
    try:
        shape = _model(service).operation_model(action).input_shape
    except OperationNotFoundError:
        return None  # the local AWS says so itself
    problems = list(_problems(shape, "", "", parameters)) if isinstance(shape, StructureShape) else []
    if not problems:
        return None
    errors = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
    return Refusal("ValidationError", errors + "; ".join(problems))


def _problems(shape: StructureShape, prefix: str, path: str, parameters: Mapping[str, str]) -> Iterator[str]:
    for name, member in shape.members.items():
        key, shown = prefix + name, path + name[0].lower() + name[1:]
        if isinstance(member, ListShape):
            yield from _list_problems(member, key, shown, parameters)
        elif isinstance(member, StructureShape):
            if any(given.startswith(f"{key}.") for given in parameters):
                yield from _problems(member, f"{key}.", f"{shown}.", parameters)
        elif key in parameters:
            yield from _scalar_problems(member, shown, parameters[key])
        elif name in shape.required_members:
            yield f"Value null at '{shown}' failed to satisfy constraint: Member must not be null"


def _list_problems(shape: ListShape, key: str, shown: str, parameters: Mapping[str, str]) -> Iterator[str]:
    count = 0
    while any(f"{given}.".startswith(f"{key}.member.{count + 1}.") for given in parameters):
        count += 1
        place = f"{shown}.{count}.member"
        if isinstance(shape.member, StructureShape):
            yield from _problems(shape.member, f"{key}.member.{count}.", f"{place}.", parameters)
        else:
            yield from _scalar_problems(shape.member, place, parameters[f"{key}.member.{count}"])
    most = shape.metadata.get("max")
    if most is not None and count > most:
        yield _problem(shown, f"Member must have length less than or equal to {most}")


def _scalar_problems(shape: Shape, shown: str, value: str) -> Iterator[str]:
    if shape.type_name in ("integer", "long"):
        if re.fullmatch(r"-?[0-9]+", value) is None:
            yield _problem(shown, "Member must be a number")
            return
        size, of = int(value), "value"
    elif shape.type_name == "string":
        size, of = len(value), "length"
    else:
        return
    limits = shape.metadata
    if "max" in limits and size > limits["max"]:
        yield _problem(shown, f"Member must have {of} less than or equal to {limits['max']}")
    if "min" in limits and size < limits["min"]:
        yield _problem(shown, f"Member must have {of} greater than or equal to {limits['min']}")
    if "pattern" in limits and not _matcher(limits["pattern"])(value):
        yield _problem(shown, f"Member must satisfy regular expression pattern: {limits['pattern']}")


@cache
def _matcher(pattern: str) -> Callable[[str], bool]:
    if pattern in (_TAG_TEXT + "+", _TAG_TEXT + "*"):
        return lambda value: all(c in _TAG_PUNCTUATION or unicodedata.category(c)[0] in "LZN" for c in value)
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: compiled.fullmatch(value) is not None


def _problem(shown: str, constraint: str) -> str:
    # AWS repeats the value here; what is refused may be a secret, and logs are read by many.
    return f"Value at '{shown}' failed to satisfy constraint: {constraint}"
