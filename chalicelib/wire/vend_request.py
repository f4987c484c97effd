"""What does the caller ask for? The body or the query of a vend, read strictly."""

import re
from collections.abc import Mapping, Set
from typing import Final

from chalicelib.aws.durations import parse_duration
from chalicelib.aws.policy_document import check_document
from chalicelib.errors import InvalidRequest, RequestTooLarge, UnsupportedMediaType
from chalicelib.sessions.asked import CallerPolicy, VendRequest
from chalicelib.text.durations import MALFORMED
from chalicelib.text.printable import says_something, unprintable
from chalicelib.text.strict_json import NotStrictJson, json_object
from chalicelib.wire.query import Query, once, refuse_query, shown

# Far above any valid request, far below what would cost us time.
MAXIMUM_BODY_BYTES: Final = 16_384
MAXIMUM_REASON_CHARACTERS: Final = 256

# Wider than what the catalog allows (configuration/role_entry.py): who asks for a name that cannot be is denied as for
# one that is not there.
_ROLE_NAME_OR_ARN = re.compile(
    r"[A-Za-z0-9_.-]{1,64}(?:@[A-Za-z0-9_.-]{1,64})?|arn:aws[a-z-]*:iam::[0-9]{12}:role/[\x21-\x7e]{1,575}", re.ASCII
)
_FIELDS = frozenset({"role", "duration", "reason", "tags", "params", "policy", "dry_run"})
# In a query, where there are no objects: ?params.tenant=acme
_PARAM_IN_QUERY: Final = "params."
# More tags than STS takes, and more params than a policy of 2,048 characters has room for.
_MAXIMUM_PAIRS: Final = 50


def parse_vend_request(body: bytes, content_type: str | None) -> VendRequest:
    """Read the JSON body of a vend. A body of no declared type is taken for JSON.

    Raises:
        UnsupportedMediaType: the body is declared to be something else.
        InvalidRequest: not a JSON object, a field unknown, missing, twice or malformed. The message names it.
        RequestTooLarge: more than `MAXIMUM_BODY_BYTES`.
    """
    fields = json_fields(body, content_type, _FIELDS, '{"role": "NAME"}')
    return VendRequest(
        role=_role(fields.get("role")),
        duration=_duration(fields.get("duration")),
        reason=read_reason(fields.get("reason")),
        tags=_texts("tags", fields.get("tags")),
        params=_texts("params", fields.get("params")),
        policy=_policy(fields.get("policy")),
        dry_run=_dry_run(fields.get("dry_run", False)),
    )


def parse_vend_query(role: str, query: Query) -> VendRequest:
    """Read the query of a vend that has no body, as AWS SDKs send it.

    Args:
        role: from the path.

    Raises:
        InvalidRequest: a parameter is unknown, twice or malformed. The message names it.
    """
    single = {name: once(name, values) for name, values in query.items()}
    params = {
        name.removeprefix(_PARAM_IN_QUERY): value for name, value in single.items() if name.startswith(_PARAM_IN_QUERY)
    }
    refuse_query(single.keys() - {_PARAM_IN_QUERY + name for name in params}, ("duration", "reason", "params.NAME"))
    return VendRequest(
        role=_role(role),
        duration=_duration(single.get("duration")),
        reason=read_reason(single.get("reason")),
        params=_texts("params", params),
    )


def json_fields(body: bytes, content_type: str | None, known: Set[str], example: str) -> dict[str, object]:
    """The fields of a body, each of which somebody reads. A body of no declared type is taken for JSON.

    Args:
        example: of such a body, for messages.

    Raises:
        UnsupportedMediaType: the body is declared to be something else.
        InvalidRequest: not a JSON object, or a field unknown or twice.
        RequestTooLarge: more than `MAXIMUM_BODY_BYTES`.
    """
    if content_type is not None and content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("Send JSON, and say so with the header Content-Type: application/json.")
    fields = _json_object(body, example)
    unknown = sorted(fields.keys() - known)
    if unknown:
        raise InvalidRequest(f"Unknown field {shown(unknown[0])}. The fields are: {', '.join(sorted(known))}.")
    return fields


def _json_object(body: bytes, example: str) -> dict[str, object]:
    if len(body) > MAXIMUM_BODY_BYTES:
        raise RequestTooLarge(f"The body is larger than {MAXIMUM_BODY_BYTES} bytes.")
    if not body.strip():
        raise InvalidRequest(f"The body is empty. Send JSON such as {example}.")
    try:
        return json_object(body)
    except NotStrictJson as error:
        raise InvalidRequest(f"The body {error}. Send JSON such as {example}.") from None


def _role(value: object) -> str:
    if value is None:
        raise InvalidRequest('Field "role" is required: the name of a role in the catalog, or its ARN.')
    if not isinstance(value, str) or _ROLE_NAME_OR_ARN.fullmatch(value) is None:
        mark = unprintable(value) if isinstance(value, str) else None
        holds = f", and holds {mark}: remove that" if mark else ""
        raise InvalidRequest(f'Field "role" must be the name of a role in the catalog, or its ARN{holds}.')
    return value


def _duration(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise InvalidRequest(f'Field "duration" {MALFORMED}.')
    try:
        return parse_duration(value)
    except ValueError as error:
        raise InvalidRequest(f'Field "duration" {error}.') from None


def read_reason(value: object) -> str | None:
    """Why, in one line of words; None where nothing is said.

    Raises:
        InvalidRequest: it is no such line.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidRequest('Field "reason" must be a string.')
    if len(value) > MAXIMUM_REASON_CHARACTERS:
        raise InvalidRequest(f'Field "reason" must have at most {MAXIMUM_REASON_CHARACTERS} characters.')
    if mark := unprintable(value, prose=True):
        raise InvalidRequest(f'Field "reason" must be printable text on one line, and holds {mark}: remove that.')
    text = value.strip()
    if text and not says_something(text):
        raise InvalidRequest('Field "reason" must be told in words.')
    return text or None


def _texts(field_name: str, value: object) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise InvalidRequest(f'Field "{field_name}" must be an object of texts, such as {{"name": "value"}}.')
    if len(value) > _MAXIMUM_PAIRS:
        raise InvalidRequest(f'Field "{field_name}" must have at most {_MAXIMUM_PAIRS} values.')
    if any("\ud800" <= character <= "\udfff" for character in "".join((*value, *value.values()))):
        raise InvalidRequest(f'Field "{field_name}" holds half a character: \\ud800 to \\udfff come in pairs.')
    return value


def _policy(value: object) -> CallerPolicy | None:
    if value is None:
        return None
    try:
        statements = check_document(value)
    except ValueError as error:
        raise InvalidRequest(f'Field "policy": {error}.') from None
    assert isinstance(value, dict)  # noqa: S101 or it would be no document
    return CallerPolicy(value, statements)


def _dry_run(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidRequest('Field "dry_run" must be true or false.')
    return value
