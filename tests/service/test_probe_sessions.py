"""Sessions that ask whether a revocation is in force may do the probe alone, and tell what failed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.aws.client import session
from chalicelib.revocation.probe import NotAsked, RoleSessions
from chalicelib.roles.role import Role
from testing.loopback import Request, Response, serve
from testing.sts_server import Refusal, StsServer, sts_server, tags_of
from tests.unit.chalicelib.revocation.world import INVOCATION, PROBED

ROLE = replace(PROBED, probe="iam:ListAccountAliases", external_id="shared-id")
LET_IN = """<ListAccountAliasesResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListAccountAliasesResult>
  <IsTruncated>false</IsTruncated><AccountAliases/></ListAccountAliasesResult></ListAccountAliasesResponse>"""


@dataclass
class Asked:
    """IAM, which answers the probe; STS, which gives its sessions.

    Attributes:
        code: of the error that IAM answers with; None: the session is let in.
        keys: by which IAM was asked.
    """

    sts: StsServer
    code: str | None = None
    keys: list[str] = field(default_factory=list)

    def respond(self, request: Request) -> Response:
        self.keys.append(request.headers["Authorization"].partition("Credential=")[2].partition("/")[0])
        if self.code is None:
            return Response(200, LET_IN.encode(), {"Content-Type": "text/xml"})
        body = f"<ErrorResponse><Error><Code>{self.code}</Code><Message>no</Message></Error></ErrorResponse>"
        return Response(403, body.encode(), {"Content-Type": "text/xml"})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    with sts_server() as sts:
        asked = Asked(sts)
        with serve(asked.respond) as iam:
            for service, url in (("IAM", iam.url), ("STS", sts.url)):
                monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", url)
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREVOKER")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
            monkeypatch.setattr("chalicelib.revocation.probe.ATTEMPTS", 1)
            session.cache_clear()
            yield asked
    session.cache_clear()


def is_let_in(role: Role = ROLE) -> bool:
    return RoleSessions("eu-west-1", INVOCATION).open(role, "probe-1")()


def test_the_session_may_do_nothing_but_the_probe_and_is_denied_by_its_tag(asked: Asked) -> None:
    assert is_let_in()
    assert asked.keys == ["ASIAEXAMPLE"]  # the session's, not the revoker's own
    (sent,) = asked.sts.asked
    statement = {"Effect": "Allow", "Action": "iam:ListAccountAliases", "Resource": "*"}
    assert json.loads(sent["Policy"]) == {"Version": "2012-10-17", "Statement": [statement]}
    assert tags_of(sent) == {"credvend:request": "probe-1"}
    assert (sent["RoleArn"], sent["ExternalId"], sent["DurationSeconds"]) == (ROLE.arn, "shared-id", "900")
    assert sent["RoleSessionName"] == f"credvend-probe-{INVOCATION}"


def test_a_role_without_an_external_id_is_asked_for_without_one(asked: Asked) -> None:
    assert is_let_in(replace(ROLE, external_id=None))
    assert "ExternalId" not in asked.sts.asked[0]


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_a_refusal_by_policies_is_told_apart_from_every_other_error(asked: Asked, code: str) -> None:
    asked.code = code
    assert not is_let_in()


def test_an_error_that_is_no_refusal_proves_nothing(asked: Asked) -> None:
    asked.code = "Throttling"
    with pytest.raises(NotAsked, match="answered iam:ListAccountAliases with Throttling") as raised:
        is_let_in()
    assert raised.value.cause == "probe_failed"


def test_a_probe_that_is_not_answered_proves_nothing(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:1")
    with pytest.raises(NotAsked, match=r"could not be asked \(EndpointConnectionError\)"):
        is_let_in()


def test_a_role_that_does_not_let_the_revoker_in_is_named(asked: Asked) -> None:
    asked.sts.refusals = [Refusal("AccessDenied")]
    with pytest.raises(NotAsked, match=rf"{ROLE.arn} does not let credvend's revoker in \(AccessDenied\)") as raised:
        is_let_in()
    assert raised.value.cause == "probe_not_trusted"


def test_an_sts_that_is_not_reached_proves_nothing(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    with pytest.raises(NotAsked, match=r"STS could not be asked \(EndpointConnectionError\)"):
        is_let_in()
