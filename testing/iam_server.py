"""IAM and STS on loopback, as far as the revoker asks them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qs, quote

from testing.loopback import LoopbackServer, Request, Response, serve

_SPACE = "https://iam.amazonaws.com/doc/2010-05-08/"


@dataclass
class IamServer:
    """What is asked, and how it is answered.

    Attributes:
        policies: inline policies by account, role and name.
        refusals: codes of errors, for the next calls; None: as usual.
        asked: operation, account and role of each call.
        page: policy names in an answer.
    """

    policies: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    refusals: list[str | None] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    page: int = 100
    server: LoopbackServer = field(init=False)

    def respond(self, request: Request) -> Response:
        sent = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
        key = request.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        # A session's key id names the account that it was made for.
        account = key.removeprefix("ASIA") if key[4:].isdecimal() else "111122223333"
        self.asked.append(sent | {"account": account})
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal is not None:
            return _error(refusal)
        there = self.policies.setdefault((account, sent.get("RoleName", "")), {})
        return cast(Response, getattr(self, sent["Action"])(sent, there))

    def AssumeRole(self, sent: dict[str, str], _: object) -> Response:  # noqa: N802
        account = sent["RoleArn"].split(":")[4]
        return _answer(
            sent,
            f"<Credentials><AccessKeyId>ASIA{account}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            "<SessionToken>t</SessionToken><Expiration>2036-01-01T00:00:00Z</Expiration></Credentials>",
        )

    def ListRolePolicies(self, sent: dict[str, str], there: dict[str, str]) -> Response:  # noqa: N802
        start = int(sent.get("Marker", 0))
        names = "".join(f"<member>{name}</member>" for name in list(there)[start : start + self.page])
        more = start + self.page < len(there)
        marker = f"<Marker>{start + self.page}</Marker>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        return _answer(sent, f"<PolicyNames>{names}</PolicyNames>{truncated}{marker}")

    def GetRolePolicy(self, sent: dict[str, str], there: dict[str, str]) -> Response:  # noqa: N802
        if sent["PolicyName"] not in there:
            return _error("NoSuchEntity")
        name = f"<RoleName>x</RoleName><PolicyName>{sent['PolicyName']}</PolicyName>"
        return _answer(sent, f"{name}<PolicyDocument>{quote(there[sent['PolicyName']])}</PolicyDocument>")

    def PutRolePolicy(self, sent: dict[str, str], there: dict[str, str]) -> Response:  # noqa: N802
        there[sent["PolicyName"]] = sent["PolicyDocument"]
        return _answer(sent, "")

    def DeleteRolePolicy(self, sent: dict[str, str], there: dict[str, str]) -> Response:  # noqa: N802
        return _answer(sent, "") if there.pop(sent["PolicyName"], None) is not None else _error("NoSuchEntity")


def _answer(sent: dict[str, str], result: str) -> Response:
    name = sent["Action"]
    text = f'<{name}Response xmlns="{_SPACE}"><{name}Result>{result}</{name}Result></{name}Response>'
    return Response(200, text.encode(), {"Content-Type": "text/xml"})


def _error(code: str) -> Response:
    status = 400 if "Throttl" in code else 403
    text = f'<ErrorResponse xmlns="{_SPACE}"><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>'
    return Response(status, text.encode(), {"Content-Type": "text/xml"})


@contextmanager
def iam_server() -> Iterator[IamServer]:
    """Both, for as long as the block runs."""
    iam = IamServer()
    with serve(iam.respond) as server:
        iam.server = server
        yield iam
