"""An STS on loopback that answers as it is told, and remembers what it was asked."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from local.strict.protocols import read_query
from local.strict.sts_rules import check_assume_role
from testing.loopback import LoopbackServer, Request, Response, serve

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN//////////"
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
        refusals: answers to the next calls; once they are used up, sessions are given.
        silent: answer nothing at all.
        ahead: seconds by which its clock is ahead of this machine's, for a function whose clock is, too.
        server: where clients reach it; none in an STS that `sts_server` did not make.
    """

    asked: list[dict[str, str]] = field(default_factory=list)
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
            refused = None if asked is None else check_assume_role(asked.members, chained=True, maximum=None)
            refusal = None if refused is None else Refusal(refused.code, refused.message, refused.status)
        if refusal is not None:
            error = f"<Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
            ending = f"<RequestId>{REQUEST_ID}</RequestId>"
            return refusal.status, f'<ErrorResponse xmlns="{_SPACE}"><Error>{error}</Error>{ending}</ErrorResponse>'
        return 200, _session(parameters, self.ahead)


def tags_of(asked: Mapping[str, str]) -> dict[str, str]:
    """The session tags in the parameters of a call."""
    keys = (name for name in asked if re.fullmatch(r"Tags\.member\.\d+\.Key", name))
    return {asked[name]: asked[name.removesuffix("Key") + "Value"] for name in keys}


def _session(asked: dict[str, str], ahead: int) -> str:
    expiration = datetime.now(UTC) + timedelta(seconds=ahead + int(asked["DurationSeconds"]))
    _, partition, _, _, account, role = asked["RoleArn"].split(":")
    arn = f"arn:{partition}:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{asked['RoleSessionName']}"
    source = f"<SourceIdentity>{asked['SourceIdentity']}</SourceIdentity>" if "SourceIdentity" in asked else ""
    return f"""<AssumeRoleResponse xmlns="{_SPACE}"><AssumeRoleResult>
      <AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:{asked["RoleSessionName"]}</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser>
      <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>
        <SessionToken>{TOKEN}</SessionToken><Expiration>{expiration:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>
      <PackedPolicySize>6</PackedPolicySize>{source}
      </AssumeRoleResult><ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></AssumeRoleResponse>"""


@contextmanager
def sts_server() -> Iterator[StsServer]:
    """STS, for as long as the block runs."""
    sts = StsServer()
    with serve(sts.respond) as server:
        sts.server = server
        yield sts
