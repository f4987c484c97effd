"""Time that passes for what the cache holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from credvend import lean
from credvend.disk.private_files import write_private


def directory(environ: Mapping[str, str]) -> Path:
    return Path(lean.cache_directory(environ))


def entry_file(environ: Mapping[str, str]) -> Path:
    (found,) = directory(environ).glob("*.entry")
    return found


def age(environ: Mapping[str, str], seconds: int) -> None:
    """Let time pass for what the cache has: its moments go back."""
    path = entry_file(environ)
    key = path.name.partition(".")[0]
    entry = lean.parse_entry(path.read_bytes(), key)
    assert entry is not None
    older = lean.Entry(key, entry.obtained - seconds, entry.expires - seconds, entry.process, entry.answer)
    write_private(str(path), older.to_bytes())


def forget_failure(environ: Mapping[str, str]) -> None:
    """Let the moment pass for which a failure is shared."""
    for path in directory(environ).glob("*.failure"):
        known = json.loads(path.read_text())
        known["at"] -= 120
        path.write_text(json.dumps(known))
