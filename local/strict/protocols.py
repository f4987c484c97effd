"""Which operation of a service a request asks for, and with which members: for each protocol that services speak here.

https://smithy.io/2.0/aws/protocols/
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, cast
from urllib.parse import parse_qs

from botocore.model import ListShape, MapShape, OperationNotFoundError, Shape, StructureShape

from local.strict.model_rules import service_model
from local.strict.refusal import Answer

Query = Mapping[str, list[str]]
# What answers a service's requests: method, path, headers, body, query.
Handler = Callable[[str, str, Mapping[str, str], bytes, Query], Awaitable[Answer]]
# A label of a path as `re.escape` leaves it: {FunctionName}, or {Key+} for more than one segment.
_LABEL: Final = re.compile(r"\\{([A-Za-z0-9_]+)(\\\+)?\\}")


@dataclass(frozen=True, slots=True)
class Request:
    """What reaches a service.

    Attributes:
        path: decoded, as ASGI has it.
        headers: with names in lower case.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Query


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation of a service and its members, as JSON has them; what came as text is text."""

    operation: str
    members: Mapping[str, object]


def read_request(service: str, request: Request) -> Asked | None:
    """The operation that is asked for, or None: no request that the service's model knows."""
    match service_model(service).metadata["protocol"]:
        case "query":
            return read_query(service, request.body, request.query)
        case "json":
            members = _json(request.body)
            operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
            return Asked(operation, members) if members is not None and operation else None
        case _:
            return _read_rest(service, request)


def read_query(service: str, body: bytes, query: Query) -> Asked | None:
    """The same for AWS's query protocol: `Action=AssumeRole&Tags.member.1.Key=...`."""
    sent = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    parameters = {name: values[0] for name, values in (dict(query) | sent).items()}
    try:
        shape = service_model(service).operation_model(parameters.get("Action", "")).input_shape
    except OperationNotFoundError:
        return None
    members = {} if shape is None else _structure(shape, "", parameters)
    return Asked(parameters["Action"], members)


def _structure(shape: Shape, prefix: str, parameters: Mapping[str, str]) -> dict[str, object]:
    members = cast(StructureShape, shape).members
    found = {name: _value(member, prefix + name, parameters) for name, member in members.items()}
    return {name: value for name, value in found.items() if value is not None}


def _value(shape: Shape, key: str, parameters: Mapping[str, str]) -> object:
    match shape:
        case StructureShape():
            given = any(name.startswith(f"{key}.") for name in parameters)
            return _structure(shape, f"{key}.", parameters) if given else None
        case ListShape():
            numbers = _numbers(rf"{re.escape(key)}\.member\.([0-9]+)(\..*)?", parameters)
            return [_value(shape.member, f"{key}.member.{number}", parameters) for number in numbers] or None
        case MapShape():
            numbers = _numbers(rf"{re.escape(key)}\.entry\.([0-9]+)\.key", parameters)
            entries = [f"{key}.entry.{number}" for number in numbers]
            return {parameters[f"{e}.key"]: _value(shape.value, f"{e}.value", parameters) for e in entries} or None
        case _:
            return parameters.get(key)


def _numbers(pattern: str, parameters: Mapping[str, str]) -> list[int]:
    return sorted({int(found[1]) for name in parameters if (found := re.fullmatch(pattern, name)) is not None})


def _json(body: bytes) -> dict[str, object] | None:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


@cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Method, path and name of each operation; those with more fixed text in their path come first."""
    model = service_model(service)
    found: list[tuple[int, str, re.Pattern[str], str]] = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        uri = re.escape(http["requestUri"].partition("?")[0].rstrip("/"))
        fixed = len(_LABEL.sub("", uri))
        path = _LABEL.sub(lambda label: f"(?P<{label[1]}>{'.+' if label[2] else '[^/]+'})", uri)
        found.append((-fixed, http["method"], re.compile(path + "/?"), name))
    return [route[1:] for route in sorted(found, key=lambda route: route[0])]


def _read_rest(service: str, request: Request) -> Asked | None:
    for method, pattern, name in _routes(service):
        labels = pattern.fullmatch(request.path) if method == request.method else None
        if labels is not None:
            shape = service_model(service).operation_model(name).input_shape
            return Asked(name, {}) if shape is None else _rest_members(name, shape, labels.groupdict(), request)
    return None


def _rest_members(name: str, shape: StructureShape, labels: Mapping[str, str], request: Request) -> Asked | None:
    payload = cast(str | None, shape.serialization.get("payload"))  # a member that is the whole body, as Invoke's
    sent = _json(request.body) if payload is None else {}
    if sent is None:
        return None  # the local AWS says so itself
    members: dict[str, object] = {} if payload is None else {payload: request.body}
    for member, its in shape.members.items():
        called = str(its.serialization.get("name", member))
        match its.serialization.get("location"):
            case "uri":
                value: object = labels[called]
            case "querystring":
                values = request.query.get(called)
                value = values if isinstance(its, ListShape) or not values else values[0]
            case "header":
                value = request.headers.get(called.lower())
            case _:
                value = sent.get(called)
        if value is not None:
            members[member] = value
    return Asked(name, members)
