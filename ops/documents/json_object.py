"""JSON as documents hold it, and as files are written."""

import json

Json = dict[str, object]


def json_text(document: object) -> str:
    """The text of a file that holds a document, for people to read."""
    return json.dumps(document, indent=2) + "\n"
