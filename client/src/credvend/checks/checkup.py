"""All checks. Each is made, whatever the others find, and nobody is asked for anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from credvend import lean
from credvend.auth.aws_credentials import asking_nobody
from credvend.checks.finding import Finding, Found, NotKnown
from credvend.checks.profiles import check_profiles
from credvend.checks.service import check_clock, check_url, check_who
from credvend.checks.subject import Subject
from credvend.checks.surroundings import check_cache, check_certificates, check_proxy
from credvend.checks.way_in import check_token, check_way_in
from credvend.errors import CredvendError
from credvend.time_limit import LONGEST, within

# Seconds for everything. Renewing a sign-in may take longer, for it must not be broken off.
_TOGETHER = 18.0


def _check_configuration(subject: Subject) -> Found:
    path = lean.config_path(subject.environ)
    try:
        subject.configured()
    except CredvendError as error:
        return Found("error", f"{path or 'it'} cannot be used", error.message)
    there = bool(path) and any(lean.read_services(subject.environ).values())
    return Found("ok", path if there else "no file; variables and defaults")


_Check = Callable[[Subject], Found | Iterable[Found]]
CHECKS: Mapping[str, _Check] = {
    "configuration": _check_configuration,
    "url": check_url,
    "clock": check_clock,
    "proxy": check_proxy,
    "certificates": check_certificates,
    "way in": check_way_in,
    "token": check_token,
    "you": check_who,
    "cache": check_cache,
    "profiles": check_profiles,
}


def checkup(environ: Mapping[str, str]) -> list[Finding]:
    """What all checks find, in their order; at least one finding each."""
    subject = Subject(environ)
    with within(LONGEST), within(_TOGETHER), asking_nobody():
        return [Finding(name, *found) for name, check in CHECKS.items() for found in _made(check, subject)]


def _made(check: _Check, subject: Subject) -> Iterable[Found]:
    try:
        found = check(subject)
        yield from [found] if isinstance(found, Found) else found
    except NotKnown as unknown:
        yield Found("skipped", unknown.result, unknown.message)
    except CredvendError as error:
        yield Found("error", "failed", error.message)
    except Exception as error:  # its message may hold anything
        yield Found("error", "failed", f"This is a fault of credvend ({type(error).__name__}).")
