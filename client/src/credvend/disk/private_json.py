"""Reading JSON that this user alone has written."""

from __future__ import annotations

from typing import Any

from credvend import lean
from credvend.text.json_object import json_object


def read_json(path: str) -> dict[str, Any]:
    """What a private file of a private directory holds; nothing where there is none that can be trusted."""
    try:
        return json_object(lean.read_private(path)) or {}
    except (OSError, lean.Unreadable, ValueError):
        return {}
