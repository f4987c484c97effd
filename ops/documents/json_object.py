"""JSON as documents hold it, and as files are written."""

import json
from typing import cast

Json = dict[str, object]


def json_text(document: object) -> str:
    """The text of a file that holds a document, for people to read."""
    return json.dumps(document, indent=2) + "\n"


def json_object(text: str) -> Json:
    """The object that a text is as JSON, or else an empty one: a line of the log that is cut off, say."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return cast(Json, found) if isinstance(found, dict) else {}
