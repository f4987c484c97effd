"""An IAM policy that narrows a session: read from a file, and checked as far as can be without AWS."""

from __future__ import annotations

import json
import os
import stat
import sys
from typing import Any, BinaryIO

from credvend import lean
from credvend.errors import UsageError

# AWS takes 2,048 characters, without the blanks that people put in.
_MOST_BYTES = 65_536


def read_policy(path: str) -> str:
    """The text of a file, or of standard input for `-`.

    Links are followed, and pipes are read: `--policy <(...)`.

    Raises:
        UsageError: it cannot be read, is too long, or others could have changed what it allows.
    """
    try:
        if path == "-":
            if sys.stdin is None:
                raise UsageError("There is no standard input to read the policy from.")
            return _text(sys.stdin.buffer)
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode):
                lean.refuse_others_of(path, status)
            return _text(file)
    except lean.Unreadable as error:
        raise UsageError(f"The policy is not believed: {error}") from None
    except (OSError, ValueError):
        raise UsageError(f"The policy {path} cannot be read: is it a file of text in UTF-8?") from None


def _text(file: BinaryIO) -> str:
    data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise UsageError("The policy is longer than any that AWS takes.")
    return lean.decoded(data)


def parse_policy(text: str) -> dict[str, Any]:
    """The document that a text is.

    Raises:
        UsageError: it is no JSON object, or one that can be read in two ways.
    """
    try:
        policy = json.loads(text, object_pairs_hook=_each_once)
    except ValueError as error:
        raise UsageError(f"The policy is not JSON: {error}.") from None
    except RecursionError:
        raise UsageError("The policy is nested too deeply.") from None
    if not isinstance(policy, dict):
        raise UsageError("The policy must be a JSON object: an IAM policy document.")
    return policy


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, unless it can be read in two ways, which the service refuses, too: Python would take the last value.

    Raises:
        UsageError: a name is there twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"The policy has {json.dumps(twice[:40])} twice in one object: remove one, or join them.")
    return found
