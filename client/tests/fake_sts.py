"""AWS's STS on loopback, as far as `credvend narrow` asks it: the protocol. (The strict local AWS has the rules.)"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from loopback import Answer, Asked, serving

LEASED = "the-secret-of-the-lease"
_GIVEN = """<GetScopedCredentialsResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetScopedCredentialsResult>
<Credentials><AccessKeyId>ASIALEASE</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>
<SessionToken>token-of-the-lease</SessionToken><Expiration>{ends}</Expiration></Credentials>
<SessionInfo><ScopedSessionId>AROAEXAMPLE:token=nightly</ScopedSessionId><Arn>{arn}</Arn></SessionInfo>
<SourceIdentity>token=nightly</SourceIdentity></GetScopedCredentialsResult>
<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetScopedCredentialsResponse>"""
_REFUSED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>{code}</Code>
<Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"""


@dataclass
class FakeSts:
    """What it answers can be changed at any time.

    Attributes:
        asked: parameters of every request, in order.
        signed_with: the access key id of each.
        refusal: code, message and status, instead of credentials.
        arn: whose the lease is.
    """

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    signed_with: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    refusal: tuple[str, str, int] | None = None
    arn: str = "arn:aws:sts::111122223333:assumed-role/reports/token=nightly"

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(dict(parse_qsl(asked.body.decode(), keep_blank_values=True)))
        scope = asked.headers["authorization"].partition("Credential=")[2].split("/")
        self.signed_with.append(scope[0])
        self.regions.append(scope[2])
        if self.refusal is not None:
            code, message, status = self.refusal
            return Answer(status, _REFUSED.format(code=code, message=message).encode())
        lives = int(self.asked[-1].get("DurationSeconds", 900))
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + lives))
        return Answer(body=_GIVEN.format(secret=LEASED, ends=ends, arn=self.arn).encode())


@contextlib.contextmanager
def fake_sts() -> Iterator[FakeSts]:
    sts = FakeSts()
    with serving(sts.answer) as sts.url:
        yield sts
