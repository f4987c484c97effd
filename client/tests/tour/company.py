"""What the people of the tour talk to: the service, an OpenID provider, STS, and the console's sign-in."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from fake_provider import FakeProvider, fake_provider
from fake_service import FakeService, Planned, fake_service
from loopback import Asked, Json

ACCOUNT = "111122223333"
TOKEN = "cvt_of-ada"
DENIED = (
    "Access denied: no such role, or no policy lets you assume it now. "
    "GET /v1/roles (/v1/iam/roles) lists the roles you may assume."
)

REASON = 'Field "reason" is required for role deploy: say in a few words what you need it for.'


def _role(name: str, description: str, default: int = 3600, reason: bool = False) -> Json:
    return {
        "Role": name,
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{name}",
        "Description": description,
        "DefaultDurationSeconds": default,
        "MaxDurationSeconds": 3600,  # no chained role lasts longer
        "ReasonRequired": reason,
        "Params": [],
        "CallerTags": [],
    }


ROLES = [
    _role("deploy", "Changes the web shop", reason=True),
    _role("logs", "Reads the logs of all services", default=900),
    _role("reports", "Reads the bucket of reports"),
]


@dataclass
class Company(FakeService):
    """As the service answers, in shape and words: what it says is what chalicelib says (docs/api.md)."""

    sessions: dict[str, str] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Planned:
        route = asked.path.rpartition("/")[2]
        if route == "sts":
            return self._caller_identity(asked)
        if route == "federation":
            return Planned(body={"SigninToken": "EXAMPLE-TOKEN"})
        if not asked.headers.get("authorization", "").startswith("Bearer "):
            return Planned(401, {"Code": "Unauthenticated", "Message": "No token.", "RequestId": "request-1"})
        if route == "whoami":
            return Planned(body=_caller() | {"RoleSessionName": _session_name(asked), "RequestId": "request-1"})
        if route == "credentials" and asked.json["role"] not in [role["Role"] for role in self.roles]:
            return Planned(403, {"Code": "AccessDenied", "Message": DENIED, "RequestId": "request-1"})
        if route == "credentials" and asked.json["role"] == "deploy" and not asked.json.get("reason"):
            return Planned(400, {"Code": "InvalidRequest", "Message": REASON, "RequestId": "request-1"})
        if route == "credentials":
            return Planned(body=self._vend_to(_session_name(asked), str(asked.json["role"])))
        return super().answer(asked)

    def _vend_to(self, name: str, role: str) -> Json:
        (self.lifetime,) = (each["DefaultDurationSeconds"] for each in ROLES if each["Role"] == role)
        answer = self.vend(role)
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"
        answer["AssumedRoleUser"] = {"AssumedRoleId": f"AROAEXAMPLE:{name}", "Arn": arn}
        answer["SourceIdentity"] = name
        self.sessions[answer["Credentials"]["AccessKeyId"]] = arn
        return answer

    def _caller_identity(self, asked: Asked) -> Planned:
        """STS's GetCallerIdentity: whose the key is that signed."""
        key = re.search(r"Credential=([A-Z0-9]+)/", asked.headers.get("authorization", ""))
        arn = self.sessions.get(key[1] if key else "")
        if arn is None:
            return Planned(403, b"<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>")
        result = f"<GetCallerIdentityResult><Arn>{arn}</Arn></GetCallerIdentityResult>"
        return Planned(body=f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>".encode())


def _session_name(asked: Asked) -> str:
    """Of Ada, by an API token or by a token of the OpenID provider (docs/sessions.md)."""
    return "token=ada-laptop" if asked.headers["authorization"] == f"Bearer {TOKEN}" else "oidc=login=ada"


def _caller() -> Json:
    return {"Type": "ServiceToken", "Name": "ada-laptop", "Owner": "ada@example.com", "Tags": {"team": "web"}}


@dataclass(frozen=True)
class Place:
    """Where all of it is, beside where the document says that it is."""

    service: Company
    provider: FakeProvider

    @property
    def federation(self) -> str:
        return f"{self.service.url}/federation"

    @property
    def sts(self) -> str:
        return f"{self.service.url}/sts"

    @property
    def names(self) -> dict[str, str]:
        """What stands in the document, by what is there in truth; what holds another comes first."""
        plain = {
            self.federation: "https://signin.aws.amazon.com/federation",
            self.service.url: "https://abc.execute-api.eu-west-1.amazonaws.com/api",
            self.provider.issuer: "https://login.example.com",
        }
        return plain | {quote_plus(real): quote_plus(told) for real, told in plain.items()}


@contextlib.contextmanager
def company() -> Iterator[Place]:
    with fake_service(Company(roles=ROLES)) as service, fake_provider() as provider:
        assert isinstance(service, Company)
        provider.id_claims = {"email": "ada@example.com"}
        yield Place(service, provider)


def console_setting(place: Place) -> str:
    """For the configuration: the console's sign-in is the company's."""
    return f"console_url = {place.federation}\n"
