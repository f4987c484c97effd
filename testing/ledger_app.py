"""The service with a ledger: its Chalice app, and the tables of a DynamoDB in memory on loopback."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.configuration.settings import LedgerTables, Settings
from chalicelib.http import HttpEdge
from testing.app import ROLES, Answer, CredvendApp, Invocation, write_config
from testing.dynamodb.credvend_tables import ALL, BLOCKS, QUOTAS, REVOCATIONS, SESSIONS
from testing.dynamodb.database import Database
from testing.dynamodb.serving import served
from testing.sts_server import StsServer

TABLES = LedgerTables(SESSIONS.name, BLOCKS.name, QUOTAS.name, REVOCATIONS.name)


@dataclass
class LedgerApp:
    """The app, what stands in its tables, and an id of its own for each request."""

    app: CredvendApp
    database: Database

    def vended(self, role: str = "reader", identity: Mapping[str, object] | None = None) -> str:
        """The id of a session that somebody was given: alice, unless told otherwise."""
        answer = self.app.vend({"role": role}, identity=identity)
        assert answer.status == 200, answer.text
        return str(answer.body["RequestId"])

    def sessions(self, query: Mapping[str, str] | None = None, identity: Mapping[str, object] | None = None) -> Answer:
        """GET sessions."""
        return self.app.call("GET", "/v1/iam/sessions", query=query, identity=identity)

    def read(self, session: str, identity: Mapping[str, object] | None = None) -> Answer:
        """GET sessions/ID."""
        return self.app.call("GET", "/v1/iam/sessions/{session}", identity=identity, session=session)

    def revoke(self, session: str, body: str | None = None, identity: Mapping[str, object] | None = None) -> Answer:
        """POST sessions/ID/revoke."""
        path = "/v1/iam/sessions/{session}/revoke"
        return self.app.call("POST", path, body=body, identity=identity, session=session)

    def change(self, session: str, **attributes: Mapping[str, object]) -> None:
        """Have other attributes in a session's entry."""
        item = self.database.item(SESSIONS.name, session)
        assert item is not None
        self.database.put(SESSIONS.name, {**item, **attributes})


def invocations() -> Callable[[], Invocation]:
    """Invocations, each with an id of its own, as Lambda has them."""
    numbers = itertools.count(1)

    def next_one() -> Invocation:
        invocation = Invocation()
        invocation.aws_request_id = f"7b1c9c8e-0000-4000-8000-{next(numbers):012}"
        return invocation

    return next_one


def start(
    config: Path, sts: StsServer, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str], database: Database
) -> LedgerApp:
    """The app with a configuration, as in a new execution environment that asks that database."""
    settings = Settings("ap-northeast-2", ledger_tables=TABLES)
    patch.setattr(app_module, "service", load_service(config, settings))
    patch.setattr(app_module, "edge", HttpEdge(app_module.service.record_unforeseen))
    return LedgerApp(CredvendApp(sts, capture, invocations()), database)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A DynamoDB with credvend's tables, where every client of DynamoDB goes."""
    database = Database(*ALL)
    with served(database) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        yield database


@pytest.fixture
def ledger_app(
    sts: StsServer,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> LedgerApp:
    """The app with the configuration of `credvend`, and a ledger."""
    config = write_config(tmp_path, ROLES + CHAINS, EVERYBODY)
    (config / "sessions.yaml").write_text("quotas: [{name: few, live: 5}]\n")
    return start(config, sts, monkeypatch, capsys, database)


EVERYBODY = """
@id("everybody") permit (principal, action, resource in RoleGroup::"open");
"""
# A role whose sessions go on, and on from there.
CHAINS = """
  - name: first
    arn: arn:aws:iam::111122223333:role/first
    groups: [open]
    chains_to: ["arn:aws:iam::444455556666:role/second", "arn:aws:iam::444455556666:role/unlisted"]
  - name: second
    arn: arn:aws:iam::444455556666:role/second
    chains_to: ["arn:aws:iam::111122223333:role/third", "arn:aws:iam::111122223333:role/first"]
"""
