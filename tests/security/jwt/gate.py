"""The service as a caller with a token sees it, and what each refusal must look like."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Unpack

import pytest

from testing.app import REQUEST_ID, Answer, CredvendApp, Json, Parts
from testing.events import SOURCE_IP, unsigned
from testing.sts_server import SECRET

Route = tuple[str, str, str | None]
"""A route: method, path and body."""

ROUTES: Final = (
    ("GET", "/v1/whoami", None),
    ("GET", "/v1/roles", None),
    ("POST", "/v1/credentials", '{"role": "reader"}'),
)
# https://www.rfc-editor.org/rfc/rfc6750#section-3: no quote, no backslash, no control, nothing but ASCII.
CHALLENGE: Final = re.compile(r'Bearer error="invalid_token", error_description="[\x20\x21\x23-\x5b\x5d-\x7e]+"')
UNVERIFIED: Final = {"caller", "caller_type", "caller_issuer", "caller_subject", "caller_account"}


@dataclass
class Gate:
    """The service as a caller with a token sees it.

    Attributes:
        looked_up: hosts that anything in the process wanted to reach.
    """

    credvend: CredvendApp
    caplog: pytest.LogCaptureFixture
    looked_up: list[object]

    def send(self, sent: Mapping[str, str], route: Route = ROUTES[0], **more: Unpack[Parts]) -> Answer:
        method, path, body = route
        parts: Parts = {"identity": unsigned(), "headers": sent, **more}
        return self.credvend.call(method, path, body, **parts)

    def present(self, token: str, route: Route = ROUTES[0]) -> Answer:
        return self.send({"Authorization": f"Bearer {token}"}, route)

    def vended(self, token: str) -> dict[str, str]:
        """What STS was asked for the holder of a token."""
        self.credvend.sts.asked.clear()
        answer = self.present(token, ROUTES[-1])
        assert (answer.status, SECRET in answer.text) == (200, True), answer.text
        (asked,) = self.credvend.sts.asked
        return asked

    def assert_refused(self, token: str) -> None:
        """No route opens."""
        for route in ROUTES:
            self.assert_turned_away(self.present(token, route), token)

    def assert_turned_away(self, answer: Answer, token: str, code: str = "InvalidToken") -> Json:
        """Refused the way that is promised, with nothing vended, fetched or told. Returns the record."""
        assert (answer.status, answer.body.get("Code")) == (401, code), answer.text
        assert answer.body.keys() == {"Code", "Message", "RequestId"} and answer.body["RequestId"] == REQUEST_ID
        challenge = answer.headers["WWW-Authenticate"]
        assert CHALLENGE.fullmatch(challenge) if code == "InvalidToken" else challenge == "Bearer", challenge
        assert self.credvend.sts.asked == [] and self.looked_up == []
        written, complained = self.credvend.capture.readouterr()
        (record,) = [json.loads(line) for line in written.splitlines()]
        assert record["event"] == "authentication.failed"
        assert (record["request_id"], record["source_ip"]) == (REQUEST_ID, SOURCE_IP)
        assert record["error"] == answer.body["Message"] and isinstance(record["cause"], str)
        assert not record.keys() & UNVERIFIED
        assert len(str(record.get("key_id", ""))) <= 256 and len(written) < 2048 and len(answer.text) < 1024
        told = f"{answer.text} {answer.headers} {written} {complained} {self.caplog.text}"
        for part in re.split(r"[^A-Za-z0-9_+/-]+", token):
            if len(part) >= 24:  # shorter ones stand elsewhere by chance
                assert part[:24] not in told and part[-24:] not in told
        assert isinstance(record, dict)
        return record


def each(cases: Mapping[str, object]) -> list[object]:
    """Parameters of a test, one for each case, under the case's name."""
    return [pytest.param(value, id=name.replace(" ", "-")) for name, value in cases.items()]


def assert_either(gate: Gate, answer: Answer, token: str) -> Json:
    """Refused as one without a token, or as one whose token does not count: either is true. Returns the record."""
    code = "Unauthenticated" if answer.body.get("Code") == "Unauthenticated" else "InvalidToken"
    return gate.assert_turned_away(answer, token, code)
