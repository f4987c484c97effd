"""The service: where it is, whether it answers, what time it has, and who it says the caller is."""

from __future__ import annotations

from credvend import lean
from credvend.checks.finding import Found, NotKnown, advice_of, first
from credvend.checks.subject import TO_ANSWER, Subject
from credvend.errors import CredvendError, UsageError
from credvend.text.json_object import json_object
from credvend.time_limit import within
from credvend.vending.refusals import refusal
from credvend.vending.service import LARGEST_SKEW, Service, skew_of, skew_text

_LATER = "If that stays so, tell the service's operators."


def check_url(subject: Subject) -> Found:
    """Where the service is, who says so, and whether it answers."""
    try:
        said = f"{subject.url()} ({_said_by(subject)})"
    except UsageError as error:
        return Found("error", "none that can be used", error.message)
    try:
        response, seconds = subject.health()
    except CredvendError as error:
        advice = advice_of(error, "Is url right, and is there a way to it from here?")
        return Found("error", f"{said} does not answer", advice)
    if response.status != 200:
        return Found("error", f"{said} answers with status {response.status}", advice_of(refusal(response), _LATER))
    if (json_object(response.body) or {}).get("Status") != "ok":
        return Found("error", f"{said} is something else", "That is no credvend: is url right to its end?")
    return Found("ok", f"{said} answers in {seconds:.2f} s")


def _said_by(subject: Subject) -> str:
    service = subject.environ.get(lean.SERVICE, "")
    if "url" in lean.set_by_variables(service) and subject.environ.get("CREDVEND_URL"):
        return "CREDVEND_URL"
    return lean.config_path(subject.environ) + (f", [service {service}]" if service else "")


def check_clock(subject: Subject) -> Found:
    """This computer's clock, by the service's."""
    with first("The service must answer first."):
        skew = skew_of(subject.health().response)
    if skew is None:
        raise NotKnown("The answer of the service tells no time.")
    if skew == 0.0:
        return Found("ok", "as the service's")
    if abs(skew) <= LARGEST_SKEW:
        return Found("ok", skew_text(skew))
    return Found("error", skew_text(skew), "Set it: AWS refuses signatures that are five minutes off.")


def check_who(subject: Subject) -> Found:
    """Who the service says the caller is."""
    with first("There must be a way in first."):
        subject.proof()
    try:
        with within(TO_ANSWER):
            answer = Service(subject.config(), subject.caller(), subject.environ).whoami()
    except CredvendError as error:
        return Found("error", "the service does not say", advice_of(error, _LATER))
    name = next((str(answer[key])[:200] for key in ("Arn", "Name", "Subject") if answer.get(key)), "")
    return Found("ok", f"{str(answer.get('Type', ''))[:50]} {name}".strip())
