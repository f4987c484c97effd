"""Whose credentials a shell has, and for how long: what `credvend status` tells, for prompts in a few milliseconds.

It imports nothing that Python has not loaded, as `lean`.
"""

import time

from credvend import lean, own_session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class SessionStatus:
    """A role, and the seconds that its credentials have left; None: they renew themselves, or nobody knows."""

    def __init__(self, role: str, left: "int | None") -> None:
        self.role = role
        self.left = left

    def __str__(self) -> str:
        if self.left is None:
            return self.role
        if self.left <= 0:
            return f"{self.role} expired"
        hours, minutes = self.left // 3600, self.left % 3600 // 60
        return f"{self.role} {hours}h{minutes:02}m" if hours else f"{self.role} {minutes or '<1'}m"


def session_status(environ: "Mapping[str, str]") -> "SessionStatus | None":
    """Of this environment; None where no role's credentials are in it.

    They are what `credvend get` or `credvend exec` put there, or a profile whose `credential_process` is credvend.
    """
    role = own_session.own_role(environ)
    if role is not None:
        return SessionStatus(role, _left(environ.get("AWS_CREDENTIAL_EXPIRATION", "")))
    inside = environ.get(own_session.INSIDE)
    if inside and environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        return SessionStatus(inside, None)
    if environ.get("AWS_ACCESS_KEY_ID"):  # which AWS SDKs prefer to a profile
        return None
    words = _process_of(environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default", environ)
    asked = lean.plain_options(words or [])
    if asked is None:
        return None
    entry = lean.cached_entry(words or [], environ)
    return SessionStatus(asked[0], None if entry is None else max(0, int(entry.expires - time.time())))


def _left(expiration: str) -> "int | None":
    """Seconds until a moment such as 2026-11-24T20:58:26Z."""
    try:  # `time.strptime` imports more than all the rest
        year, month, day = (int(part) for part in expiration[:10].split("-"))
        hours, minutes, seconds = (int(part) for part in expiration[11:19].split(":"))
    except ValueError:
        return None
    # Days since 1970 by the rule of the Gregorian calendar, with years that begin in March and so end with a leap day.
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    days = year * 365 + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 719_469
    return int(days * 86_400 + hours * 3600 + minutes * 60 + seconds - time.time())


def _process_of(profile: str, environ: "Mapping[str, str]") -> "list[str] | None":
    """The arguments of `credvend process` in a profile, plainly written; None for any other profile."""
    headers = ("[default]",) if profile == "default" else (f"[profile {profile}]", f'[profile "{profile}"]')
    inside = False
    try:
        with open(lean.aws_config_path(environ), encoding="utf-8", errors="replace") as file:
            for line in file:
                text = line.strip()
                if text.startswith("["):
                    inside = text in headers
                name, _, value = text.partition("=")
                if inside and name.strip() == "credential_process":
                    program, _, rest = value.strip().partition(" process ")
                    is_ours = program.rpartition("/")[2].strip("'\"") == "credvend"
                    return rest.split() if is_ours and not {"'", '"', "\\"} & set(rest) else None
    except OSError:
        pass
    return None
