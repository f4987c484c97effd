"""The service: where it is, whether it answers, what time it has, and who it says the caller is."""

from __future__ import annotations

from collections.abc import Iterator

from credvend import lean
from credvend.checks.finding import Finding, advice_of
from credvend.checks.subject import TO_ANSWER, Subject
from credvend.errors import CredvendError
from credvend.text.json_object import json_object
from credvend.time_limit import within
from credvend.vending.refusals import refusal
from credvend.vending.service import LARGEST_SKEW, Service, skew_of

_LATER = "If that stays so, tell the service's operators."


def check_url(subject: Subject) -> Iterator[Finding]:
    """Where the service is, who says so, and whether it answers."""
    try:
        said = f"{subject.url()} ({_said_by(subject)})"
    except CredvendError as error:
        if subject.config.is_raising(error):
            raise
        yield Finding("url", "error", "none that can be used", error.message)
        return
    try:
        response, seconds = subject.health()
    except CredvendError as error:
        advice = advice_of(error, "Is url right, and is there a way to it from here?")
        yield Finding("url", "error", f"{said} does not answer", advice)
        return
    if response.status != 200:
        advice = advice_of(refusal(response), _LATER)
        yield Finding("url", "error", f"{said} answers with status {response.status}", advice)
    elif (json_object(response.body) or {}).get("Status") != "ok":
        yield Finding("url", "error", f"{said} is something else", "That is no credvend: is url right to its end?")
    else:
        yield Finding("url", "ok", f"{said} answers in {seconds:.2f} s")


def _said_by(subject: Subject) -> str:
    service = subject.environ.get(lean.SERVICE, "")
    if "url" in lean.set_by_variables(service) and subject.environ.get("CREDVEND_URL"):
        return "CREDVEND_URL"
    return lean.config_path(subject.environ) + (f", [service {service}]" if service else "")


def check_clock(subject: Subject) -> Iterator[Finding]:
    """This computer's clock, by the service's."""
    try:
        response, _ = subject.health()
    except CredvendError as error:
        if subject.config.is_raising(error):
            raise
        yield Finding("clock", "skipped", "not known", "The service must answer first.")
        return
    skew = skew_of(response)
    if skew is None:
        yield Finding("clock", "skipped", "not known", "The answer of the service tells no time.")
        return
    if skew == 0.0:
        yield Finding("clock", "ok", "as the service's")
        return
    result = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the service's"
    if abs(skew) <= LARGEST_SKEW:
        yield Finding("clock", "ok", result)
    else:
        yield Finding("clock", "error", result, "Set it: AWS refuses signatures that are five minutes off.")


def check_who(subject: Subject) -> Iterator[Finding]:
    """Who the service says the caller is."""
    try:
        subject.proof()
    except CredvendError as error:
        if subject.config.is_raising(error):
            raise
        yield Finding("you", "skipped", "not known", "There must be a way in first.")
        return
    try:
        with within(TO_ANSWER):
            answer = Service(subject.config(), subject.caller(), subject.environ).whoami()
    except CredvendError as error:
        yield Finding("you", "error", "the service does not say", advice_of(error, _LATER))
        return
    name = next((str(answer[key])[:200] for key in ("Arn", "Name", "Subject") if answer.get(key)), "")
    yield Finding("you", "ok", f"{str(answer.get('Type', ''))[:50]} {name}".strip())
