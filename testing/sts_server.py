"""An STS on loopback that answers as it is told, and remembers what it was asked."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from local.strict.protocols import read_query
from local.strict.sts_rules import check_assume_role
from testing.loopback import LoopbackServer, Request, Response, serve
from testing.tokens import decode

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN//////////"
LEASE_KEY = "ASIALEASE"
LEASE_TOKEN = "FwoGZXIvYXdzLEASETOKEN//////////"
LEASE_REQUEST_ID = "d7215dcf-bf42-22f1-9265-dcf8dda907d8"
REQUEST_ID = "c6104cbe-af31-11e0-8154-cbc7ccf896c7"
_SPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


@dataclass(frozen=True)
class Refusal:
    """An error answer of STS."""

    code: str
    message: str = "no"
    status: int = 403


@dataclass
class StsServer:
    """What STS was asked, and what it will answer.

    Attributes:
        asked: the parameters of each call.
        signed_by: access key id of each call that reached the server; None: it was not signed.
        refusals: answers to the next calls; once they are used up, sessions are given.
        silent: answer nothing at all.
        ahead: seconds by which its clock is ahead of this machine's, for a function whose clock is, too.
        server: where clients reach it; none in an STS that `sts_server` did not make.
    """

    asked: list[dict[str, str]] = field(default_factory=list)
    signed_by: list[str | None] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    silent: bool = False
    ahead: int = 0
    server: LoopbackServer = field(init=False)

    @property
    def url(self) -> str:
        return self.server.url

    def respond(self, request: Request) -> Response | None:
        if self.silent:
            request.stopping.wait()
            return None
        signed = re.search(r"Credential=([^/]+)/", request.headers.get("Authorization", ""))
        self.signed_by.append(signed[1] if signed else None)
        status, text = self.answer(request.body)
        return Response(status, text.encode(), {"Content-Type": "text/xml"})

    def answer(self, body: bytes) -> tuple[int, str]:
        """Status and text of the answer to a request."""
        parameters = {key: values[0] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        self.asked.append(parameters)
        refusal: Refusal | None
        if self.refusals:
            refusal = self.refusals.pop(0)
        else:
            asked = read_query("sts", body, {})
            # A function is always a session of its role: what it asks for is chained.
            is_role = asked is not None and asked.operation == "AssumeRole"
            refused = check_assume_role(asked.members, chained=True, maximum=None) if asked and is_role else None
            refusal = None if refused is None else Refusal(refused.code, refused.message, refused.status)
        if refusal is not None:
            error = f"<Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
            ending = f"<RequestId>{REQUEST_ID}</RequestId>"
            return refusal.status, f'<ErrorResponse xmlns="{_SPACE}"><Error>{error}</Error>{ending}</ErrorResponse>'
        return 200, _ANSWERS[parameters["Action"]](self, parameters)

    def session_before(self) -> dict[str, str]:
        """What was asked of the session that was given last."""
        return next(one for one in reversed(self.asked) if one["Action"] != "GetScopedCredentials")


def claims_of(asked: Mapping[str, str]) -> dict[str, Any]:
    """What the token in the parameters of a call says."""
    part = asked["WebIdentityToken"].split(".")[1]
    claims: dict[str, Any] = json.loads(decode(part))
    return claims


def tags_of(asked: Mapping[str, str]) -> dict[str, str]:
    """The session tags in the parameters of a call."""
    keys = (name for name in asked if re.fullmatch(r"Tags\.member\.\d+\.Key", name))
    return {asked[name]: asked[name.removesuffix("Key") + "Value"] for name in keys}


def _arn(asked: Mapping[str, str]) -> str:
    _, partition, _, _, account, role = asked["RoleArn"].split(":")
    return f"arn:{partition}:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{asked['RoleSessionName']}"


def _credentials(asked: Mapping[str, str], ahead: int, key: str, token: str) -> str:
    expiration = datetime.now(UTC) + timedelta(seconds=ahead + int(asked["DurationSeconds"]))
    return f"""<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>
        <SessionToken>{token}</SessionToken><Expiration>{expiration:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"""


def _wrapped(operation: str, result: str, request_id: str = REQUEST_ID) -> str:
    return f"""<{operation}Response xmlns="{_SPACE}"><{operation}Result>{result}</{operation}Result>
      <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"""


def _source(identity: str | None) -> str:
    return "" if identity is None else f"<SourceIdentity>{identity}</SourceIdentity>"


def _assumed(asked: Mapping[str, str], ahead: int, identity: str | None) -> str:
    name = asked["RoleSessionName"]
    return f"""
      <AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:{name}</AssumedRoleId><Arn>{_arn(asked)}</Arn></AssumedRoleUser>
      {_credentials(asked, ahead, "ASIAEXAMPLE", TOKEN)}
      <PackedPolicySize>6</PackedPolicySize>{_source(identity)}"""


def _session(sts: StsServer, asked: Mapping[str, str]) -> str:
    return _wrapped("AssumeRole", _assumed(asked, sts.ahead, asked.get("SourceIdentity")))


def _session_by_token(sts: StsServer, asked: Mapping[str, str]) -> str:
    claims = claims_of(asked)
    told = f"""<SubjectFromWebIdentityToken>{claims["sub"]}</SubjectFromWebIdentityToken>
      <Audience>{claims["aud"]}</Audience><Provider>{claims["iss"]}</Provider>"""
    identity = claims.get("https://aws.amazon.com/source_identity")
    return _wrapped("AssumeRoleWithWebIdentity", told + _assumed(asked, sts.ahead, identity))


def _lease(sts: StsServer, asked: Mapping[str, str]) -> str:
    before = sts.session_before()
    claims = claims_of(before) if "WebIdentityToken" in before else {}
    identity = before.get("SourceIdentity", claims.get("https://aws.amazon.com/source_identity"))
    arn, name = _arn(before), before["RoleSessionName"]
    told = f"<SessionInfo><ScopedSessionId>AROAEXAMPLE:{name}</ScopedSessionId><Arn>{arn}</Arn></SessionInfo>"
    lease = _credentials(asked, sts.ahead, LEASE_KEY, LEASE_TOKEN)
    return _wrapped("GetScopedCredentials", lease + told + _source(identity), LEASE_REQUEST_ID)


_ANSWERS: Final[Mapping[str, Callable[[StsServer, Mapping[str, str]], str]]] = {
    "AssumeRole": _session,
    "AssumeRoleWithWebIdentity": _session_by_token,
    "GetScopedCredentials": _lease,
}


@contextmanager
def sts_server() -> Iterator[StsServer]:
    """STS, for as long as the block runs."""
    sts = StsServer()
    with serve(sts.respond) as server:
        sts.server = server
        yield sts
