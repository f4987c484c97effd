"""The function behind the table of revocations is put together for its first batch, from the same configuration."""

import time
from collections.abc import Iterator

import pytest

import app as app_module
from chalicelib.assembly import load_revoker
from chalicelib.configuration.settings import Settings
from chalicelib.errors import ConfigError
from chalicelib.revocation.policy import POLICY_NAME
from chalicelib.revocation.requests import Asked, session_item
from testing.dynamodb.credvend_tables import REVOCATIONS
from testing.iam_server import IamServer, iam_server
from testing.ledger_app import TABLES, LedgerApp
from tests.unit.chalicelib.revocation.world import Context

ROLE = "arn:aws:iam::111122223333:role/reader"


@pytest.fixture
def iam(monkeypatch: pytest.MonkeyPatch) -> Iterator[IamServer]:
    with iam_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", server.server.url)
        load_revoker.cache_clear()
        yield server
    load_revoker.cache_clear()


def test_the_first_batch_is_carried_out(ledger_app: LedgerApp, iam: IamServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "settings", Settings("ap-northeast-2", ledger_tables=TABLES))
    session = ledger_app.vended()
    now = round(time.time())
    item = session_item(Asked(ROLE, now * 1000, now + 900, "test"), session)
    ledger_app.database.put(REVOCATIONS.name, item)
    keys = {name: item[name] for name in ("role_arn", "id")}
    record = {"eventName": "INSERT", "dynamodb": {"Keys": keys, "SequenceNumber": "1", "NewImage": item}}
    assert app_module.revoke_sessions({"Records": [record]}, Context()) == {"batchItemFailures": []}
    assert session in iam.policies["111122223333", "reader"][POLICY_NAME]


def test_without_its_tables_it_says_what_to_do(iam: IamServer, ledger_app: LedgerApp) -> None:
    service = app_module.service
    with pytest.raises(ConfigError, match="names no tables: deploy again"):
        load_revoker(service.configuration(), service.audit_log, Settings("ap-northeast-2"))
