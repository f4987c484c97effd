"""However a request ends, a record tells it, or nothing was vended and the caller is told that credvend failed.

The faults are put everywhere: into each call of a Python function that the service makes on the way of a request.
"""

import inspect
import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import pytest

import app as app_module
from chalicelib.audit.standard_output import StandardOutput
from testing.app import Answer, CredvendApp, Json
from testing.events import iam_user, unsigned
from testing.signing_app import API, kms, signing
from testing.sts_server import LEASE_TOKEN, SECRET, TOKEN

__all__ = ["kms", "signing"]

NO_PLACES = ("HttpEdge.answer", "finalize.__call__")
SERVICE = str(Path(app_module.__file__).parent / "chalicelib")
MESSAGE = "a message that holds a secret"
ROUTES: dict[str, Callable[[CredvendApp], Answer]] = {
    "vend": lambda credvend: credvend.vend({"role": "reader", "duration": 900, "reason": "r"}),
    "vend a script": lambda credvend: credvend.vend({"role": "reader"}, query={"format": "env"}),
    "dry run": lambda credvend: credvend.vend({"role": "reader", "dry_run": True}),
    "denial": lambda credvend: credvend.vend({"role": "forbidden"}),
    "roles": lambda credvend: credvend.call("GET", "/v1/iam/roles"),
    "whoami": lambda credvend: credvend.call("GET", "/v1/iam/whoami"),
    "configuration": lambda credvend: credvend.call("GET", "/v1/iam/health"),
    "health": lambda credvend: credvend.call("GET", "/v1/health"),
    "no token": lambda credvend: credvend.call("GET", "/v1/whoami"),
}


# Of a stage that signs tokens.
SIGNED: dict[str, Callable[[CredvendApp], Answer]] = {
    "twelve hours": lambda credvend: credvend.vend({"role": "long", "duration": "12h"}, context=API),
    "lease": lambda credvend: credvend.vend({"role": "leased", "duration": 60, "reason": "r"}, context=API),
    "lease by token": lambda credvend: credvend.vend({"role": "long", "duration": 60}, context=API),
    "keys": lambda credvend: credvend.call("GET", "/.well-known/jwks.json", identity=unsigned(), context=API),
}


class Fault(Exception):
    """What nobody foresaw."""


@dataclass
class Faults:
    """Raises at one of the calls that the service makes, or is made with; the first is number 0.

    Attributes:
        at: which one; None: at none.
        calls: the functions of the service that were at work then.
    """

    at: int | None = None
    calls: list[str] = field(default_factory=list)

    def profile(self, frame: FrameType, event: str, _: object) -> None:
        caller = frame if frame.f_code.co_filename.startswith(SERVICE) else frame.f_back
        if event != "call" or caller is None or not caller.f_code.co_filename.startswith(SERVICE):
            return
        # The edge is called by Chalice, and a generator also to be closed, a finalizer where a client is given up: an
        # error in these is no more than printed.
        if frame.f_code.co_qualname in NO_PLACES or frame.f_code.co_flags & inspect.CO_GENERATOR:
            return
        self.calls.append(caller.f_code.co_qualname)
        if len(self.calls) - 1 == self.at:
            raise Fault(MESSAGE)


@contextmanager
def profiled(faults: Faults) -> Iterator[None]:
    sys.setprofile(faults.profile)
    try:
        yield
    finally:
        sys.setprofile(None)


@pytest.mark.no_cover
@pytest.mark.parametrize("route", ROUTES)
def test_wherever_it_fails_a_record_tells_how_it_ended(credvend: CredvendApp, route: str) -> None:
    fail_everywhere(credvend, ROUTES[route], route)


