"""In which form are credentials handed out? By the query, `?format=env`, or else by the header `Accept`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from chalicelib.errors import InvalidRequest, NotAcceptable
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts import Credentials, Session
from chalicelib.text.timestamps import rfc3339
from chalicelib.wire.scripts import fish_script, ini_section, posix_script, powershell_script

FormatName = Literal["json", "process", "env", "fish", "powershell", "ini"]
FORMAT_NAMES: Final[tuple[FormatName, ...]] = get_args(FormatName)
JSON: Final = "application/json"
# What `Accept` may name, in the order in which we choose among equals.
MEDIA_TYPES: Final[Mapping[str, FormatName]] = {
    JSON: "json",
    "application/vnd.credvend.process+json": "process",
    "text/x-shellscript": "env",
    "application/x-sh": "env",
    "text/x-fish": "fish",
    "text/x-powershell": "powershell",
    "text/x-ini": "ini",
}
_NOT_SCRIPTS: Final[tuple[FormatName, ...]] = ("json", "process")


@dataclass(frozen=True, slots=True)
class Format:
    """A form, and the media type that it is sent as."""

    name: FormatName
    media_type: str


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that is no JSON object. It holds secrets, and keeps them out of its `repr`."""

    media_type: str
    text: str

    def __repr__(self) -> str:
        return f"Text(media_type={self.media_type!r})"


def choose_format(named: str | None, accept: str | None) -> Format:
    """The form that the query names, else the one that the client accepts most.

    Args:
        named: the query's `format`.
        accept: the header's value (RFC 9110, 12.5.1), or None.

    Raises:
        InvalidRequest: there is no such format.
        NotAcceptable: the client accepts none of ours.
    """
    if named is not None:
        for name in FORMAT_NAMES:
            if name == named:
                return Format(name, JSON if name in _NOT_SCRIPTS else _media_type(name))
        raise InvalidRequest(f"Query parameter format must be one of: {', '.join(FORMAT_NAMES)}.")
    if accept is None:
        return Format("json", JSON)
    best = _most_accepted(accept)
    if best is None:
        raise NotAcceptable(f"Accept names nothing that credvend answers with: {', '.join(MEDIA_TYPES)}.")
    return Format(MEDIA_TYPES[best], best)


def wants_script(named: tuple[str, ...], accept: str | None) -> bool:
    """Whether the answer could be meant for `eval`. Asked of requests that may be malformed, hence on the safe side."""
    if named:
        return any(name not in _NOT_SCRIPTS for name in named)
    return accept is not None and _most_accepted(accept) != JSON


def render_credentials(chosen: Format, plan: SessionPlan, session: Session) -> Text:
    """The credentials in one of the forms that are no JSON object of ours."""
    given = session.credentials
    if chosen.name == "process":
        return Text(chosen.media_type, json.dumps(_process(plan, given)))
    if chosen.name == "ini":
        return Text(chosen.media_type, ini_section(plan.role.name, _variables(given)))
    script = {"env": posix_script, "fish": fish_script, "powershell": powershell_script}[chosen.name]
    return Text(chosen.media_type, script(_variables(given)))


def _variables(given: Credentials) -> dict[str, str]:
    """The environment variables of AWS's command line and SDKs."""
    return {
        "AWS_ACCESS_KEY_ID": given.access_key_id,
        "AWS_SECRET_ACCESS_KEY": given.secret_access_key,
        "AWS_SESSION_TOKEN": given.session_token,
        "AWS_CREDENTIAL_EXPIRATION": rfc3339(given.expiration),
    }


def _process(plan: SessionPlan, given: Credentials) -> dict[str, object]:
    """https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html"""
    return {
        "Version": 1,
        "AccessKeyId": given.access_key_id,
        "SecretAccessKey": given.secret_access_key,
        "SessionToken": given.session_token,
        "Expiration": rfc3339(given.expiration),
        "AccountId": plan.role.account,
    }


def _media_type(wanted: FormatName) -> str:
    return next(media_type for media_type, name in MEDIA_TYPES.items() if name == wanted)


def _most_accepted(accept: str) -> str | None:
    """The media type of ours that a client wants most, the first of equals; None if it wants none."""
    if not accept.strip():
        return JSON
    ranges = _ranges(accept)
    best = max(MEDIA_TYPES, key=lambda media_type: _quality(media_type, ranges))
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
    """Of the ranges that hold the type, the most specific one counts. Only who names a script gets one."""
    wider = (media_type.partition("/")[0] + "/*", "*/*") if media_type == JSON else ()
    return next((ranges[media_range] for media_range in (media_type, *wider) if media_range in ranges), 0.0)
