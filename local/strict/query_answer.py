"""Answers of AWS's query protocol: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#response-serialization."""

import uuid
from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape

from local.strict.refusal import SPACES, Answer

_HEADERS: Final = {"Content-Type": "text/xml"}


def result(service: str, operation: str, members: Mapping[str, object]) -> Answer:
    """An answer that holds these members; those that are None are left out."""
    inner = f"<{operation}Result>{_xml(members)}</{operation}Result>"
    told = f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
    body = f'<{operation}Response xmlns="{SPACES[service]}">{inner}{told}</{operation}Response>'
    return 200, dict(_HEADERS), body.encode()


def _xml(members: Mapping[str, object]) -> str:
    parts: list[str] = []
    for name, value in members.items():
        if value is not None:
            inner = _xml(value) if isinstance(value, Mapping) else escape(str(value))
            parts.append(f"<{name}>{inner}</{name}>")
    return "".join(parts)
