"""Credentials are renewed before they end, once for all, and served for as long as they do."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from credvend import lean
from credvend.errors import AccessDeniedError, ServiceError
from credvend.vending import renewer as renewing
from credvend.vending.renewer import Renewer


class Source:
    """Where entries come from: each lives as long as it is told."""

    def __init__(self, *lifetimes: float) -> None:
        self.lifetimes = list(lifetimes)
        self.got = 0
        self.error: Exception | None = None
        self.asked = threading.Semaphore(0)

    def __call__(self) -> lean.Entry:
        try:
            if self.error is not None:
                raise self.error
            self.got += 1
            now = time.time()
            lifetime = self.lifetimes.pop(0) if self.lifetimes else 3600
            # As if it had been an hour's, so that the margin is that of one.
            return lean.Entry("key", int(now - max(0, 3600 - lifetime)), int(now + lifetime), str(self.got), "{}")
        finally:
            self.asked.release()


def test_credentials_are_renewed_in_the_background_before_they_end() -> None:
    source = Source(301)  # the margin is five minutes
    renewer = Renewer(source)
    assert renewer.current().process == "1"
    with renewer.running():
        for _ in range(2):
            assert source.asked.acquire(timeout=30)
    assert renewer.current().process == "2" and source.got == 2


def test_while_the_service_is_away_the_old_ones_are_served_for_as_long_as_they_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(renewing, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(renewing, "_LEAST_BETWEEN", 0.0)
    source = Source(120)
    renewer = Renewer(source)
    renewer.renew()
    assert source.asked.acquire(timeout=30)
    source.error = ServiceError("The service is away.")
    with renewer.running():
        for _ in range(3):
            assert source.asked.acquire(timeout=30)
            assert renewer.current().process == "1"
        source.error = None
        while source.got < 2:
            assert source.asked.acquire(timeout=30)
    assert renewer.current().process == "2"
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "credvend: the credentials cannot be renewed now: The service is away.",
        "credvend: the credentials are renewed again",
    ]


def test_old_ones_with_less_than_a_minute_to_live_are_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewing, "_LEAST_BETWEEN", 0.0)
    source = Source(50)
    renewer = Renewer(source)
    renewer.renew()
    assert renewer.current().process == "2"
    source.error = ServiceError("The service is away.")
    renewer._entry = lean.Entry("key", int(time.time()) - 3000, int(time.time()) + 50, "old", "{}")
    with pytest.raises(ServiceError):
        renewer.current()


def test_who_is_told_no_has_nothing_more_to_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewing, "_LEAST_BETWEEN", 0.0)
    source = Source(120)
    renewer = Renewer(source)
    renewer.renew()
    source.error = AccessDeniedError("No.")
    for _ in range(2):
        with pytest.raises(AccessDeniedError):
            renewer.renew() if renewer._entry else renewer.current()


class Ending:
    """In the place of the event that ends the renewer: pauses are taken note of, and the given number is the last."""

    def __init__(self, pauses: int) -> None:
        self.left = pauses
        self.taken: list[float] = []

    def wait(self, pause: float) -> bool:
        self.taken.append(pause)
        return len(self.taken) > self.left


def test_a_denial_is_not_asked_about_again_before_somebody_wants_credentials(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewing, "_LEAST_BETWEEN", 0.0)
    source = Source(120)
    renewer = Renewer(source)
    renewer.renew()
    source.error = AccessDeniedError("No.")
    renewer._ended = Ending(20)  # type: ignore[assignment]
    renewer._run()
    denied = 2  # the first got them
    assert [source.asked.acquire(blocking=False) for _ in range(denied + 1)] == [True] * denied + [False]
    assert capsys.readouterr().err.splitlines() == ["credvend: the credentials cannot be renewed now: No."]
    source.error = None
    assert renewer.current().process == "2"
    renewer._ended = Ending(1)  # type: ignore[assignment]
    renewer._run()
    assert source.got == 2


def test_the_service_is_asked_once_a_second_at_most_however_short_leases_are_and_however_many_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    asked: list[float] = []

    def ended() -> lean.Entry:
        asked.append(clock[0])
        now = int(time.time())
        return lean.Entry("key", now - 1, now, "", "{}")

    class Waiting(Ending):
        def wait(self, pause: float) -> bool:
            clock[0] += max(0.0, pause)
            return super().wait(pause)

    renewer = Renewer(ended)
    renewer._ended = Waiting(99)  # type: ignore[assignment]
    for _ in range(10):
        renewer.current()
    assert [round(later - sooner, 3) for sooner, later in itertools.pairwise(asked)] == [1.0] * 9


def test_what_went_wrong_is_told_to_all_who_ask_within_a_second() -> None:
    source = Source()
    source.error = ServiceError("The service is away.")
    renewer = Renewer(source)
    for _ in range(3):
        with pytest.raises(ServiceError, match="away"):
            renewer.current()
    assert [source.asked.acquire(blocking=False) for _ in range(2)] == [True, False]


def test_many_requests_at_once_cause_one_renewal() -> None:
    source = Source()
    renewer = Renewer(source)
    gate = threading.Barrier(8)
    get = renewer._get

    def slow() -> lean.Entry:
        return get()

    renewer._get = slow

    def ask() -> None:
        gate.wait(30)
        renewer.current()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.got == 1
