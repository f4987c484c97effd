"""The query parameters of a request. One that nobody reads was meant to do something, and is refused."""

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from chalicelib.errors import InvalidRequest

Query = Mapping[str, tuple[str, ...]]


def requested_format(query: Query) -> str | None:
    """The only parameter that a vend with a body takes.

    Raises:
        InvalidRequest: another parameter, or this one twice.
    """
    refuse_query(query.keys(), ("format",))
    return once("format", query["format"]) if "format" in query else None


def refuse_query(names: AbstractSet[str], known: tuple[str, ...] = ()) -> None:
    """A parameter that nobody reads was meant to do something, and would not.

    Raises:
        InvalidRequest: names the first one.
    """
    unknown = sorted(names - set(known))
    if unknown:
        there_is = f"there is {' and '.join(known)}" if known else "there are none"
        raise InvalidRequest(f"Unknown query parameter {shown(unknown[0])}: {there_is}.")


def once(name: str, values: tuple[str, ...]) -> str:
    """The only value of a parameter.

    Raises:
        InvalidRequest: it stands more than once.
    """
    if len(values) != 1:
        raise InvalidRequest(f"Query parameter {shown(name)} must stand once.")
    return values[0]


def shown(name: str) -> str:
    """A name in a message, at a length that messages can bear."""
    return json.dumps(name if len(name) <= 40 else name[:40] + "...")
