"""In which form are credentials handed out? By the query, `?format=env`, or else by the header `Accept`."""

from collections.abc import Mapping
from typing import NamedTuple

from chalicelib.errors import InvalidRequest, NotAcceptable
from chalicelib.wire.formats.format import JSON, Format
from chalicelib.wire.formats.json_object import JSON_OBJECT
from chalicelib.wire.formats.known import BY_MEDIA_TYPE, FORMATS


class Chosen(NamedTuple):
    """A form, and the media type that it is sent as."""

    format: Format
    media_type: str


def choose_format(named: str | None, accept: str | None) -> Chosen:
    """The form that the query names, else the one that the client accepts most.

    Args:
        named: the query's `format`.
        accept: the header's value (RFC 9110, 12.5.1), or None.

    Raises:
        InvalidRequest: there is no such format.
        NotAcceptable: the client accepts none of ours.
    """
    if named is not None:
        for form in FORMATS:
            if form.name == named:
                return Chosen(form, form.media_type)
        raise InvalidRequest(f"Query parameter format must be one of: {', '.join(form.name for form in FORMATS)}.")
    if accept is None:
        return Chosen(JSON_OBJECT, JSON)
    best = _most_accepted(accept)
    if best is None:
        raise NotAcceptable(f"Accept names nothing that credvend answers with: {', '.join(BY_MEDIA_TYPE)}.")
    return Chosen(BY_MEDIA_TYPE[best], best)


def wants_script(named: tuple[str, ...], accept: str | None) -> bool:
    """Whether the answer could be meant for `eval`. Asked of requests that may be malformed, hence on the safe side."""
    if named:
        return any(name not in _NEVER_EVALUATED for name in named)
    return accept is not None and _most_accepted(accept) != JSON


_NEVER_EVALUATED = frozenset(form.name for form in FORMATS if not form.evaluated)


def _most_accepted(accept: str) -> str | None:
    """The media type of ours that a client wants most, the first of equals; None if it wants none."""
    if not accept.strip():
        return JSON
    ranges = _ranges(accept)
    best = max(BY_MEDIA_TYPE, key=lambda media_type: _quality(media_type, ranges))
    return best if _quality(best, ranges) > 0 else None


def _ranges(accept: str) -> dict[str, float]:
    """Media ranges and their quality. What is malformed is accepted not at all."""
    ranges: dict[str, float] = {}
    for part in accept.lower().split(","):
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        try:
            ranges[media_range] = min(float(quality), 1.0)
        except ValueError:
            ranges[media_range] = 0.0
    return ranges


def _quality(media_type: str, ranges: Mapping[str, float]) -> float:
    """The most specific of the ranges that hold the type counts. Only who names a script gets one."""
    wider = (media_type.partition("/")[0] + "/*", "*/*") if media_type == JSON else ()
    return next((ranges[media_range] for media_range in (media_type, *wider) if media_range in ranges), 0.0)
