"""JSON objects that come from elsewhere."""

from __future__ import annotations

import json
from typing import Any


def json_object(text: bytes | str) -> dict[str, Any] | None:
    """The object that a text is; None for anything else, however it is malformed."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # the latter for a text that is nested a thousandfold
        return None
    return found if isinstance(found, dict) else None
