"""The service with a ledger: the app as in testing/app.py, and the tables in memory."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

import app as app_module
from chalicelib.admission.with_ledger import WithLedger
from chalicelib.assembly import load_service
from chalicelib.aws.table import ATTEMPTS, Table
from chalicelib.aws.transaction import Transactions
from chalicelib.callers.oidc.used_tokens import UsedTokens
from chalicelib.configuration.settings import Settings
from chalicelib.http import HttpEdge
from chalicelib.ledger.entry import Entry, entry_of
from chalicelib.ledger.ledger import Ledger
from chalicelib.service import Service
from testing.app import Answer, CredvendApp, Invocation, write_config
from testing.clock import Clock
from testing.dynamodb.credvend_tables import ALL, BLOCKS, QUOTAS, SESSIONS, USED_TOKENS
from testing.dynamodb.database import Database
from testing.dynamodb.serving import client_of
from testing.dynamodb.values import Item
from testing.events import Json
from testing.tokens import AUDIENCE, ISSUER, ec_key, key_set

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = ec_key("ledger")
# A permit for each caller that the tests have, on roles that are open.
POLICIES = """
@id("users") permit (principal is IamUser, action, resource in RoleGroup::"open");
@id("sessions") permit (principal is IamRole, action, resource in RoleGroup::"open");
@id("tokens") permit (principal is OidcSubject, action, resource in RoleGroup::"open");
"""
ISSUERS = f"""
issuers:
  - {{name: main, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: keys/main.json, groups_claim: groups}}
  - {{name: once, issuer: {ISSUER}/once, audiences: [{AUDIENCE}], jwks_file: keys/main.json, single_use: true}}
"""


@dataclass
class Ledgered:
    """The app, its tables, and the time.

    Attributes:
        clock: the service's and DynamoDB's; STS's is this machine's.
    """

    app: CredvendApp
    database: Database
    clock: Clock
    config: Path

    def vend(self, number: int, body: object = None, **more: object) -> Answer:
        """A vend with an id of its own, by alice unless told otherwise."""
        self.at(number)
        return self.app.vend({"role": "reader"} if body is None else body, **more)  # type: ignore[arg-type]

    def at(self, number: int) -> None:
        """The next request has this number."""
        self.app.invocation = partial(Invocation, session_id(number))

    def entry(self, number: int) -> Entry | None:
        """What the ledger holds."""
        item = self.database.item(SESSIONS.name, session_id(number))
        return None if item is None else entry_of(cast("dict[str, object]", item))  # type: ignore[arg-type]

    def entries(self) -> list[Entry]:
        return [entry_of(cast("dict[str, object]", item)) for item in self.items()]  # type: ignore[arg-type]

    def items(self) -> list[Item]:
        return self.database.items(SESSIONS.name)

    def events(self) -> list[tuple[str, str | None]]:
        """Events and causes of the audit records since the last look."""
        return [(str(record["event"]), cast("str | None", record.get("cause"))) for record in self.app.records()]

    def configure(self, sessions: str, patch: pytest.MonkeyPatch) -> None:
        """Have the service go by another sessions.yaml."""
        (self.config / "sessions.yaml").write_text(sessions, encoding="utf-8")
        patch.setattr(app_module, "service", service(self.config, client_of(self.database, ATTEMPTS), self.clock))


def session_id(number: int) -> str:
    """An id as Lambda's are."""
    return f"7b1c9c8e-0000-4000-8000-{number:012}"


def service(config: Path, client: "DynamoDBClient", clock: Clock) -> Service:
    """The service with a ledger, as assembly.py puts it together, but for the client."""
    plain = load_service(config, Settings("ap-northeast-2"))
    settings = plain.configuration().sessions
    used = UsedTokens(Table(USED_TOKENS.name, client))
    admission = WithLedger(
        Transactions(client, wait=lambda _: None),
        Ledger(Table(SESSIONS.name, client), settings.keep_seconds),
        BLOCKS.name,
        Table(QUOTAS.name, client),
        settings.quotas,
        lambda: used,
        clock,
    )
    return plain._replace(admission=admission)


@pytest.fixture
def ledgered(credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledgered]:
    """The app with a ledger, in a new execution environment."""
    config = write_config(tmp_path, policies=POLICIES)
    (config / "keys").mkdir()
    (config / "keys/main.json").write_text(json.dumps(key_set(KEY)))
    (config / "issuers.yaml").write_text(ISSUERS)
    clock = Clock()
    database = Database(*ALL, clock=clock)
    monkeypatch.setattr(app_module, "service", service(config, client_of(database, ATTEMPTS), clock))
    monkeypatch.setattr(app_module, "edge", HttpEdge(app_module.service.record_unforeseen))
    yield Ledgered(replace(credvend), database, clock, config)


def body_of(answer: Answer) -> Json:
    """The answer's body, which is JSON."""
    return answer.body
