"""Credentials are renewed before they end, once for all, and served for as long as they do."""

from __future__ import annotations

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


def test_old_ones_with_less_than_a_minute_to_live_are_not_served() -> None:
    source = Source(50)
    renewer = Renewer(source)
    renewer.renew()
    assert renewer.current().process == "2"
    source.error = ServiceError("The service is away.")
    renewer._entry = lean.Entry("key", int(time.time()) - 3000, int(time.time()) + 50, "old", "{}")
    with pytest.raises(ServiceError):
        renewer.current()


def test_who_is_told_no_has_nothing_more_to_serve() -> None:
    source = Source(120)
    renewer = Renewer(source)
    renewer.renew()
    source.error = AccessDeniedError("No.")
    for _ in range(2):
        with pytest.raises(AccessDeniedError):
            renewer.renew() if renewer._entry else renewer.current()


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
