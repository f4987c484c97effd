"""The service through its Chalice app: events as API Gateway sends them, and an STS on loopback."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, Unpack, cast

import pytest

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.configuration.settings import Settings
from chalicelib.http import HttpEdge
from testing.events import ACCOUNT, REQUEST_ID, Json, Texts, iam_user, rest_event, unsigned
from testing.sts_server import StsServer, sts_server

__all__ = ["ACCOUNT", "POLICIES", "REQUEST_ID", "ROLES", "Answer", "CredvendApp", "Json", "write_config"]

ROLES = """
roles:
  - {name: reader, arn: "arn:aws:iam::111122223333:role/reader", description: Reads., groups: [open]}
  - {name: brief, arn: "arn:aws:iam::111122223333:role/brief", groups: [open], max_duration: 30m}
  - {name: reasoned, arn: "arn:aws:iam::111122223333:role/reasoned", groups: [open], require_reason: true}
  - {name: external, arn: "arn:aws:iam::444455556666:role/deep/external", groups: [open], external_id: shared-id}
  - name: plain
    arn: arn:aws:iam::111122223333:role/plain
    groups: [open]
    source_identity: false
    tag_session: false
  - {name: forbidden, arn: "arn:aws:iam::111122223333:role/forbidden"}
  - name: tenant
    arn: arn:aws:iam::111122223333:role/tenant
    groups: [open]
    params:
      tenant: {pattern: ".+"}
      area: {pattern: "[a-z]+", default: public, description: A part of the tenant's data.}
    policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Action: s3:GetObject
          Resource: arn:aws:s3:::data/${params.tenant}/${params.area}/*
    policy_arns: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess]
    tags: {Owner: "${caller.name}", Environment: test}
    caller_tags: [Project, Cost Center]
    transitive_tags: [Project, Environment]
  - {name: listed, arn: "arn:aws:iam::111122223333:role/listed", groups: [open],
     policy_arns: ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]}
"""
POLICIES = """
@id("alice-may-use-open-roles")
permit (principal == IamUser::"arn:aws:iam::111122223333:user/alice", action, resource in RoleGroup::"open");
"""


@dataclass(frozen=True)
class Answer:
    """An answer of the app."""

    status: int
    headers: dict[str, str]
    text: str
    body: Json = field(default_factory=dict)


class Invocation:
    """What the app asks of Lambda's context object."""

    def __init__(self, request_id: str = REQUEST_ID) -> None:
        self.aws_request_id = request_id

    def get_remaining_time_in_millis(self) -> int:
        """As much as Lambda ever gives: 15 minutes."""
        return 900_000


class Parts(TypedDict, total=False):
    """What a request may hold beside its route and body: see `rest_event`."""

    identity: Mapping[str, object] | None
    headers: Texts | None
    query: Texts | None
    context: Mapping[str, object] | None
    role: str | None


@dataclass
class CredvendApp:
    """The Chalice app, the way API Gateway calls it."""

    sts: StsServer
    capture: pytest.CaptureFixture[str]
    invocation: Callable[[], Invocation] = Invocation

    def vend(self, body: object, **more: Unpack[Parts]) -> Answer:
        text = body if isinstance(body, str) else json.dumps(body)
        return self.call("POST", "/v1/iam/credentials", body=text, **more)

    def call(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        identity: Mapping[str, object] | None = None,
        headers: Texts | None = None,
        query: Texts | None = None,
        context: Mapping[str, object] | None = None,
        role: str | None = None,
        session: str | None = None,
    ) -> Answer:
        """Send a request: on signed routes as alice, unless told otherwise.

        Args:
            role: that the path ends with.
            session: that stands in the path for `{session}`.
        """
        door = iam_user() if path.startswith("/v1/iam/") else unsigned()
        parameters = {"role": role, "session": session}
        event = rest_event(
            method,
            path if role is None else f"{path}/{{role}}",
            identity=door if identity is None else identity,
            headers={"Content-Type": "application/json"} if headers is None else headers,
            query=query,
            path_parameters={name: value for name, value in parameters.items() if value is not None} or None,
            body=body,
            context=context,
        )
        return self.receive(event)

    def receive(self, event: Mapping[str, object]) -> Answer:
        """Send an event as it is."""
        answer = app_module.app(event, self.invocation())
        # Chalice names none for an error of its own.
        is_json = answer["headers"].get("Content-Type", "application/json").startswith("application/json")
        parsed: Json = json.loads(answer["body"]) if is_json else {}
        return Answer(answer["statusCode"], answer["headers"], answer["body"], parsed)

    def records(self) -> list[Json]:
        """The audit records since the last look: every line of the log that is one."""
        lines = self.capture.readouterr().out.splitlines()
        return [cast(Json, json.loads(line)) for line in lines if line]


def write_config(directory: Path, roles: str = ROLES, policies: str = POLICIES) -> Path:
    """A configuration directory with the shipped schema."""
    shipped = Path(app_module.__file__).parent / "chalicelib/config"
    (directory / "policies").mkdir(parents=True, exist_ok=True)
    (directory / "schema.cedarschema").write_text((shipped / "schema.cedarschema").read_text())
    (directory / "roles.yaml").write_text(roles, encoding="utf-8")
    (directory / "policies/all.cedar").write_text(policies, encoding="utf-8")
    return directory


def lead_to(sts: StsServer, patch: pytest.MonkeyPatch) -> None:
    """Have every AWS client of this process go to an STS on loopback."""
    for name, value in {
        "AWS_ENDPOINT_URL": sts.url,
        "AWS_ACCESS_KEY_ID": "AKIASERVICE",
        "AWS_SECRET_ACCESS_KEY": "service-secret",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        patch.setenv(name, value)


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[StsServer]:
    """An STS on loopback, where every AWS client goes."""
    with sts_server() as server:
        lead_to(server, monkeypatch)
        yield server


@pytest.fixture
def credvend(
    sts: StsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CredvendApp:
    """The app with the configuration above, as in a new execution environment."""
    monkeypatch.setattr(app_module, "service", load_service(write_config(tmp_path), Settings("ap-northeast-2")))
    monkeypatch.setattr(app_module, "edge", HttpEdge(app_module.service.record_unforeseen))
    return CredvendApp(sts, capsys)
