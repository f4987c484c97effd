"""How a deployed service is asked, and what is made of no answer."""

from dataclasses import dataclass, field
from typing import cast

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.credentials import Credentials
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from ops.aws.signed_http import SignedHttp
from ops.deployed.caller import Caller, NotAllowed, SmokeFailed
from tests.unit.ops.example import ACCOUNT, DEPLOYED

DENIED = b'{"Message": "User: x is not authorized to perform: execute-api:Invoke on resource: y"}'


@dataclass
class Answered:
    status_code: int
    content: bytes


@dataclass
class Session:
    """What answers every request so, or fails."""

    answer: Answered | Exception
    sent: list[AWSPreparedRequest] = field(default_factory=list)

    def send(self, request: AWSPreparedRequest) -> Answered:
        self.sent.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def calling(session: Session) -> Caller:
    http = SignedHttp(Credentials("AKIAEXAMPLE", "secret"), "eu-west-1", cast(URLLib3Session, session))
    return Caller(ACCOUNT, DEPLOYED, http, 1.0)


def test_only_routes_for_those_who_sign_are_signed_and_only_the_others_get_the_token() -> None:
    session = Session(Answered(200, b'{"Status": "ok"}'))
    caller = calling(session)
    assert caller.ask("GET", "/v1/iam/whoami").body == {"Status": "ok"}
    assert caller.ask("POST", "/v1/credentials", {"role": "x"}, token="none").status == 200
    signed, with_token = ({name.lower(): str(value) for name, value in sent.headers.items()} for sent in session.sent)
    assert "/eu-west-1/execute-api/aws4_request" in signed["authorization"] and "content-type" not in signed
    assert "Bearer none" in with_token["authorization"] and "application/json" in with_token["content-type"]
    assert [sent.url for sent in session.sent] == ["https://a1/v1/iam/whoami", "https://a1/v1/credentials"]


def test_no_answer_is_a_failure_and_a_missing_right_is_one_that_no_waiting_mends() -> None:
    with pytest.raises(SmokeFailed, match=r"GET /v1/health is not answered: .*https://a1") as failed:
        calling(Session(ReadTimeoutError(endpoint_url="https://a1"))).ask("GET", "/v1/health")
    assert not isinstance(failed.value, NotAllowed)
    with pytest.raises(NotAllowed, match="user/deployer may not call GET /v1/iam/roles"):
        calling(Session(Answered(403, DENIED))).ask("GET", "/v1/iam/roles")
    assert calling(Session(Answered(403, b'{"Code": "CallerRefused"}'))).ask("GET", "/v1/iam/roles").status == 403
