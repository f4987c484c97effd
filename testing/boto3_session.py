"""boto3 keeps one session for a process, with the credentials and the region that its first client found."""

import sys

import pytest


@pytest.fixture(autouse=True)
def no_session_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins without one, as a command does."""
    # Before boto3 is imported there is none.
    if "boto3" in sys.modules:
        monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
