"""A loopback service that answers what it is told to. (The end-to-end tests ask the real one.)"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate

from loopback import Answer, Asked, Json, serving

SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY/+"
TOKEN = "IQoJb3JpZ2luX2VjEEXAMPLE//////////wEaCXVzLWVhc3QtMSJH=="


@dataclass(frozen=True)
class Planned:
    """An answer.

    Attributes:
        body: JSON, or bytes as they are.
        cut: end the connection after the headers.
    """

    status: int = 200
    body: Json | bytes = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class FakeService:
    """What it answers can be changed at any time.

    Attributes:
        asked: every request, in order.
        planned: the next answers; when there are none left, credentials, roles, sessions and who calls.
        lifetime: of credentials, in seconds.
        ahead: seconds that its clock is ahead.
        gate: requests are answered while it is set.
    """

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    lifetime: int = 3600
    ahead: float = 0.0
    gate: threading.Event = field(default_factory=threading.Event)
    roles: list[Json] = field(default_factory=list)
    vended: list[Json] = field(default_factory=list)
    left_out: int = 0

    def answer(self, asked: Asked) -> Planned:
        if self.planned:
            return self.planned.pop(0)
        path = asked.path.partition("?")[0]
        if "/sessions" in path:
            return self._about_sessions(path.partition("/sessions")[2].split("/")[1:])
        route = path.rpartition("/")[2]
        if route == "credentials":
            return Planned(body=self.vend(str(asked.json["role"])))
        if route == "roles":
            return Planned(body={"Roles": self.roles, "RequestId": "request-1"})
        return Planned(body={"Type": "ServiceToken", "Name": "nightly", "Tags": {"team": "data"}, "RequestId": "r"})

    def _about_sessions(self, words: list[str]) -> Planned:
        """Of the list, of one of them, or the end of one, of which AWS is told at once."""
        if not words:
            return Planned(body={"Sessions": self.vended, "LeftOut": self.left_out, "RequestId": "r"})
        found = next((each for each in self.vended if each["Id"] == words[0]), None)
        if found is None:
            message = "You have no session of that id. GET /v1/sessions (/v1/iam/sessions) lists those that you have."
            return Planned(404, {"Code": "NoSuchSession", "Message": message, "RequestId": "r"})
        if words[1:] == ["revoke"]:
            found["State"] = "revoked"
            found["Revocation"] = {"Requested": "2026-01-01T00:00:00Z", "Written": "2026-01-01T00:00:02Z"}
            found["Revocation"]["InForce"] = "2026-01-01T00:00:04Z"
        return Planned(body={"Session": found, "RequestId": "r"})

    def vend(self, role: str) -> Json:
        """An answer in the shape of `aws sts assume-role`; each has a key id of its own."""
        expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.ahead + self.lifetime))
        return {
            "Credentials": {
                "AccessKeyId": f"ASIAEXAMPLE{len(self.asked)}",
                "SecretAccessKey": SECRET,
                "SessionToken": TOKEN,
                "Expiration": expiration,
            },
            "AssumedRoleUser": {
                "AssumedRoleId": "AROAEXAMPLE:token=nightly",
                "Arn": f"arn:aws:sts::111122223333:assumed-role/{role}/token=nightly",
            },
            "PackedPolicySize": 0,
            "SourceIdentity": "token=nightly",
            "Role": role,
            "RequestId": "request-1",
        }


@contextlib.contextmanager
def fake_service(service: FakeService | None = None) -> Iterator[FakeService]:
    """Run one on a free port: this one, or one that answers as the class says."""
    service = service or FakeService()
    service.gate.set()
    lock = threading.Lock()

    def answer(asked: Asked) -> Answer:
        with lock:
            service.asked.append(asked)
            planned = service.answer(asked)
        service.gate.wait(30)
        content = planned.body if isinstance(planned.body, bytes) else json.dumps(planned.body).encode()
        date = formatdate(time.time() + service.ahead, usegmt=True)
        return Answer(planned.status, content, {"Date": date, **planned.headers}, planned.cut)

    with serving(answer) as url:
        service.url = f"{url}/api"
        try:
            yield service
        finally:
            service.gate.set()