@pytest.mark.parametrize("route", SIGNED)
def test_wherever_a_token_or_a_lease_fails_a_record_tells_how_it_ended(
    signing: CredvendApp, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    monkeypatch.setattr("chalicelib.signing.keys.PUBLISHED_KEPT_SECONDS", 0)  # asked for each time
    fail_everywhere(signing, SIGNED[route], route)


def fail_everywhere(credvend: CredvendApp, ask: Callable[[CredvendApp], Answer], route: str) -> None:
    logging.getLogger("credvend").setLevel(logging.CRITICAL)
    ask(credvend)  # what is made with the first request is there
    honest = Faults()
    credvend.records()
    with profiled(honest):
        expected = ask(credvend)
    (*_, ending) = [record["event"] for record in credvend.records()] or [None]
    assert len(honest.calls) > 20
    for at, function in enumerate(honest.calls):
        credvend.sts.asked.clear()
        with profiled(Faults(at)):
            answer = ask(credvend)
        tokens = [asked["WebIdentityToken"] for asked in credvend.sts.asked if "WebIdentityToken" in asked]
        records = credvend.records()
        assert not any(token in answer.text or token in json.dumps(records) for token in tokens)
        place = f"{route}, call {at}, in {function}: {answer.text} {records}"
        check(answer, records, expected, ending, place)
        if not records and answer.status != expected.status:
            assert (answer.body["Code"], credvend.sts.asked) == ("AuditFailed", []), place


def check(answer: Answer, records: list[Json], expected: Answer, ending: object, place: str) -> None:
    events = [record["event"] for record in records]
    if answer.status == expected.status:  # in what never fails a request
        assert events[-1:] == ([ending] if ending else []), place
        return
    assert answer.status in (500, 503), place
    assert not any(secret in answer.text for secret in (SECRET, TOKEN, LEASE_TOKEN)), place
    assert MESSAGE not in answer.text and MESSAGE not in json.dumps(records), place
    if answer.body["Code"] == "AuditFailed":
        return
    if events[-1] == ending and expected.status != 200:
        return  # it was refused and recorded, and the refusal could not be written
    assert events[-1] in ("credentials.failed", "request.failed"), place
    assert records[-1]["cause"] in ("unforeseen", "bad_answer"), place


@pytest.mark.parametrize("room", range(2))
@pytest.mark.parametrize("route", [route for route in ROUTES if route != "health"])
def test_without_room_for_its_record_nothing_is_answered(
    credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch, route: str, room: int
) -> None:
    ROUTES[route](credvend)
    needed = len(credvend.records())
    write, written = StandardOutput.write_line, list[str]()

    def full(output: StandardOutput, line: str) -> None:
        if len(written) == room:
            raise OSError("No space left on device")
        written.append(line)
        write(output, line)

    monkeypatch.setattr(StandardOutput, "write_line", full)
    credvend.sts.asked.clear()
    answer = ROUTES[route](credvend)
    if room >= needed:
        assert answer.status < 500
        return
    assert (answer.status, answer.body["Code"]) == (500, "AuditFailed")
    assert SECRET not in answer.text and len(credvend.sts.asked) == room


class Panic(BaseException):
    """As a panic of Cedar's engine is raised (https://docs.rs/pyo3/latest/pyo3/panic/struct.PanicException.html)."""


def _panic(*_: object, **__: object) -> None:
    raise Panic(MESSAGE)


@pytest.mark.parametrize(
    ("function", "events"),
    [
        ("decisions.authorizer.Authorizer.decide", ["request.failed"]),
        ("sessions.issuing.assume_role", ["credentials.requested", "credentials.failed"]),
        ("wire.rendering.render_session", ["credentials.requested", "credentials.failed"]),
    ],
)
def test_a_panic_is_recorded_and_answered_too(
    credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch, function: str, events: list[str]
) -> None:
    monkeypatch.setattr(f"chalicelib.{function}", _panic)
    answer = credvend.vend({"role": "reader"})
    assert (answer.status, answer.body["Code"]) == (500, "InternalError")
    records = credvend.records()
    assert [record["event"] for record in records] == events
    assert (records[-1]["cause"], records[-1]["error_type"]) == ("unforeseen", "Panic")
    assert records[-1]["caller"] == "arn:aws:iam::111122223333:user/alice"
    assert MESSAGE not in json.dumps(records)


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_whoever_stops_a_local_service_stops_it(
    credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch, interrupt: type[BaseException]
) -> None:
    def stop(*_: object) -> None:
        raise interrupt

    monkeypatch.setattr("chalicelib.service.plan_session", stop)
    with pytest.raises(interrupt):
        credvend.vend({"role": "reader"})
    assert [record["event"] for record in credvend.records()] == ["request.failed"]


def test_what_sts_gave_and_nobody_got_is_recorded_as_failed(
    credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CloudTrail shows the session: the record tells that nobody has it, and by which key it is known there."""
    monkeypatch.setattr("chalicelib.wire.rendering.render_session", _panic)
    credvend.vend({"role": "reader"})
    assert len(credvend.sts.asked) == 1
    failed = credvend.records()[-1]
    assert (failed["event"], failed["access_key_id"]) == ("credentials.failed", "ASIAEXAMPLE")
    assert SECRET not in json.dumps(failed)


@pytest.mark.parametrize("address", [None, "", "nowhere", "1.2.3", "1.2.3.4/32", "\ud800", 7, {}, [], "１.2.3.4", True])
def test_an_address_that_cannot_be_read_is_refused_with_a_record(credvend: CredvendApp, address: object) -> None:
    nowhere = iam_user() | {"sourceIp": address}
    assert credvend.vend({"role": "reader"}, identity=nowhere).body["Code"] == "NotThroughApi"
    assert credvend.call("GET", "/v1/iam/whoami", identity=nowhere).body["Code"] == "NotThroughApi"
    assert [record["event"] for record in credvend.records()] == ["credentials.denied", "read.denied"]
    assert credvend.sts.asked == []
