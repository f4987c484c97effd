"""All checks. Each is made, whatever the others find, and nobody is asked for anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from credvend import lean
from credvend.auth.aws_credentials import asking_nobody
from credvend.checks.finding import Finding
from credvend.checks.profiles import check_profiles
from credvend.checks.service import check_clock, check_url, check_who
from credvend.checks.subject import Subject
from credvend.checks.surroundings import check_cache, check_certificates, check_proxy
from credvend.checks.way_in import check_token, check_way_in
from credvend.errors import CredvendError
from credvend.time_limit import LONGEST, within

# Seconds for everything. Renewing a sign-in may take longer, for it must not be broken off.
_TOGETHER = 18.0


def _check_configuration(subject: Subject) -> Iterator[Finding]:
    path = lean.config_path(subject.environ)
    try:
        subject.config()
    except CredvendError as error:
        yield Finding("configuration", "error", f"{path or 'it'} cannot be used", error.message)
        return
    there = bool(path) and any(lean.read_services(subject.environ).values())
    yield Finding("configuration", "ok", path if there else "no file; variables and defaults")


CHECKS: Mapping[str, Callable[[Subject], Iterator[Finding]]] = {
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
        return [finding for name, check in CHECKS.items() for finding in _made(name, check, subject)]


def _made(name: str, check: Callable[[Subject], Iterator[Finding]], subject: Subject) -> Iterator[Finding]:
    try:
        yield from check(subject)
    except CredvendError as error:
        if subject.config.is_raising(error):
            yield Finding(name, "skipped", "not known", "The configuration must be repaired first.")
        else:
            yield Finding(name, "error", "failed", error.message)
    except Exception as error:  # its message may hold anything
        yield Finding(name, "error", "failed", f"This is a fault of credvend ({type(error).__name__}).")
