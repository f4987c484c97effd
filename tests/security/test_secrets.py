"""Secrets stay where they belong: in the answer to the caller, and nowhere else."""

import json
import logging
from datetime import UTC, datetime

import pytest

from chalicelib.sessions.sts import Credentials, Session
from testing.app import REQUEST_ID, CredvendApp
from testing.sts_server import SECRET, TOKEN

VENDED = Credentials("ASIAEXAMPLE", SECRET, TOKEN, datetime.now(UTC))


def test_credentials_do_not_print_their_secrets() -> None:
    session = Session(VENDED, "AROA:x", "arn", None, None, "id", 1)
    for shown in (repr(VENDED), str(VENDED), repr(session), f"{session}"):
        assert SECRET not in shown and TOKEN not in shown and "ASIAEXAMPLE" in shown


def test_no_log_level_makes_the_aws_client_log_secrets(credvend: CredvendApp, caplog: pytest.LogCaptureFixture) -> None:
    """Lambda sets the root logger to the level that the function's settings say."""
    with caplog.at_level(logging.DEBUG):
        assert SECRET in credvend.vend({"role": "reader"}).text
    assert SECRET not in caplog.text and TOKEN not in caplog.text and "service-secret" not in caplog.text


def test_an_unforeseen_error_tells_and_logs_nothing_but_its_type_and_place(
    credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> Session:
        raise RuntimeError(f"unexpected {SECRET}")

    monkeypatch.setattr("chalicelib.sessions.issuing.assume_role", fail)
    answer = credvend.vend({"role": "reader"})
    assert answer.status == 500
    assert answer.body == {
        "Code": "InternalError",
        "Message": "credvend failed. No credentials were returned. Tell the operators the request id.",
        "RequestId": REQUEST_ID,
    }
    logged = caplog.text + json.dumps(credvend.records())
    assert REQUEST_ID in logged and "RuntimeError" in logged and SECRET not in logged


def test_a_failure_after_sts_answered_hands_nothing_out(
    credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> dict[str, object]:
        raise KeyError(TOKEN)

    monkeypatch.setattr("chalicelib.wire.rendering.render_session", fail)
    answer = credvend.vend({"role": "reader"})
    assert answer.status == 500 and TOKEN not in answer.text + caplog.text
