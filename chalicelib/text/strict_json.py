"""JSON that has one reading only, for text that a stranger sent."""

import json
import math
from typing import Final, NoReturn

# Deeper than any valid request.
MAXIMUM_DEPTH: Final = 16


class NotStrictJson(ValueError):
    """The text is not an object, or could be read in two ways. The message completes "It ..."."""


def json_object(text: bytes) -> dict[str, object]:
    """The JSON object that a text holds.

    Raises:
        NotStrictJson: not UTF-8, not JSON (RFC 8259), not an object, a name twice in one object, a number that is no
            finite number, or nested more than `MAXIMUM_DEPTH` deep.
    """
    try:
        parsed = json.loads(
            text.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_finite
        )
    except NotStrictJson:
        raise
    except UnicodeDecodeError:
        raise NotStrictJson("is not valid UTF-8") from None
    except RecursionError:
        raise NotStrictJson("is nested too deeply") from None
    except ValueError:  # JSONDecodeError, and integers of more digits than Python reads
        raise NotStrictJson("is not valid JSON") from None
    if not isinstance(parsed, dict):
        raise NotStrictJson("is not a JSON object")
    if _is_deeper(parsed, MAXIMUM_DEPTH):
        raise NotStrictJson("is nested too deeply")
    return parsed


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    children = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(child, levels - 1) for child in children)


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Two readers that pick a different one of two equal keys is how filters are bypassed: pick none.
    result = dict(pairs)
    if len(result) != len(pairs):
        raise NotStrictJson(f"has the field {json.dumps(_repeated(pairs)[:40])} twice")
    return result


def _repeated(pairs: list[tuple[str, object]]) -> str:
    """The first name that stands there again. Each is looked up once: a stranger may send thousands."""
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            break
        seen.add(name)
    return name


def _no_constant(name: str) -> NoReturn:
    raise NotStrictJson(f"is not valid JSON: {name} is not a JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotStrictJson("has a number that is too large")
    return number
